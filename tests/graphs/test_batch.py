"""What the batch graph asks, which rows it keeps, and what a complaint leaves."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from graphs import batch
from tests.graphs.threads import Killed, Thread, dying

Saver = BaseCheckpointSaver[Any]
TEMPLATE = "Dear {name}, {number} is due."


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "batch"
    root.mkdir()
    monkeypatch.setenv("BATCH_ROOT", str(root))
    return root


def place(root: Path, rows: int, name: str = "customers.csv") -> dict[str, Any]:
    lines = [f"Customer {number},{number * 10}" for number in range(1, rows + 1)]
    (root / name).write_text("\n".join(["name,number", *lines, ""]))
    return {"file": name, "template": TEMPLATE, "every": 2}


def written(root: Path) -> list[str]:
    """The texts of the one output; none where there is none."""
    outputs = list((root / "out").glob("*")) if (root / "out").exists() else []
    assert len(outputs) <= 1
    if not outputs:
        return []
    return [row["result"] for row in csv.DictReader(io.StringIO(outputs[0].read_bytes().decode(), newline=""))]


def texts(number: int) -> list[str]:
    return [f"Dear Customer {each}, {each * 10} is due." for each in range(1, number + 1)]


class TestAsking:
    async def test_every_n_rows_a_sample_is_shown_and_then_kept(self, saver: Saver, root: Path) -> None:
        thread = Thread(batch.graph, saver)

        first = await thread.start(**place(root, 5))
        before = written(root)
        second = await thread.approve()
        between = written(root)
        third = await thread.answer(True)
        end = await thread.approve()

        assert first == {
            "type": "quality_check",
            "question": "Do rows 1 to 2 of 5 look right?",
            "samples": [
                {"row": "1", "name": "Customer 1", "number": "10", "result": "Dear Customer 1, 10 is due."},
                {"row": "2", "name": "Customer 2", "number": "20", "result": "Dear Customer 2, 20 is due."},
            ],
            "details": {"file": "customers.csv", "template": TEMPLATE, "approved so far": 0},
            "reason": "This shows 2 of 2 rows. A complaint stops the task.",
            "summary": ["samples"],
            "risk_level": "low",
            "answer": "object",
        }
        assert second["question"] == "Do rows 3 to 4 of 5 look right?"
        assert second["reason"].endswith("A complaint stops the task and keeps the 2 rows approved before.")
        assert third["question"] == "Do rows 5 to 5 of 5 look right?"
        assert [sample["row"] for sample in third["samples"]] == ["5"]
        assert end is None
        assert (before, between, written(root)) == ([], texts(2), texts(5))
        assert (await thread.outcome()).startswith(f"Wrote 5 of 5 rows to {root}/out/customers-")

    async def test_a_sample_is_the_first_the_middle_and_the_last(self, saver: Saver, root: Path) -> None:
        question = await Thread(batch.graph, saver).start(**place(root, 9) | {"every": 9})

        assert [sample["row"] for sample in question["samples"]] == ["1", "5", "9"]

    @pytest.mark.parametrize(
        ("answer", "complaint"),
        [
            ({"approved": False, "feedback": "No surname"}, "No surname"),
            (False, "Somebody said that the rows do not look right."),
            (
                {"approved": False, "feedback": "Rejected: nobody answered by 2030-01-01 09:00 UTC."},
                "Rejected: nobody answered by 2030-01-01 09:00 UTC.",
            ),
        ],
    )
    async def test_a_complaint_stops_it_with_what_was_found_right(
        self, saver: Saver, root: Path, answer: object, complaint: str
    ) -> None:
        thread = Thread(batch.graph, saver)
        await thread.start(**place(root, 5))
        await thread.approve()

        await thread.answer(answer)

        first, second = (await thread.outcome()).splitlines()
        assert first.startswith("Wrote 2 of 5 rows to ")
        assert second == f"Stopped after row 2 of 5: {complaint}"
        assert written(root) == texts(2)

    async def test_a_complaint_about_the_first_writes_nothing(self, saver: Saver, root: Path) -> None:
        thread = Thread(batch.graph, saver)
        await thread.start(**place(root, 5))

        await thread.reject("Wrong")

        assert await thread.outcome() == "Nothing was written.\nStopped after row 0 of 5: Wrong"
        assert written(root) == []

    async def test_where_there_are_no_rows_nobody_is_asked(self, saver: Saver, root: Path) -> None:
        thread = Thread(batch.graph, saver)

        question = await thread.start(**place(root, 0))

        assert question is None
        assert await thread.outcome() == "Nothing to do: the file has no rows."

    async def test_one_row_is_one_row(self, saver: Saver, root: Path) -> None:
        given = place(root, 1)
        del given["every"]
        thread = Thread(batch.graph, saver)
        await thread.start(**given)

        await thread.approve()

        assert (await thread.outcome()).startswith("Wrote 1 of 1 row to ")


class TestAgain:
    async def test_a_crash_at_any_step_leaves_each_row_once(self, saver: Saver, root: Path) -> None:
        thread = Thread(dying(dying(dying(batch.graph, "begin"), "work"), "keep", times=2), saver)
        given, steps = place(root, 5), 0

        question = None
        while steps < 20:
            steps += 1
            try:
                if steps == 1:
                    question = await thread.start(**given)
                elif question is None:
                    question = await thread.proceed()
                else:
                    answered, question = question, None
                    assert answered["type"] == "quality_check"
                    question = await thread.approve()
            except Killed:
                continue
            if question is None:
                break

        assert steps > 4
        assert written(root) == texts(5)
        assert "5 of 5 rows" in await thread.outcome()

    async def test_a_file_that_changed_stops_it(self, saver: Saver, root: Path) -> None:
        at_keep, at_work = Thread(batch.graph, saver), Thread(dying(batch.graph, "keep"), saver)
        for thread in (at_keep, at_work):
            await thread.start(**place(root, 5))
        with pytest.raises(Killed):
            await at_work.approve()
        place(root, 6)

        await at_keep.approve()
        await at_work.proceed()

        for thread in (at_keep, at_work):
            assert "\nStopped after row 0 of 5: The file has changed since" in await thread.outcome()

    async def test_a_file_that_changed_between_two_samples_stops_it(self, saver: Saver, root: Path) -> None:
        thread = Thread(dying(batch.graph, "work"), saver)
        with pytest.raises(Killed):
            await thread.start(**place(root, 5))
        place(root, 6)

        await thread.proceed()

        assert "\nStopped after row 0 of 5: The file has changed since" in await thread.outcome()

    async def test_two_tasks_on_one_file_have_an_output_each(self, saver: Saver, root: Path) -> None:
        for _ in range(2):
            thread = Thread(batch.graph, saver)
            await thread.start(**place(root, 1))
            await thread.approve()

        assert len(names(root / "out")) == 2


def names(path: Path) -> list[str]:
    return [each.name for each in path.iterdir()]


class TestTheText:
    async def test_a_field_is_never_taken_for_a_place(self, saver: Saver, root: Path) -> None:
        put(root / "x.csv", 'name,number\n"{number}, ""x""",5\n')
        thread = Thread(batch.graph, saver)
        await thread.start(file="x.csv", template="{name}: {number} {{name}}")

        await thread.approve()

        assert written(root) == ['{number}, "x": 5 {{number}, "x"}']


def put(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


class TestInputs:
    @pytest.fixture(autouse=True)
    def file(self, root: Path) -> None:
        place(root, 2)

    @pytest.mark.parametrize(
        ("inputs", "sentence"),
        [
            ({"file": " "}, "file is missing: which CSV file in {root} should be worked through?"),
            ({"file": None}, "file is missing: which CSV file in {root} should be worked through?"),
            ({"file": "none.csv"}, "file 'none.csv' does not exist in {root}."),
            (
                {"file": "../x.csv"},
                "file: The path '../x.csv' leads out of the folder: write one such as notes/today.md.",
            ),
            ({"template": ""}, "template is missing: what text should each row get?"),
            (
                {"template": "{who}"},
                "template has {who}, but the file has no such column. Its columns are name, number.",
            ),
            (
                {"template": "{name.__class__}"},
                "template has {name.__class__}, but the file has no such column. Its columns are name, number.",
            ),
            ({"every": 0}, "every 0 is not a number of rows: write one from 1 to 10000."),
            ({"every": "2"}, "every '2' is not a number of rows: write one from 1 to 10000."),
            ({"every": True}, "every True is not a number of rows: write one from 1 to 10000."),
        ],
    )
    def test_bad_inputs_are_refused_in_a_sentence(self, root: Path, inputs: dict[str, Any], sentence: str) -> None:
        with pytest.raises(batch.InputError) as refused:
            batch.check_inputs({"file": "customers.csv", "template": TEMPLATE} | inputs)

        assert str(refused.value) == sentence.replace("{root}", root.as_posix())

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "is empty: its first line must name the columns"),
            (b"\xff\xfe", "is not UTF-8: save it as UTF-8"),
            (b"a,b\n1\n", "row 1 has 1 fields, but there are 2 columns"),
            (b"a,a\n1,2\n", "two columns have the same name, or one is named result"),
            (b"a,result\n1,2\n", "two columns have the same name, or one is named result"),
            (b'a\n"' + b"x" * 140_000 + b'"\n', "is not a CSV file: field larger than field limit"),
        ],
    )
    def test_a_file_that_is_no_table_is_refused_in_a_sentence(self, root: Path, content: bytes, sentence: str) -> None:
        (root / "bad.csv").write_bytes(content)

        with pytest.raises(batch.InputError, match=sentence):
            batch.check_inputs({"file": "bad.csv", "template": "x"})

    def test_a_file_that_is_too_large_is_refused(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batch, "MAX_FILE_BYTES", 10)

        with pytest.raises(batch.InputError, match=r"bytes\. At most 10 are allowed"):
            batch.check_inputs({"file": "customers.csv", "template": "x"})

    def test_a_link_out_of_the_root_is_not_read(self, root: Path, tmp_path: Path) -> None:
        put(tmp_path / "secret.csv", "a\n1\n")
        (root / "link.csv").symlink_to(tmp_path / "secret.csv")

        with pytest.raises(batch.InputError, match=r"file 'link.csv' cannot be read: "):
            batch.check_inputs({"file": "link.csv", "template": "x"})
