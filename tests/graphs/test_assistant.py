"""What the assistant asks before it acts, what its tools do, and that they do it once."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolCall
from langgraph.checkpoint.base import BaseCheckpointSaver

from graphs import assistant, drafting, effects, mail
from tests.graphs.models import Scripted, installed
from tests.graphs.smtp import Mailbox, served
from tests.graphs.threads import Killed, Thread

Saver = BaseCheckpointSaver[Any]
APPROVED = {"decisions": [{"type": "approve"}]}
NOTE = {"path": "notes/ada.md", "text": "Welcome"}
MAIL = {"to": "ada@example.org", "subject": "Welcome", "text": "Hello Ada"}


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSISTANT_ROOT", str(tmp_path / "files"))
    monkeypatch.setenv("MAIL_OUTBOX", str(tmp_path / "outbox"))
    return tmp_path / "files"


@pytest.fixture
async def mailbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailbox]:
    async with served(Mailbox()) as mailbox:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(mailbox.port))
        monkeypatch.setenv("SMTP_SECURITY", "none")
        yield mailbox


def calls(*wanted: tuple[str, dict[str, Any]]) -> AIMessage:
    return AIMessage(
        content="",
        tool_calls=[ToolCall(name=name, args=args, id=f"call-{at}") for at, (name, args) in enumerate(wanted)],
    )


def told(model: Scripted) -> str:
    """What the tools said, as the model saw it last."""
    return str(model.asked[-1][-1].content)


def files(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


class TestAsking:
    async def test_files_and_mails_are_asked_on_one_card_and_then_done(
        self, saver: Saver, root: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = installed(monkeypatch, calls(("write_file", NOTE), ("send_email", MAIL)), "Both are done.")
        thread = Thread(assistant.graph(), saver)

        question = await thread.start(task="Welcome Ada")
        before = files(root), len(mailbox.mails)
        end = await thread.answer({"decisions": [{"type": "approve"}, {"type": "approve"}]})

        assert question["action_requests"] == [
            {
                "name": "write_file",
                "args": NOTE,
                "description": f"It is written below {root}.",
            },
            {
                "name": "send_email",
                "args": MAIL,
                "description": "It goes by SMTP (127.0.0.1).",
            },
        ]
        assert [config["allowed_decisions"] for config in question["review_configs"]] == [
            ["approve", "edit", "reject"],
            ["approve", "edit", "reject"],
        ]
        assert before == ({}, 0)
        assert end is None
        assert files(root) == {"notes/ada.md": "Welcome"}
        assert mailbox.mails[0].get_content().strip() == "Hello Ada"
        assert model.tools[:3] == ["list_files", "write_file", "send_email"]
        said, wrote, sent = (await thread.outcome()).splitlines()
        assert said == "Both are done."
        assert wrote == "- write_file: Wrote notes/ada.md (7 bytes)."
        assert sent.startswith("- send_email: Sent to ada@example.org. Message-ID <")

    async def test_an_edit_is_what_is_done(self, saver: Saver, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        installed(monkeypatch, calls(("write_file", NOTE)), "Done.")
        thread = Thread(assistant.graph(), saver)
        await thread.start(task="Welcome Ada")

        edited = {"name": "write_file", "args": NOTE | {"text": "Welcome, Ada"}}
        await thread.answer({"decisions": [{"type": "edit", "edited_action": edited}]})

        assert files(root) == {"notes/ada.md": "Welcome, Ada"}

    async def test_a_rejection_reaches_the_model_and_nothing_is_done(
        self, saver: Saver, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = installed(monkeypatch, calls(("write_file", NOTE)), "")
        thread = Thread(assistant.graph(), saver)
        await thread.start(task="Welcome Ada")

        await thread.answer({"decisions": [{"type": "reject", "message": "Not yet"}]})

        assert files(root) == {}
        assert "Not yet" in told(model)
        assert (await thread.outcome()).startswith("The agent ended without a message.\n- write_file: User rejected")

    async def test_listing_asks_nobody(self, saver: Saver, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assistant.write_file.invoke(NOTE)
        model = installed(monkeypatch, calls(("list_files", {})), "One file.")
        thread = Thread(assistant.graph(), saver)

        question = await thread.start(task="What is there?")

        assert question is None
        assert told(model) == "notes/ada.md (7 bytes)"
        assert await thread.outcome() == "One file."

    async def test_a_model_that_never_ends_is_stopped(self, saver: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(assistant, "MAX_MODEL_CALLS", 3)
        model = installed(monkeypatch, calls(("list_files", {})))
        thread = Thread(assistant.graph(), saver)

        await thread.start(task="Go on for ever")

        assert len(model.asked) == 3
        assert "limit" in (await thread.outcome()).lower()


class TestOnce:
    async def test_a_crash_after_the_mail_sends_no_second_one(
        self, saver: Saver, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed(monkeypatch, calls(("send_email", MAIL)), "Sent.")
        thread = Thread(assistant.graph(), saver)
        await thread.start(task="Mail Ada")
        remember = effects.remember

        def dies(*given: Any) -> None:
            remember(*given)
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(effects, "remember", dies)
            for step in (thread.answer(APPROVED), thread.proceed()):
                try:
                    await step
                except Killed:
                    continue

        await thread.proceed()

        assert len(mailbox.mails) == 1
        assert "Sent to ada@example.org" in await thread.outcome()

    async def test_the_same_mail_twice_in_one_turn_is_two_mails(
        self, saver: Saver, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed(monkeypatch, calls(("send_email", MAIL), ("send_email", MAIL)), "Sent.")
        thread = Thread(assistant.graph(), saver)
        await thread.start(task="Mail Ada twice")

        await thread.answer({"decisions": [{"type": "approve"}, {"type": "approve"}]})

        assert len({mail["Message-ID"] for mail in mailbox.mails}) == 2


class TestTheTools:
    @pytest.mark.parametrize("path", ["../x", "/etc/passwd", ".ssh/x", "a/../../x", "link/x"])
    def test_no_file_is_written_outside_of_the_root(self, root: Path, tmp_path: Path, path: str) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        root.mkdir()
        (root / "link").symlink_to(outside)

        said = assistant.write_file.invoke({"path": path, "text": "x"})

        assert said.startswith("Not written: ")
        assert list(outside.iterdir()) == []
        assert files(root) == {}

    def test_a_file_is_replaced_only_in_so_many_words(self, root: Path) -> None:
        first = assistant.write_file.invoke(NOTE)
        again = assistant.write_file.invoke(NOTE)
        other = assistant.write_file.invoke(NOTE | {"text": "Bye"})
        replaced = assistant.write_file.invoke(NOTE | {"text": "Bye", "replace": True})

        assert first == again == "Wrote notes/ada.md (7 bytes)."
        assert other == "Not written: notes/ada.md exists already with another text."
        assert replaced == "Wrote notes/ada.md (3 bytes)."

    def test_a_file_has_a_limit(self, root: Path) -> None:
        said = assistant.write_file.invoke({"path": "x", "text": "x" * 200_001})

        assert said == "Not written: the text has 200,001 bytes. At most 200,000 are allowed."

    def test_a_long_list_is_cut(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        empty = assistant.list_files.invoke({})
        monkeypatch.setattr(assistant, "_MAX_LISTED", 1)
        for name in "abc":
            assistant.write_file.invoke({"path": name, "text": "x"})

        assert empty == "There are no files."
        assert assistant.list_files.invoke({}) == "a (1 bytes)\nand 2 more"
        assert assistant.list_files.invoke({"where": ".."}).startswith("Not listed: ")
        assert assistant.list_files.invoke({"where": "a"}).startswith("Not listed: ")
        assert assistant.list_files.invoke({"where": "none"}) == "There are no files."

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"to": "nobody"}, "Not sent: to has 'nobody', which is not an address"),
            ({"subject": "a\r\nBcc: eve@example.org"}, "Not sent: subject should be one line"),
            ({"text": " "}, "Not sent: text is missing"),
        ],
    )
    async def test_a_mail_that_cannot_be_right_is_said_to_the_model(
        self,
        saver: Saver,
        mailbox: Mailbox,
        monkeypatch: pytest.MonkeyPatch,
        changed: dict[str, str],
        sentence: str,
    ) -> None:
        model = installed(monkeypatch, calls(("send_email", MAIL | changed)), "It went wrong.")
        thread = Thread(assistant.graph(), saver)
        await thread.start(task="Mail somebody")

        await thread.answer(APPROVED)

        assert mailbox.mails == []
        assert told(model).startswith(sentence)

    async def test_a_server_that_refuses_is_said_to_the_model(
        self, saver: Saver, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mailbox.answers = "554 Spam"
        model = installed(monkeypatch, calls(("send_email", MAIL)), "It went wrong.")
        thread = Thread(assistant.graph(), saver)
        await thread.start(task="Mail Ada")

        await thread.answer(APPROVED)

        assert told(model) == "Not sent: 554 Spam"


class TestWithoutAModel:
    def test_it_cannot_be_made_and_says_what_to_do(self) -> None:
        with pytest.raises(drafting.ModelUnavailable, match=r"^MODEL is not set\. Name a chat model, such as MODEL="):
            assistant.graph()

    def test_a_provider_that_nobody_knows_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MODEL", "nobody:none")

        with pytest.raises(drafting.ModelUnavailable, match=r"^MODEL=nobody:none cannot be used: .*nobody"):
            assistant.graph()

    def test_without_langchain_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MODEL", "scripted:one")
        monkeypatch.setitem(sys.modules, "langchain.chat_models", None)

        with pytest.raises(drafting.ModelUnavailable, match=r"pip install 'countersign-bot\[agents\]'$"):
            assistant.graph()


class TestInputs:
    @pytest.mark.parametrize(
        ("task", "sentence"),
        [
            (" ", "task is missing: what should be done?"),
            (None, "task is missing: what should be done?"),
            ("x" * 100_001, "task has 100,001 characters. At most 100,000 are allowed."),
        ],
    )
    def test_bad_inputs_are_refused_in_a_sentence(self, task: object, sentence: str) -> None:
        with pytest.raises(assistant.InputError) as refused:
            assistant.check_inputs({"task": task})

        assert str(refused.value) == sentence

    def test_a_wrong_setting_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SMTP_PORT", "many")

        with pytest.raises(assistant.InputError, match="SMTP_PORT 'many' is not a port"):
            assistant.check_inputs({"task": "x"})


def test_without_a_server_a_mail_goes_to_the_outbox(tmp_path: Path) -> None:
    assert mail.way() == f"to a file in {tmp_path}/outbox, because SMTP_HOST names no server"
