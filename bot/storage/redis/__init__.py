"""The records on Redis. One module per kind of record, which is why this folder has so many.

`store` joins them: `tasks`, `requests`, `messages`, `inboxes`, `agents`, `tokens`, `webhooks`, `troubles`, `audit` and
`leases`. They read and change keys through `database`, with the steps of `steps` and the Lua of `scripts`; `changes` is
what `tasks` and `requests` share, and so is `listing`, which goes through all of them. `census` counts what waits, with
the Lua of `census_scripts`. `hints` wakes other processes. `connection` opens clients, `shared` lets their commands
share a connection, and `server` looks at the server behind them.
"""
