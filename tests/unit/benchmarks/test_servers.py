"""What is reported of agents on a LangGraph Server."""

from benchmarks import report, servers


def test_the_table_has_what_was_measured_on_a_server() -> None:
    each = {"per_second": 4.0, "cpu_ms_each": 20.0, "server_cpu_ms_each": 30.0}
    idle = {"cpu_percent": 1.25, "server_cpu_percent": 0.25}
    found = {
        servers.HERE: {**each, "cpu_ms_each": 10.0},
        servers.ELSEWHERE: each,
        "cards": {"look_p50_ms": 2500.0, "look_p95_ms": 4800.0, "hint_p50_ms": 120.0, "hint_p95_ms": 150.0},
        "idle": idle,
        "new": idle,
        "old": idle,
        "watched": 1_081,
        "shown": 61.0,
    }

    table = {" ".join(line.split()) for line in report.table({"sqlite": {"servers": found}}).splitlines()}

    assert table >= {
        "CPU a decision, bot, on a LangGraph Server : in its worker 2.00",
        "CPU ms a decision, on a LangGraph Server: bot / server 20.0 / 30.0",
        "thread waits to card, found by a look: p50 / p95 s 2.50 / 4.80",
        "thread waits to card, with a hint: p50 / p95 s 0.12 / 0.15",
        "CPU % while nothing happens, 1,081 watched threads: bot / server 1.25 / 0.25",
    }


def test_a_card_of_somebody_elses_thread_is_known_by_its_name() -> None:
    """Not by what looks like it in an id."""
    found = servers.THEIRS.search("id f1234567\\nGo on with f000017?")

    assert found is not None
    assert found[1] == "f000017"
