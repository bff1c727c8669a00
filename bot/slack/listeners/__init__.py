"""What people do in Slack: each listener acknowledges first, then acts.

`register` lists them all, and `context` is what they work with. Commands: `task_command` and `approvals_command`.
Cards: `buttons`, `card_menu`, `history_button` and `reveal`. Modals: `submissions`. Home: `home_opened`. Messages:
`conversation`, `replies` and `edited_replies`.
"""
