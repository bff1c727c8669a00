"""The tables of the SQLite file, version by version, and the queries of the sweep.

A record's text is in `body`. The other columns are what queries and constraints need of it. `seq` is the order in which
rows were written. Moments are whole microseconds since 1970. Tables and columns keep the names that they were given:
a surface is a message, it is stale when it is out of date, and a digest in `inboxes` is a daily summary.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.ports.storage import Among

Migration = Sequence[str]
"""Statements that turn one version of the file into the next, in one transaction."""

JSON_BODY = "CASE WHEN json_valid(body) THEN body ELSE replace(replace(body, 'NaN', 'null'), 'Infinity', '0') END"
"""A body as JSON that every SQLite reads: a body may hold NaN and the infinities, which JSON does not have."""


def _text(path: str) -> str:
    return f"json_extract({JSON_BODY}, '{path}')"


def _moment(path: str) -> str:
    """A time that a body holds, in microseconds. Lists go on after the time in the body, so no digit may be missing."""
    time = _text(path)
    fraction = f"CASE substr({time}, 20, 1) WHEN '.' THEN CAST(substr({time}, 21, 6) AS INTEGER) ELSE 0 END"
    return f"(CAST(strftime('%s', {time}) AS INTEGER) * 1000000 + {fraction})"


MIGRATIONS: tuple[Migration, ...] = (
    (
        """
        CREATE TABLE tasks (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            thread_id TEXT NOT NULL UNIQUE,
            team_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            state TEXT NOT NULL,
            ended_at INTEGER,
            forgotten INTEGER NOT NULL DEFAULT 0,
            revision INTEGER NOT NULL,
            body TEXT NOT NULL
        )
        """,
        "CREATE INDEX tasks_ended ON tasks (forgotten, ended_at) WHERE ended_at IS NOT NULL",
        "CREATE INDEX tasks_by_requester ON tasks (team_id, user_id, created_at)",
        "CREATE INDEX tasks_at_work ON tasks (seq) WHERE state IN ('Starting', 'Running')",
        # `due_at` is set while a request is pending, `next_try` while it is decided.
        """
        CREATE TABLE requests (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            task_id TEXT NOT NULL REFERENCES tasks (id),
            thread_id TEXT NOT NULL,
            interrupt_id TEXT NOT NULL,
            state TEXT NOT NULL,
            due_at INTEGER,
            next_try INTEGER,
            revision INTEGER NOT NULL,
            body TEXT NOT NULL,
            UNIQUE (thread_id, interrupt_id)
        )
        """,
        "CREATE INDEX requests_by_task ON requests (task_id)",
        "CREATE INDEX requests_due ON requests (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX requests_undelivered ON requests (next_try) WHERE next_try IS NOT NULL",
        # `request_id` is the request whose revision the message shows, and NULL if it shows the task's.
        # `stale_since` is the event since which it is out of date, and NULL if it is not, or is abandoned.
        """
        CREATE TABLE surfaces (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            task_id TEXT NOT NULL REFERENCES tasks (id),
            request_id TEXT REFERENCES requests (id),
            channel TEXT,
            ts TEXT,
            shown INTEGER NOT NULL,
            abandoned INTEGER NOT NULL,
            not_before INTEGER,
            stale_since INTEGER,
            revision INTEGER NOT NULL,
            body TEXT NOT NULL
        )
        """,
        "CREATE INDEX surfaces_by_task ON surfaces (task_id)",
        "CREATE INDEX surfaces_by_request ON surfaces (request_id) WHERE request_id IS NOT NULL",
        "CREATE INDEX surfaces_by_place ON surfaces (channel, ts) WHERE ts IS NOT NULL",
        "CREATE INDEX surfaces_stale ON surfaces (stale_since) WHERE stale_since IS NOT NULL",
        """
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            request_id TEXT,
            body TEXT NOT NULL
        )
        """,
        "CREATE INDEX events_by_task ON events (task_id)",
        """
        CREATE TRIGGER events_stay_as_they_are BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END
        """,
        """
        CREATE TRIGGER events_are_kept BEFORE DELETE ON events
        WHEN EXISTS (SELECT 1 FROM tasks WHERE tasks.id = OLD.task_id)
        BEGIN SELECT RAISE(ABORT, 'audit events are kept as long as their task'); END
        """,
        # A released lease keeps its row, without `until`, so that tokens go on growing.
        """
        CREATE TABLE leases (
            thread_id TEXT PRIMARY KEY,
            token INTEGER NOT NULL,
            until INTEGER
        )
        """,
    ),
    (
        # The lists of `bot.storage.lists`, smallest place first.
        """
        CREATE TABLE lists (
            list TEXT NOT NULL,
            place INTEGER NOT NULL,
            request_id TEXT NOT NULL REFERENCES requests (id),
            PRIMARY KEY (list, request_id)
        ) WITHOUT ROWID
        """,
        "ALTER TABLE tasks ADD COLUMN slack_thread TEXT",
        "CREATE INDEX tasks_by_slack_thread ON tasks (slack_thread) WHERE slack_thread IS NOT NULL",
        "CREATE INDEX lists_in_order ON lists (list, place)",
        "CREATE INDEX lists_by_request ON lists (request_id)",
        # Requests that wait already come last until they are next saved, because no column holds their deadline.
        f"""
        INSERT OR IGNORE INTO lists (list, place, request_id)
        SELECT 'waiting:' || lower(ref.atom), 9007199254740991, requests.id
        FROM requests, json_tree({JSON_BODY}) AS ref
        WHERE state = 'Pending' AND ref.type = 'text'
            AND (ref.path LIKE '$.policy%.approvers' OR ref.path LIKE '$%escalated_to%')
        """,  # noqa: S608
        """
        CREATE TABLE inboxes (
            person TEXT PRIMARY KEY,
            opened_at INTEGER,
            digest_due_at INTEGER,
            revision INTEGER NOT NULL,
            body TEXT NOT NULL
        )
        """,
        "CREATE INDEX inboxes_opened ON inboxes (opened_at) WHERE opened_at IS NOT NULL",
        "CREATE INDEX inboxes_due ON inboxes (digest_due_at) WHERE digest_due_at IS NOT NULL",
    ),
    # `digest` is the SHA-256 of the entry's text, `link` that of the link before it and the digest. The text is empty
    # if the task's records are past their retention.
    (
        "DROP TRIGGER events_stay_as_they_are",
        "DROP TRIGGER events_are_kept",
        "ALTER TABLE events ADD COLUMN digest BLOB NOT NULL DEFAULT x''",
        "ALTER TABLE events ADD COLUMN link BLOB NOT NULL DEFAULT x''",
        "UPDATE events SET digest = sha256(CAST(body AS BLOB))",
        """
        WITH RECURSIVE chain (seq, link) AS (
            SELECT 0, zeroblob(32)
            UNION ALL
            SELECT events.seq, sha256(chain.link, events.digest) FROM chain
            JOIN events ON events.seq = (SELECT MIN(seq) FROM events WHERE seq > chain.seq)
        )
        UPDATE events SET link = chain.link FROM chain WHERE chain.seq = events.seq
        """,
        """
        CREATE TRIGGER events_stay_as_they_are BEFORE UPDATE ON events
        WHEN NEW.body <> '' OR NEW.seq <> OLD.seq OR NEW.task_id <> OLD.task_id
            OR NEW.digest <> OLD.digest OR NEW.link <> OLD.link
            OR EXISTS (SELECT 1 FROM tasks WHERE tasks.id = OLD.task_id)
        BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END
        """,
        """
        CREATE TRIGGER events_are_kept BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'audit events are kept for ever, be it without their text'); END
        """,
    ),
    # Which process holds a lease, and until when each process is known to live.
    (
        "ALTER TABLE leases ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX leases_of ON leases (owner) WHERE owner <> '' AND until IS NOT NULL",
        "CREATE TABLE owners (owner TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID",
    ),
    # The catalog of agents: at most one row.
    (
        """
        CREATE TABLE catalog (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            digest TEXT NOT NULL,
            body TEXT NOT NULL
        )
        """,
    ),
    # The one row names the start of the machine during which the file was last opened; see `bot.storage.sqlite.power`.
    ("CREATE TABLE machine (boot TEXT NOT NULL)",),
    # Tokens of the HTTP API, and webhooks, whose `next_try` is set until they are delivered or given up.
    (
        """
        CREATE TABLE tokens (
            seq INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            digest TEXT NOT NULL UNIQUE,
            revision INTEGER NOT NULL,
            body TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE webhooks (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            task_id TEXT NOT NULL REFERENCES tasks (id),
            next_try INTEGER,
            revision INTEGER NOT NULL,
            body TEXT NOT NULL
        )
        """,
        "CREATE INDEX webhooks_by_task ON webhooks (task_id)",
        "CREATE INDEX webhooks_due ON webhooks (next_try) WHERE next_try IS NOT NULL",
    ),
    # The source of the program that made a task through the HTTP API.
    (
        "ALTER TABLE tasks ADD COLUMN source TEXT",
        "CREATE INDEX tasks_by_source ON tasks (source, created_at, id) WHERE source IS NOT NULL",
        """
        CREATE INDEX open_tasks_by_source ON tasks (source, created_at, id)
        WHERE source IS NOT NULL AND ended_at IS NULL
        """,
    ),
    # What operators list.
    (
        "CREATE INDEX tasks_by_time ON tasks (created_at, id)",
        "CREATE INDEX open_tasks_by_time ON tasks (created_at, id) WHERE ended_at IS NULL",
        "CREATE INDEX failed_tasks_by_time ON tasks (created_at, id) WHERE state = 'Failed'",
    ),
    # What a census counts, and open requests in order. `settled_at` is when the delivery of a decision may begin:
    # before decisions were held until a time, that of the delivery told it.
    (
        "ALTER TABLE requests ADD COLUMN graph TEXT",
        "ALTER TABLE requests ADD COLUMN opened_at INTEGER",
        "ALTER TABLE requests ADD COLUMN settled_at INTEGER",
        f"""
        UPDATE requests SET
            graph = {_text("$.graph")},
            opened_at = {_moment("$.opened_at")},
            settled_at = MAX({_moment("$.state.decision.at")}, COALESCE(
                {_moment("$.state.held_until")},
                CASE WHEN {_text("$.state.held")} IS NOT NULL AND {_text("$.state.attempts")} = 0 THEN next_try END,
                0
            ))
        WHERE state IN ('Pending', 'Decided')
        """,  # noqa: S608
        "CREATE INDEX requests_unsettled ON requests (opened_at, id) WHERE state IN ('Pending', 'Decided')",
        "CREATE INDEX requests_pending ON requests (graph, opened_at, due_at) WHERE state = 'Pending'",
        "CREATE INDEX requests_decided ON requests (settled_at, thread_id) WHERE state = 'Decided'",
    ),
    # What operators are told of: the troubles themselves, what they are found by, and how far the audit log was
    # verified.
    (
        """
        CREATE TABLE troubles (
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            since INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (kind, subject)
        )
        """,
        "CREATE INDEX troubles_in_order ON troubles (since, kind, subject)",
        """
        CREATE TABLE verified (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            number INTEGER NOT NULL,
            link TEXT NOT NULL
        )
        """,
        "ALTER TABLE tasks ADD COLUMN failed_at INTEGER",
        f"""
        UPDATE tasks SET failed_at = {_moment("$.state.failure.at")} WHERE state = 'Failed' AND ended_at IS NULL
        """,  # noqa: S608
        "CREATE INDEX tasks_failed ON tasks (failed_at, id) WHERE failed_at IS NOT NULL",
        "ALTER TABLE requests ADD COLUMN doubtful_since INTEGER",
        f"""
        UPDATE requests SET doubtful_since = COALESCE(opened_at, 0)
        WHERE state = 'Pending' AND (
            json_array_length({JSON_BODY}, '$.unreached') OR json_array_length({JSON_BODY}, '$.open.untold')
            OR {_text("$.open.short")} OR {_text("$.short")}
        )
        """,  # noqa: S608
        "CREATE INDEX requests_doubtful ON requests (doubtful_since, id) WHERE doubtful_since IS NOT NULL",
        "ALTER TABLE webhooks ADD COLUMN given_up INTEGER",
        f"""
        UPDATE webhooks SET given_up = {_moment("$.created_at")}
        WHERE next_try IS NULL AND {_text("$.delivered_at")} IS NULL
        """,  # noqa: S608
        "CREATE INDEX webhooks_given_up ON webhooks (given_up, id) WHERE given_up IS NOT NULL",
    ),
)

# `INDEXED BY` refuses any plan that reads finished records, whatever SQLite estimates from the row counts.
ORPHANS = """
    SELECT body FROM tasks INDEXED BY tasks_at_work
    WHERE state IN ('Starting', 'Running') AND (id GLOB 'caller-*' OR id GLOB 'server-*') = :elsewhere
        AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.thread_id = tasks.thread_id AND until > :now)
    ORDER BY seq LIMIT :limit
"""
_FROM = """
    SELECT body FROM tasks INDEXED BY {index}
    WHERE source = :source AND (created_at, id) < (:at, :id) AND (:callers IS NULL OR (id GLOB 'caller-*') = :callers)
        AND {ended}
    ORDER BY created_at DESC, id DESC LIMIT :limit
"""
FROM = {
    None: _FROM.format(index="tasks_by_source", ended="TRUE"),
    True: _FROM.format(index="tasks_by_source", ended="ended_at IS NOT NULL"),
    False: _FROM.format(index="open_tasks_by_source", ended="ended_at IS NULL"),
}
"""The tasks of a source: all, those that have ended, or the others."""
_NEWEST = """
    SELECT body FROM tasks INDEXED BY {index}
    WHERE (created_at, id) < (:at, :id) AND created_at >= :since AND {among}
        AND (:graph IS NULL OR {graph} = :graph)
    ORDER BY created_at DESC, id DESC LIMIT :limit
"""
_GRAPH = _text("$.graph")
NEWEST = {
    Among.ALL: _NEWEST.format(index="tasks_by_time", among="TRUE", graph=_GRAPH),
    Among.OPEN: _NEWEST.format(index="open_tasks_by_time", among="ended_at IS NULL", graph=_GRAPH),
    Among.ENDED: _NEWEST.format(index="tasks_by_time", among="ended_at IS NOT NULL", graph=_GRAPH),
    Among.FAILED: _NEWEST.format(index="failed_tasks_by_time", among="state = 'Failed'", graph=_GRAPH),
}
NEWEST_UNSETTLED = """
    SELECT body FROM requests INDEXED BY requests_unsettled
    WHERE state IN ('Pending', 'Decided') AND (opened_at, id) < (:at, :id)
    ORDER BY opened_at DESC, id DESC LIMIT :limit
"""
TASK_IDS = "SELECT id FROM tasks WHERE id >= :prefix AND id < :end ORDER BY id LIMIT :limit"
REQUEST_IDS = "SELECT id FROM requests WHERE id >= :prefix AND id < :end ORDER BY id LIMIT :limit"
UNSETTLED = """
    SELECT DISTINCT task_id FROM requests
    WHERE state IN ('Pending', 'Decided') AND (task_id GLOB 'caller-*' OR task_id GLOB 'server-*') = :elsewhere
"""
TRAIL = """
    SELECT seq, CAST(task_id AS BLOB), CAST(body AS BLOB), CAST(digest AS BLOB), CAST(link AS BLOB) FROM events
    WHERE seq > :after ORDER BY seq LIMIT :limit
"""
HEAD = """
    SELECT
        (SELECT seq FROM sqlite_sequence WHERE name = 'events'),
        (SELECT CAST(link AS BLOB) FROM events ORDER BY seq DESC LIMIT 1)
"""
RECORDS = """
    SELECT 'task', 0, body FROM tasks WHERE id = :id
    UNION ALL SELECT 'request', seq, body FROM requests WHERE task_id = :id
    UNION ALL SELECT 'message', seq, body FROM surfaces WHERE task_id = :id
    ORDER BY 2
"""
REVISIONS = """
    SELECT id, revision + (SELECT COALESCE(SUM(revision + 1), 0) FROM requests WHERE task_id = tasks.id)
    FROM tasks WHERE id IN (SELECT value FROM json_each(:ids))
"""
ENDED = """
    SELECT body FROM tasks INDEXED BY tasks_ended
    WHERE forgotten = :forgotten AND ended_at <= :before
    ORDER BY ended_at, seq LIMIT :limit
"""
DUE = """
    SELECT body FROM requests INDEXED BY requests_due
    WHERE due_at <= :now
    ORDER BY due_at, seq LIMIT :limit
"""
UNDELIVERED = """
    SELECT body FROM requests INDEXED BY requests_undelivered
    WHERE next_try <= :now AND (task_id GLOB 'caller-*' OR task_id GLOB 'server-*') = :elsewhere
        AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.thread_id = requests.thread_id AND until > :now)
    ORDER BY next_try, seq LIMIT :limit
"""
OUT_OF_DATE = """
    SELECT body FROM surfaces INDEXED BY surfaces_stale
    WHERE stale_since IS NOT NULL AND (not_before IS NULL OR not_before <= :now)
    ORDER BY stale_since, seq LIMIT :limit
"""
UNPOSTED = """
    SELECT id, body FROM surfaces INDEXED BY surfaces_stale
    WHERE stale_since IS NOT NULL AND ts IS NULL
"""
LISTED = """
    SELECT body FROM (
        SELECT request_id, MIN(place) AS place FROM lists WHERE list IN (SELECT value FROM json_each(:lists))
        GROUP BY request_id ORDER BY place, request_id LIMIT :limit
    ) JOIN requests ON requests.id = request_id
    ORDER BY place, request_id
"""
DUE_WEBHOOKS = """
    SELECT body FROM webhooks INDEXED BY webhooks_due
    WHERE next_try <= :now
    ORDER BY next_try, seq LIMIT :limit
"""
FAILED = """
    SELECT body FROM tasks INDEXED BY tasks_failed
    WHERE failed_at IS NOT NULL AND (failed_at, id) > (:at, :id)
    ORDER BY failed_at, id LIMIT :limit
"""
DOUBTFUL = """
    SELECT body FROM requests INDEXED BY requests_doubtful
    WHERE doubtful_since IS NOT NULL AND (doubtful_since, id) > (:at, :id)
    ORDER BY doubtful_since, id LIMIT :limit
"""
GIVEN_UP = """
    SELECT body FROM webhooks INDEXED BY webhooks_given_up
    WHERE given_up IS NOT NULL AND (given_up, id) > (:at, :id)
    ORDER BY given_up, id LIMIT :limit
"""
TROUBLES = """
    SELECT body FROM troubles INDEXED BY troubles_in_order
    ORDER BY since, kind, subject LIMIT :limit
"""
HOMES = """
    SELECT body FROM inboxes INDEXED BY inboxes_opened
    WHERE opened_at >= :since
    ORDER BY opened_at DESC LIMIT :limit
"""
DUE_SUMMARIES = """
    SELECT body FROM inboxes INDEXED BY inboxes_due
    WHERE digest_due_at <= :now
    ORDER BY digest_due_at LIMIT :limit
"""
