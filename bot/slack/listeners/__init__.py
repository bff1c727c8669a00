"""What people do in Slack.

`register` is the table: each button, modal, command, shortcut and event, and the function that does it. `guard` stands
around all of them, hands them an act (`acts`, `events`), and tells people what is refused (`private_words`). `context`
holds what they work with. The other modules are the functions, one module per place in Slack where people act; that is
why there are more than twelve.
"""
