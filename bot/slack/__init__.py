"""Slack: how records look there, what people answer, and who they are. No other package sees Slack's dicts.

`api` calls Slack, `listeners` take what people do, `inbox`, `modals` and `cards` render records, `forms` turns JSON
Schemas into inputs and back. Each imports only those after it, and the modules of this folder.
"""
