"""A mail server on a real socket (aiosmtpd) that can be switched off, refuse, hang, or go away in the middle of a mail."""

import asyncio
import socket
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class _Controller(Controller):
    """aiosmtpd's own leaves connections open when it stops."""

    made: list[SMTP]

    def factory(self) -> SMTP:
        one = super().factory()
        self.made = [*getattr(self, "made", ()), one]
        return one

    async def hang_up(self) -> None:
        for one in self.made:
            if one.transport is not None:
                one.transport.abort()
        await asyncio.sleep(0.05)


class MailServer:
    """`refuses` answers an address, `says` a whole mail, `senders` a sender, with a code and words, instead of taking it.

    It offers SMTPUTF8 unless `utf8` is False when it goes on; `options` are those of the latest MAIL FROM. While `hangs` it takes
    connections and says nothing after the greeting. The next `drops` mails are taken, and the connection ends without the answer that
    says so.
    """

    def __init__(self) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port: int = one.getsockname()[1]
        self.refuses: dict[str, str] = {}
        self.says = self.sender_refused = ""
        self.hangs, self.drops, self.connections = False, 0, 0
        self.password = ""
        self.utf8 = True
        self.options: list[str] = []
        self.taken: list[tuple[str, bytes]] = []
        self._controller: _Controller | None = None

    def on(self) -> None:
        options = {"auth_require_tls": False, "authenticator": self._authenticate} if self.password else {}
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=self.utf8, **options)
        self._controller.start()

    def off(self) -> None:
        if self._controller is not None:
            asyncio.run_coroutine_threadsafe(self._controller.hang_up(), self._controller.loop).result(10)
            self._controller.stop()
            self._controller = None

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=default) for _to, raw in self.taken]  # type: ignore[misc]

    @property
    def readers(self) -> list[str]:
        return [to for to, _raw in self.taken]

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password.decode() == self.password, handled=False)

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        while self.hangs:
            await asyncio.sleep(0.02)
        return responses

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.password and not session.authenticated:
            return "530 5.7.0 Authentication required"
        self.options = options
        if self.sender_refused:
            return self.sender_refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.says:
            return self.says
        assert isinstance(envelope.content, bytes)
        self.taken += [(to, envelope.content) for to in envelope.rcpt_tos]
        if self.drops:
            self.drops -= 1
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"
