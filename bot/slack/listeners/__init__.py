"""What people do in Slack.

`register` is the table of all that they can do, with the function that does it. `guard` stands around every function:
it acknowledges first, says who acts, and tells people in `private_words` what is refused. `context` is what the
functions work with, `acts` and `events` are what they are handed.

The functions stand in one module per place where people act, which is why there are more than twelve. Commands:
`task_command` and `approvals_command`. Cards: `buttons`, `card_menu`, `history_button` and `reveal`. Modals:
`submissions`. Home: `home_opened`. Messages: `conversation`, `replies`, `edited_replies` and `wordings`.
"""
