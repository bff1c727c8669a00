"""A strict local Slack: Web API, Socket Mode and a web page, in a process of its own.

It is another party on the wire: it imports nothing of `bot`, and only the demo and the tests import it.
"""
