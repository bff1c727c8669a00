"""A mail server on loopback that keeps what it takes, and refuses what it is told to."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "agent", "of nobody"


@dataclass
class Mailbox:
    """What the server has taken."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)  # address -> the server's answer
    answers: str = "250 OK"  # to the whole mail
    login: bool = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(BytesParser(EmailMessage, policy=default).parsebytes(envelope.content))
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answers

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


@asynccontextmanager
async def served(mailbox: Mailbox) -> AsyncIterator[Mailbox]:
    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a login without TLS, on loopback
            return SMTP(
                mailbox,
                hostname="localhost",
                authenticator=mailbox.authenticate,
                auth_required=mailbox.login,
                auth_require_tls=False,
            )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()


@contextmanager
def served_aside(mailbox: Mailbox) -> Iterator[Mailbox]:
    """The same in a thread of its own, for what lives longer than one test's loop."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    server = served(mailbox)
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(timeout=10)
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(timeout=10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
