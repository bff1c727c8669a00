"""Modals: what they show, and what somebody filled in. Pure.

To start a task: `start_modal`. To answer: `answer_modal`, `one_by_one_modal` and `edit_modal`. To read all of a
request: `question_pages`, made of `asked_rows`, `value_rows` and `decision_lines`. What is done besides:
`side_action_modals`. What happened: `history_modal`, with `program_events` and `server_events`. All of them are
`views`.
"""
