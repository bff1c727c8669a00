"""What looks like a secret: `Detector` finds it in texts, and says which names stand for one.

`formats` knows tokens by their form, `names` knows the words under which secrets are kept, and `randomness` tells a
random string from a word. None of it uses the network, and each pattern takes time in proportion to the text.
"""

from bot.secrets.detector import Detector as Detector
