"""Messages: records rendered as blocks. Pure.

`render` is the way in, for every kind of message: `request_card`, `reminder`, `task_card` and `notices`, with
`notification` for the texts of a request's messages. All of them, and the lists, say whose turn it is in the words of
`turns`, how something ended in those of `endings`, and who decided what in those of `decision_words`. A request's card
is made of parts, one module each, which is why there are more than twelve: what is asked (`question_blocks`,
`choice_lines`, `values`, `form_answer`, `privacy`), what an edit changed (`edit_diff`), how it stands (`status_lines`,
`blocked_lines`, `outcome_blocks`), and what can be pressed (`vote_buttons`, in one `answer_row`, and
`side_action_menu`). What was decided earlier is worded by `earlier_words`, and what can be undone by `undo_words`.
`programs` words what programs do that ask through the API, and `servers` where an agent on a LangGraph Server runs.
`trouble_card` is what operators get.
"""
