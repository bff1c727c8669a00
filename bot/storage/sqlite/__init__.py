"""The records in one SQLite file. One module per kind of record, which is why this folder has so many.

`store` joins them: `tasks`, `requests`, `messages`, `inboxes`, `agents`, `tokens`, `webhooks`, `troubles`, `audit` and
`leases`.
They use the file through `database`, whose tables are in `schema`, and read and write records as `rows` says; `changes`
is what `tasks` and `requests` share. `census` counts what waits. `power` is for a machine that lost its power, and
`backup` copies the file.
"""
