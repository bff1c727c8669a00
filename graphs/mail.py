"""Sends an e-mail by SMTP if SMTP_HOST names a server. If not, writes it to a file in the outbox.

The Message-ID of an e-mail is the idempotency key of its effect. A note in the outbox remembers what was sent, so the
same key does not send twice. Only one case can send twice: the process dies after the server took the e-mail and
before the note is written. Then both e-mails have the same Message-ID.
"""

import os
import re
from asyncio import to_thread
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, localtime
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final

from graphs import effects, folder

DEFAULT_OUTBOX: Final = "var/outbox"
DEFAULT_SENDER: Final = "countersign@localhost"
MAX_RECIPIENTS: Final = 20
MAX_TEXT_CHARACTERS: Final = 100_000

_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_STEP_TIMEOUT_SECONDS: Final = 30.0  # for each step of the SMTP dialog
_SECURITIES: Final = ("starttls", "tls", "none")


class MailError(ValueError):
    """The e-mail or a setting is wrong. The message says what would be right."""


class MailUnavailable(RuntimeError):
    """The library that sends e-mail is not installed. The message says what to do."""


class MailRefused(Exception):
    """The server refused this e-mail for good. The message contains the server's reason."""


def addresses(text: object) -> list[str]:
    """The addresses in a text, which are separated by commas. Raises `MailError` if one of them is not an address."""
    found = [each.strip() for each in text.split(",")] if isinstance(text, str) else []
    found = list(dict.fromkeys(each for each in found if each))
    if not found:
        raise MailError("to is missing: write an address such as ada@example.org, or several, separated by commas.")
    if len(found) > MAX_RECIPIENTS:
        raise MailError(f"to has {len(found)} addresses. At most {MAX_RECIPIENTS} are allowed.")
    for address in found:
        if len(address) > 254 or len(address.partition("@")[0]) > 64 or not _ADDRESS.fullmatch(address):
            raise MailError(f"to has {address!r}, which is not an address: write one such as ada@example.org.")
    return found


def subject(text: object) -> str:
    """The subject. Raises `MailError` if it is missing, or if it has several lines, which could forge a header."""
    if not isinstance(text, str) or not text.strip():
        raise MailError("subject is missing: what is the e-mail about?")
    if len(text.strip()) > 200 or not text.strip().isprintable():
        raise MailError("subject should be one line of at most 200 characters.")
    return text.strip()


def body(written: object) -> str:
    """The text. Raises `MailError` if it is missing or too long."""
    if not isinstance(written, str) or not written.strip():
        raise MailError("text is missing: what should the e-mail say?")
    if len(written) > MAX_TEXT_CHARACTERS:
        raise MailError(f"text has {len(written):,} characters. At most {MAX_TEXT_CHARACTERS:,} are allowed.")
    return written.strip()


def check_installed() -> None:
    """Raises `MailUnavailable` if SMTP_HOST names a server but the library for SMTP is not installed."""
    if os.environ.get("SMTP_HOST", "").strip() and find_spec("aiosmtplib") is None:
        raise MailUnavailable(
            "SMTP_HOST names a server, but aiosmtplib is not installed. It comes with the extra 'mail': "
            "pip install 'countersign-bot[mail]'"
        )


def check_settings() -> None:
    """Raises `MailError` if the operator's settings are wrong."""
    _server()
    _sender()


def way() -> str:
    """How the e-mail will be sent, in words for the person who approves it."""
    host = os.environ.get("SMTP_HOST", "").strip()
    return f"by SMTP ({host})" if host else f"to a file in {_outbox().as_posix()}, because SMTP_HOST names no server"


async def send(key: str, to: Sequence[str], subject: str, text: str) -> str:
    """Sends the e-mail, or writes it to the outbox. Returns a sentence that says which. Safe to repeat with its key.

    Raises `MailRefused` if the server refuses the e-mail for good. Any other error of the server is raised unchanged;
    the call can be tried again.
    """
    about: dict[str, Any] = {"to": list(to), "subject": subject, "text": text}
    journal = _outbox() / "sent.db"
    done = await to_thread(effects.remembered, journal, key, about)
    if done is None:
        message = _message(key, to, subject, text)
        if os.environ.get("SMTP_HOST", "").strip():
            done = {"said": await _submit(message)}
        else:
            name = f"{key[:16]}.eml"
            await to_thread(folder.write, _outbox(), PurePosixPath(name), message.as_bytes(), replace=True)
            done = {
                "said": f"Written to {(_outbox() / name).as_posix()}, and not sent: SMTP_HOST names no server. "
                f"{', '.join(to)} did not get it."
            }
        await to_thread(effects.remember, journal, key, about, done)
    return str(done["said"])


async def _submit(message: EmailMessage) -> str:
    """Sends the e-mail to the server. Returns a sentence that says for whom the server took it."""
    import aiosmtplib  # part of the extra `mail`, which is needed only with a server

    host, port, security = _server()
    try:
        refused, _ = await aiosmtplib.send(
            message,
            hostname=host,
            port=port,
            username=os.environ.get("SMTP_USER") or None,
            password=os.environ.get("SMTP_PASSWORD") or None,
            use_tls=security == "tls",
            start_tls=security == "starttls",
            timeout=_STEP_TIMEOUT_SECONDS,
        )
    except aiosmtplib.SMTPAuthenticationError:
        raise  # once the operator has corrected the login, the same e-mail can be sent
    except aiosmtplib.SMTPRecipientsRefused as error:
        if any(each.code < 500 for each in error.recipients):
            raise
        raise MailRefused("; ".join(f"{each.recipient}: {each.message}" for each in error.recipients)) from error
    except aiosmtplib.SMTPResponseException as error:
        if error.code < 500:
            raise
        raise MailRefused(f"{error.code} {error.message}") from error
    took = [address for address in message["To"].split(", ") if address not in refused]
    said = f"Sent to {', '.join(took)}."
    if refused:
        said += " Refused: " + "; ".join(f"{address}: {answer.message}" for address, answer in refused.items()) + "."
    return f"{said}\nMessage-ID {message['Message-ID']}"


def _message(key: str, to: Sequence[str], subject: str, text: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    sender = _sender()
    message["From"] = formataddr(("", sender))
    message["To"] = ", ".join(to)
    message["Subject"] = subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{key[:40]}@{sender.rpartition('@')[2]}>"
    message.set_content(text.rstrip() + "\n")
    return message


def _sender() -> str:
    sender = (os.environ.get("SMTP_FROM") or DEFAULT_SENDER).strip()
    if not _ADDRESS.fullmatch(sender):
        raise MailError(
            f"The operator's SMTP_FROM {sender!r} is not an address: set it to one such as agent@example.org."
        )
    return sender


def _server() -> tuple[str, int, str]:
    """Host, port and security. Defaults: port 587 with STARTTLS; on port 465, TLS from the first byte."""
    port = (os.environ.get("SMTP_PORT") or "587").strip()
    if not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) or not 0 < int(port) < 65536:
        raise MailError(f"The operator's SMTP_PORT {port!r} is not a port: set it to a number such as 587.")
    security = (os.environ.get("SMTP_SECURITY") or ("tls" if port == "465" else "starttls")).strip().lower()
    if security not in _SECURITIES:
        raise MailError(f"The operator's SMTP_SECURITY {security!r} is not known: set it to starttls, tls or none.")
    return os.environ.get("SMTP_HOST", "").strip(), int(port), security


def _outbox() -> Path:
    return Path(os.environ.get("MAIL_OUTBOX") or DEFAULT_OUTBOX)
