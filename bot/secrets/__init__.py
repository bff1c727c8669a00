"""Finds what looks like a secret: `Detector` finds secrets in texts, and knows which names stand for one.

`formats` knows tokens by their form, `names` knows the words that name secrets, and `randomness` tells a random string
from a word. Nothing here uses the network, and each pattern takes time in proportion to the length of the text.
"""

from bot.secrets.detector import Detector as Detector
