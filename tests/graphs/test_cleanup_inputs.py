"""Which inputs the cleanup graph takes, and how it refuses the others."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from graphs import cleanup
from tests.graphs.driving import Run, shown, write


class TestInputs:
    def test_good_inputs_pass(self, root: Path) -> None:
        (root / "logs" / "app").mkdir(parents=True)

        cleanup.check_inputs({"path": "logs"})
        cleanup.check_inputs({"path": "./logs/../logs/app", "older_than": " 2w ", "keep": "*.keep"})
        cleanup.check_inputs({"path": str(root / "logs"), "older_than": "", "keep": ""})
        cleanup.check_inputs({"path": "."})

    @pytest.mark.parametrize("path", ["..", "../outside", "logs/../../outside", "/", "/etc", "link", "link/deep"])
    def test_a_path_that_leads_out_of_the_root_is_refused(
        self, root: Path, run: Run, tmp_path: Path, path: str
    ) -> None:
        (root / "logs").mkdir()
        secret = write(tmp_path / "outside" / "deep" / "secret.log", days=90)
        (root / "link").symlink_to(tmp_path / "outside")

        with pytest.raises(cleanup.InputError, match=r"leads out of "):
            cleanup.check_inputs({"path": path})
        with pytest.raises(cleanup.InputError):
            run.graph.invoke({"path": path}, run.config)

        assert secret.exists()

    def test_a_link_that_stays_inside_is_followed_once_and_named_by_its_target(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        (root / "link").symlink_to("logs")

        question = run.start(path="link")

        assert question["details"]["path"] == "logs"
        assert shown(question) == ["logs/a.log"]

    @pytest.mark.parametrize(
        ("inputs", "sentence"),
        [
            ({}, "path is missing: which folder in"),
            ({"path": "  "}, "path is missing: which folder in"),
            ({"path": 7}, "path is missing: which folder in"),
            ({"path": "nowhere"}, "path 'nowhere' is not a folder in"),
            ({"path": "file"}, "path 'file' is not a folder in"),
            ({"path": "a\0b"}, "cannot be read"),
            ({"path": "x" * 5000}, "cannot be read"),
            ({"path": ".trash"}, "is the trash itself"),
            ({"path": ".trash/deep"}, "is the trash itself"),
            ({"path": "logs", "older_than": "soon"}, "older_than 'soon' is not an age"),
            ({"path": "logs", "older_than": "30"}, "older_than '30' is not an age"),
            ({"path": "logs", "older_than": "0d"}, "older_than '0d' is not an age"),
            ({"path": "logs", "older_than": "-3d"}, "older_than '-3d' is not an age"),
            ({"path": "logs", "older_than": "٣d"}, "is not an age"),
            ({"path": "logs", "older_than": "999999w"}, "is not an age"),
            ({"path": "logs", "older_than": 30}, "older_than 30 is not an age"),
            ({"path": "logs", "keep": ["*.keep"]}, "is not a pattern"),
        ],
    )
    def test_wrong_inputs_are_told(self, root: Path, inputs: dict[str, Any], sentence: str) -> None:
        (root / "logs").mkdir()
        (root / "file").touch()
        (root / ".trash" / "deep").mkdir(parents=True)

        with pytest.raises(ValueError, match=r"path|older_than|keep") as refusal:
            cleanup.check_inputs(inputs)

        assert sentence in str(refusal.value)

    def test_a_loop_of_links_is_told(self, root: Path) -> None:
        (root / "one").symlink_to("two")
        (root / "two").symlink_to("one")

        with pytest.raises(cleanup.InputError, match="cannot be read"):
            cleanup.check_inputs({"path": "one"})

    def test_a_missing_root_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLEANUP_ROOT", str(tmp_path / "nowhere"))

        with pytest.raises(cleanup.InputError, match=r"does not exist\. Create it, or set CLEANUP_ROOT"):
            cleanup.check_inputs({"path": "logs"})

    def test_without_a_setting_the_root_is_below_var(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CLEANUP_ROOT", raising=False)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "var" / "files" / "logs").mkdir(parents=True)

        cleanup.check_inputs({"path": "logs"})
        with pytest.raises(cleanup.InputError, match="leads out of var/files"):
            cleanup.check_inputs({"path": ".."})

    def test_the_schema_is_enough_for_a_form(self) -> None:
        schema = cleanup.graph.compile().get_input_jsonschema()

        assert schema["required"] == ["path"]
        assert list(schema["properties"]) == ["path", "older_than", "keep"]
        assert all(field["description"] and field["title"] for field in schema["properties"].values())
        assert schema["properties"]["older_than"]["default"] == "30d"

    def test_a_thread_id_cannot_lead_out_of_the_trash(self, root: Path) -> None:
        write(root / "logs" / "a.log", days=40)
        run = Run(InMemorySaver())
        run.config["configurable"]["thread_id"] = "../../outside"
        run.start(path="logs")

        run.approve()

        (batch,) = (root / ".trash").iterdir()
        assert (batch / "logs" / "a.log").exists()
