"""Calls to Slack, its rate limits, and the events that come in over Socket Mode or over HTTP.

Each call and what its refusal means: `calls`, `refusals`. When a call may go, and goes again: `rate_limit`, `lookups`,
`waits`. What is asked: `tokens`, `directory` with its `cache`, `names`, `validation`. What is sent: `messenger`,
`click_urls`, `files`. What comes in: `intake`.
"""
