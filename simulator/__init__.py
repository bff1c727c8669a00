"""A strict local Slack: Web API, Socket Mode and a web page, in a process of its own.

A party on the wire: it imports nothing else of `bot`, and nothing else of `bot` imports it.
"""
