"""The composition roots: each builds all parts of one role and runs it. No other module knows all parts.

`run` starts the roles as processes of their own. `gateway` is the role that talks to Slack, `worker` the one that runs
agents, which `workers` forks, watches and replaces. They share storage, and wake each other through `wire`.

The parts of a gateway that can be told apart are modules of their own, which is why there are more than twelve: how
Slack reaches it (`connection`), what it does with hints (`hearing`), what it shows of what waits for whom (`inbox`),
the HTTP API (`api`), programs that ask through it (`callers`) and their webhooks (`hooks`), LangGraph Servers
(`servers`), what it logs about policies that fit nobody (`noticing`), and what it tells operators in their channel
(`ops`). What operators and monitors learn of each process is in `watched`.
All roles take changed `policies` while they run, and know their bot by its `identity`.
"""
