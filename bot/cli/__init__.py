"""The commands that an operator types, each in a module of its name.

What the bot is and whether it can run: `check`, with the `standard_cards` that Slack validates. What policies mean:
`policy_explain`, `policy_afterwards`; how a changed file comes to be used: `policy_reload`, and `policy_apply` for open
requests. What is going on: `tasks` with `task_words`, `requests` with `request_words`; both stand on `operator_desk`,
`operator_name`, `record_words` and `tables`. The record: `audit`, `audit_export`. Programs: `tokens`, `mcp`. To try it:
`demo`.
"""
