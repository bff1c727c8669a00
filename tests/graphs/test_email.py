"""What the email graph asks, and what a mail server or an outbox gets of it, once."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from graphs import effects, email, mail
from tests.graphs.models import installed
from tests.graphs.smtp import PASSWORD, USER, Mailbox, served
from tests.graphs.threads import Killed, Thread, dying

Saver = BaseCheckpointSaver[Any]
MAIL = {"to": "ada@example.org, bob@example.org", "subject": "Grüße aus März", "text": "Es ist bezahlt ✓"}
KEY = "f" * 64


@pytest.fixture(autouse=True)
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SMTP_PORT", "SMTP_SECURITY", "SMTP_USER", "SMTP_PASSWORD", "SMTP_FROM"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "outbox"
    monkeypatch.setenv("MAIL_OUTBOX", str(path))
    return path


@pytest.fixture
async def mailbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailbox]:
    async with served(Mailbox()) as mailbox:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(mailbox.port))
        monkeypatch.setenv("SMTP_SECURITY", "none")
        monkeypatch.setenv("SMTP_FROM", "agent@example.org")
        yield mailbox


def written(outbox: Path) -> list[EmailMessage]:
    parser = BytesParser(EmailMessage, policy=default)
    return [parser.parsebytes(path.read_bytes()) for path in files(outbox)]


def files(outbox: Path) -> list[Path]:
    return sorted(outbox.glob("*.eml"))


class TestSending:
    async def test_the_approved_draft_is_sent_by_smtp(self, saver: Saver, mailbox: Mailbox) -> None:
        thread = Thread(email.graph, saver)

        question = await thread.start(**MAIL)
        before = len(mailbox.mails)
        await thread.answer("send")

        assert question == {
            "question": "Send this e-mail to ada@example.org and 1 more?",
            "options": ["send", "change", "cancel"],
            "details": {
                "to": "ada@example.org, bob@example.org",
                "subject": "Grüße aus März",
                "text": "Es ist bezahlt ✓",
                "draft": "1 of at most 5",
            },
            "reason": "It goes by SMTP (127.0.0.1).",
            "summary": ["to", "subject", "text"],
            "risk_level": "medium",
        }
        assert before == 0
        (sent,) = mailbox.mails
        assert mailbox.recipients == [["ada@example.org", "bob@example.org"]]
        assert sent["From"] == "agent@example.org"
        assert sent["Subject"] == "Grüße aus März"
        assert sent.get_content() == "Es ist bezahlt ✓\r\n"
        assert await thread.outcome() == (f"Sent to ada@example.org, bob@example.org.\nMessage-ID {sent['Message-ID']}")

    async def test_without_a_server_it_is_a_file_and_says_so(self, saver: Saver, outbox: Path) -> None:
        thread = Thread(email.graph, saver)

        question = await thread.start(**MAIL)
        await thread.answer("send")

        (file,) = files(outbox)
        assert question["reason"] == f"It goes to a file in {outbox}, because SMTP_HOST names no server."
        assert await thread.outcome() == (
            f"Written to {file}, and not sent: SMTP_HOST names no server. "
            "ada@example.org, bob@example.org did not get it."
        )
        (mail,) = written(outbox)
        assert mail["To"] == "ada@example.org, bob@example.org"
        assert mail.get_content().strip() == "Es ist bezahlt ✓"

    @pytest.mark.parametrize(
        ("answer", "feedback"),
        [
            ("cancel", ""),
            (False, ""),
            ({"approved": False, "feedback": "Too early"}, "\nFeedback: Too early"),
            (
                "Rejected: nobody answered by 2030-01-01 09:00 UTC.",
                "\nFeedback: Rejected: nobody answered by 2030-01-01 09:00 UTC.",
            ),
            (None, "\nFeedback: The answer was neither yes nor no."),
        ],
    )
    async def test_everything_else_sends_nothing(
        self, saver: Saver, mailbox: Mailbox, answer: object, feedback: str
    ) -> None:
        thread = Thread(email.graph, saver)
        await thread.start(**MAIL)

        await thread.answer(answer)

        assert mailbox.mails == []
        assert await thread.outcome() == (
            f"Nothing was sent to ada@example.org, bob@example.org: the e-mail was cancelled.{feedback}"
        )

    @pytest.mark.parametrize("answer", [True, {"approved": True, "feedback": ""}])
    async def test_a_bare_yes_sends(self, saver: Saver, mailbox: Mailbox, answer: object) -> None:
        thread = Thread(email.graph, saver)
        await thread.start(**MAIL)

        await thread.answer(answer)

        assert len(mailbox.mails) == 1


class TestAnotherDraft:
    async def test_without_a_model_what_is_written_is_the_text(self, saver: Saver, mailbox: Mailbox) -> None:
        thread = Thread(email.graph, saver)
        await thread.start(**MAIL)

        asked = await thread.answer("change")
        shown = await thread.answer("Noch nicht bezahlt.\n")
        await thread.answer("send")

        assert asked == {
            "instruction": "Edit the text of the e-mail",
            "content": "Es ist bezahlt ✓",
            "reason": "You see it once more before it is sent.",
        }
        assert shown["details"]["text"] == "Noch nicht bezahlt."
        assert shown["details"]["draft"] == "2 of at most 5"
        assert mailbox.mails[0].get_content() == "Noch nicht bezahlt.\r\n"

    async def test_with_a_model_instructions_lead_to_a_new_draft(
        self, saver: Saver, outbox: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = installed(monkeypatch, "Dear Ada, it is paid.", "Dear Ada, it is paid. Best, Bob", "")
        thread = Thread(email.graph, saver)

        first = await thread.start(**MAIL)
        asked = await thread.answer("change")
        second = await thread.answer("Sign it as Bob")
        await thread.answer("change")
        third = await thread.answer("Say nothing")
        await thread.answer("send")

        texts = list(model.texts())
        assert first["details"]["text"] == "Dear Ada, it is paid."
        assert asked["question"] == "What should be different in the e-mail?"
        assert second["details"]["text"] == "Dear Ada, it is paid. Best, Bob"
        assert third["details"]["text"] == "Dear Ada, it is paid. Best, Bob", "an empty draft is none"
        assert "Es ist bezahlt" in texts[0]
        assert "The draft so far:\nDear Ada, it is paid." in texts[1]
        assert "What should be different:\nSign it as Bob" in texts[1]
        assert len(model.asked) == 3, "an answer does not write the draft again"
        assert written(outbox)[0].get_content().strip() == "Dear Ada, it is paid. Best, Bob"

    async def test_the_last_draft_can_only_be_sent_or_cancelled(self, saver: Saver, mailbox: Mailbox) -> None:
        thread = Thread(email.graph, saver)
        question = await thread.start(**MAIL)

        for number in range(2, email.MAX_DRAFTS + 1):
            assert question["options"] == ["send", "change", "cancel"]
            await thread.answer("change")
            question = await thread.answer(f"Draft {number}")

        assert question["options"] == ["send", "cancel"]
        assert question["reason"].endswith("This is draft 5, the last one: you can send or cancel it.")
        await thread.answer("change")
        assert mailbox.mails == []
        assert "was cancelled" in await thread.outcome()

    @pytest.mark.parametrize("answer", ["", "  ", "Rejected: nobody answered by 2030-01-01 09:00 UTC.", None, {"a": 1}])
    async def test_where_nobody_says_what_it_is_cancelled(self, saver: Saver, mailbox: Mailbox, answer: object) -> None:
        thread = Thread(email.graph, saver)
        await thread.start(**MAIL)
        await thread.answer("change")

        await thread.answer(answer)

        assert mailbox.mails == []
        assert (await thread.outcome()).endswith("Feedback: Nobody said what should be different.")


class TestSendingOnce:
    async def test_a_crash_after_sending_sends_no_second_mail(self, saver: Saver, mailbox: Mailbox) -> None:
        thread = Thread(dying(email.graph, "send", times=2), saver)
        await thread.start(**MAIL)
        for step in (thread.answer("send"), thread.proceed()):
            with pytest.raises(Killed):
                await step

        await thread.proceed(email.graph)

        assert len(mailbox.mails) == 1
        assert str(mailbox.mails[0]["Message-ID"]) in await thread.outcome()

    async def test_a_crash_after_writing_writes_no_second_file(self, saver: Saver, outbox: Path) -> None:
        thread = Thread(dying(email.graph, "send"), saver)
        await thread.start(**MAIL)
        with pytest.raises(Killed):
            await thread.answer("send")

        await thread.proceed()

        assert len(written(outbox)) == 1

    async def test_a_crash_before_the_note_sends_the_same_message_id(
        self, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def dies(*given: object) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(effects, "remember", dies)
            with pytest.raises(Killed):
                await mail.send(KEY, ["ada@example.org"], "Hi", "x")

        await mail.send(KEY, ["ada@example.org"], "Hi", "x")

        first, second = mailbox.mails
        assert first["Message-ID"] == second["Message-ID"] == f"<{KEY[:40]}@example.org>"

    async def test_a_server_that_is_away_is_tried_again(self, saver: Saver, mailbox: Mailbox) -> None:
        thread = Thread(email.graph, saver)
        await thread.start(**MAIL)
        mailbox.answers = "451 Later"
        with pytest.raises(aiosmtplib.SMTPDataError):
            await thread.answer("send")
        mailbox.answers = "250 OK"

        await thread.proceed()

        assert len(mailbox.mails) == 1


class TestTheServer:
    async def test_a_mail_that_it_refuses_is_said_and_not_tried_again(self, saver: Saver, mailbox: Mailbox) -> None:
        mailbox.answers = "554 Spam"
        thread = Thread(email.graph, saver)
        await thread.start(**MAIL)

        await thread.answer("send")

        assert await thread.outcome() == "Not sent: the server refused it. 554 Spam"

    async def test_one_refused_address_is_said_and_the_others_get_it(self, mailbox: Mailbox) -> None:
        mailbox.refuses = {"bob@example.org": "550 Who?"}

        said = await mail.send(KEY, ["ada@example.org", "bob@example.org"], "Hi", "x")

        assert mailbox.recipients == [["ada@example.org"]]
        assert said.startswith("Sent to ada@example.org. Refused: bob@example.org: Who?.\nMessage-ID <")

    async def test_all_addresses_refused_is_a_refusal(self, mailbox: Mailbox) -> None:
        mailbox.refuses = {"ada@example.org": "550 Who?"}

        with pytest.raises(mail.MailRefused, match=r"^ada@example.org: Who\?$"):
            await mail.send(KEY, ["ada@example.org"], "Hi", "x")

    async def test_an_address_that_is_refused_for_now_is_tried_again(self, mailbox: Mailbox) -> None:
        mailbox.refuses = {"ada@example.org": "450 Later"}

        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await mail.send(KEY, ["ada@example.org"], "Hi", "x")

    async def test_it_is_told_who_we_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with served(Mailbox(login=True)) as mailbox:
            for name, value in {
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(mailbox.port),
                "SMTP_SECURITY": "none",
                "SMTP_USER": USER,
                "SMTP_PASSWORD": "wrong",
            }.items():
                monkeypatch.setenv(name, value)
            with pytest.raises(aiosmtplib.SMTPAuthenticationError):
                await mail.send(KEY, ["ada@example.org"], "Hi", "x")
            monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)

            await mail.send(KEY, ["ada@example.org"], "Hi", "x")

            assert len(mailbox.mails) == 1

    async def test_without_a_word_the_way_has_to_be_encrypted(
        self, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SMTP_SECURITY")

        with pytest.raises(aiosmtplib.SMTPException, match="STARTTLS"):
            await mail.send(KEY, ["ada@example.org"], "Hi", "x")

        assert mailbox.mails == []


class TestInputs:
    def test_good_inputs_are_taken(self) -> None:
        email.check_inputs(MAIL)

    @pytest.mark.parametrize(
        ("inputs", "sentence"),
        [
            (
                {"to": " , "},
                "to is missing: write an address such as ada@example.org, or several, separated by commas.",
            ),
            ({"to": None}, "to is missing: write an address such as ada@example.org, or several, separated by commas."),
            ({"to": ",".join(f"a{n}@b.org" for n in range(21))}, "to has 21 addresses. At most 20 are allowed."),
            ({"subject": ""}, "subject is missing: what is the e-mail about?"),
            ({"subject": "Hi\r\nBcc: eve@example.org"}, "subject should be one line of at most 200 characters."),
            ({"subject": "Hi\u2028Bcc: eve@example.org"}, "subject should be one line of at most 200 characters."),
            ({"subject": "x" * 201}, "subject should be one line of at most 200 characters."),
            ({"text": "\n"}, "text is missing: what should the e-mail say?"),
            ({"text": "x" * 100_001}, "text has 100,001 characters. At most 100,000 are allowed."),
        ],
    )
    def test_bad_inputs_are_refused_in_a_sentence(self, inputs: dict[str, Any], sentence: str) -> None:
        with pytest.raises(email.InputError) as refused:
            email.check_inputs(MAIL | inputs)

        assert str(refused.value) == sentence

    @pytest.mark.parametrize(
        "address",
        [
            "ada",
            "ada@",
            "@example.org",
            "ada@@example.org",
            "ada@example..org",
            ".ada@example.org",
            "ada@-example.org",
            "Ada <ada@example.org>",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada@example.org\nRCPT TO:<eve@example.org>",
            "ada@example.org>\n",
            "ada @example.org",
            "ädä@example.org",
            "a" * 65 + "@example.org",
            "ada@" + "e." * 130 + "org",
        ],
    )
    def test_what_is_no_address_is_refused(self, address: str) -> None:
        with pytest.raises(email.InputError, match=r"is not an address: write one such as ada@example.org"):
            email.check_inputs(MAIL | {"to": f"bob@example.org, {address}"})

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("SMTP_PORT", "many", "SMTP_PORT 'many' is not a port: set it to a number such as 587"),
            ("SMTP_PORT", "70000", "SMTP_PORT '70000' is not a port"),
            ("SMTP_SECURITY", "some", "SMTP_SECURITY 'some' is not known: set it to starttls, tls or none"),
            ("SMTP_FROM", "nobody", "SMTP_FROM 'nobody' is not an address: set it to one such as agent@example.org"),
        ],
    )
    def test_a_wrong_setting_is_said(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
    ) -> None:
        monkeypatch.setenv(name, value)

        with pytest.raises(email.InputError, match=sentence):
            email.check_inputs(MAIL)
