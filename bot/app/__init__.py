"""The composition roots: each builds all parts of one role and runs it. No other module knows all parts.

`run` starts the roles as processes of their own. `gateway` is the role that talks to Slack, `worker` the one that runs
agents, which `workers` forks, watches and replaces. They share storage, and wake each other through `wire`.

Parts of a gateway: `api`, `callers`, `hooks`, `servers` with `lookouts`, and `noticing`. In every role: `policies`,
which change while it runs, and `identity`.
"""
