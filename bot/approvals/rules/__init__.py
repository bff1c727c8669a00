"""The rules of approvals as pure functions: records and a time go in, the next record or a refusal comes out.

Which policy governs: `matching`, with `names` and `known_graphs`; `policy_changes` compares two files. Who may answer:
`eligible`; whether anybody got to see it: `reach`. What answers lead to: `voting`, and `calling_off` until the agent
has the answer. What happens while nobody answers: `schedule` and `timeouts`. A request's life: `lifecycle`; that of an
offer to undo: `windows`. What is done besides: `side_actions`. What a drive does next: `next_action`. How a task
stands: `standing`. What needs an operator: `troubles`. What programs may know: `calls`. What people do not see:
`masking`.
"""
