"""The composition roots: each builds all parts of one role and runs it. No other module knows all parts.

`run` starts the roles as processes of their own. `gateway` is the role that talks to Slack, `worker` the one that runs
agents, which `workers` forks, watches and replaces. They share storage, and wake each other through `wire`.

A gateway has parts that it can be without: the `api`, with `callers`, whom `hooks` tell; `servers`, and the `lookouts`
at what changes there; `ops`, which tells operators what needs a person. It logs what `noticing` finds. `telling` makes
the telemetry of a role.
"""
