"""The use cases: each looks up what it needs, applies the rules, and stores the result. One module per use case, which
is why this folder has so many.

What people do: `votes`, `side_actions` and `tasks`, through `unit_of_work`, as `verbs` says; what they look at:
`reading` and `changes`. What programs do: `calls` and `call_reading`, if their `tokens` let them in (`admission`), and
how they are told: `webhooks`. What operators do: `operations` and `cancelling`;
what they list: `overview`. Threads that others have started: `adoption`. What happens by itself: `due_steps`, the
`sweep`, and `claims` of dead processes.
"""
