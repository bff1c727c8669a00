"""A strict local Slack: Web API, Socket Mode, request URLs and a web page, in one process on loopback.

It stands on the other end of the wire: it imports nothing of `bot`, and the bot talks to it as it talks to Slack.
README.md says how to start it and what it refuses.

There are more modules here than one takes in at a glance, and each is one noun of Slack's. They stand in these rooms:

Entry: `__main__` is the command line, `process` starts it as a child process, `client` is its control API for Python,
and `text` shows a message or view as plain text. These three are what tests and the demo import.

The wire: `server` holds it all. `webapi` is a folder with a module for each family of methods. `sockets` is Socket
Mode, `request_urls` is HTTP delivery, and `response_urls` are the addresses that answer an interaction. `events` is
the Events API, `outcomes` says how the app took what it was sent, `traffic` keeps what both sides said, `feed`
numbers what changed for those who wait, and `control` is the control API under /sim/.

People: `seats` is the workspace as one person sees it, and `interactions` is what they do there. `payloads` is what
the app gets of it, `suggestions` are menus that the app fills, `forms` is what was typed into blocks, `writing` is
what Slack's clients make of a typed text, and `notices` are Slack's own errors to one person.

What Slack accepts: `schema` is the small language for it, `elements`, `richtext` and `blocks` are the tables, and
`views` holds modals and Home tabs. `limits` has Slack's numbers, `pace` its rate limits, `triggers` its trigger ids,
and `errors` its names of refusals.

The workspace: `world` is all of it in memory. `workspace` reads workspace.yaml and `manifest` reads manifest.yml.
`people` with `zones`, `channels` with `membership`, `messages`, `scheduled` and `files` are its records, and `state`
writes them to a file and reads them back.

What may go wrong: `faults` plans lost answers and errors, and `clock` skips hours.
"""
