"""The mail server: hands emails over and says whether it answers.

Used by service.py and the readiness check. It keeps nothing: an email that it could not hand over
is the broker's to bring again.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from email.message import Message
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from tarmac_kit import Unavailable
from tarmac_kit.steps import step

#: Emails handed over at the same time: mail servers count connections.
CONNECTIONS = 8
#: A connection takes the next email within so many seconds, and so many in all: its greeting, TLS
#: and login cost more than an email. Servers wait longer (RFC 5321: five minutes).
KEPT_S = 5.0
MOST_EMAILS = 50
#: A server's answer when it closes a connection.
CLOSING = 421


class RefusedForGoodError(Exception):
    """The server will never take this email: its answer was a permanent one (5xx)."""


class Mailer(Protocol):
    """Where emails go."""

    async def send(self, email: Message) -> None:
        """Return when the email was taken. Raises RefusedForGoodError, or anything for later."""
        ...

    async def ping(self) -> None:
        """Raise when the server does not answer."""
        ...


@dataclass(frozen=True)
class SmtpAddress:
    """Where the server is and how to log in."""

    host: str
    port: int
    user: str | None
    password: str | None
    #: TLS from the first byte (smtps); otherwise STARTTLS where the server offers it.
    tls: bool


def parse_url(url: str) -> SmtpAddress:
    """Read smtp://user:password@host:port or smtps://...; its ValueError shows no password."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("is no smtp:// or smtps:// URL; write smtp://user:password@host:port")
    tls = parts.scheme == "smtps"
    return SmtpAddress(
        host=parts.hostname,
        port=parts.port or (465 if tls else 25),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )


@dataclass
class _OpenConnection:
    """An open connection."""

    server: aiosmtplib.SMTP
    emails: int = 0
    #: Ends it while nothing uses it.
    end: asyncio.TimerHandle | None = None


class SmtpMailer:
    """Hands emails to one SMTP server, over connections that stay open for the next ones."""

    def __init__(self, address: SmtpAddress, *, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[_OpenConnection] = []
        self._ending: set[asyncio.Task[None]] = set()

    async def send(self, email: Message) -> None:
        try:
            async with self._connections:
                await self._send(email)
        except aiosmtplib.SMTPException as error:
            # The email is not to blame, however long that lasts.
            raise Unavailable("the mail server", type(error).__name__) from error

    async def _send(self, email: Message) -> None:
        try:
            with step("email to the mail server"):
                await self._hand_over(email)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            if all(code >= 500 for code in codes):
                raise RefusedForGoodError(f"the address was refused ({codes[0]})") from None
            raise
        except aiosmtplib.SMTPNotSupported as error:
            # Trying again changes nothing, and emails that wait hold up those behind them.
            raise RefusedForGoodError(f"the server cannot take it ({error})") from None
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as error:
            if error.code >= 500:
                raise RefusedForGoodError(f"the email was refused ({error.code})") from None
            raise

    async def _hand_over(self, email: Message) -> None:
        """Send it over a kept connection; over a new one where the server has closed that."""
        while self._idle:
            opened = self._idle.pop()
            if opened.end is not None:
                opened.end.cancel()
            try:
                return await self._send_over(opened, email)
            except aiosmtplib.SMTPException as error:
                closed = isinstance(error, aiosmtplib.SMTPServerDisconnected)
                if not closed and getattr(error, "code", 0) != CLOSING:
                    raise
        server = self._connection()
        await server.connect()
        return await self._send_over(_OpenConnection(server), email)

    async def _send_over(self, opened: _OpenConnection, email: Message) -> None:
        try:
            await opened.server.send_message(email)
        except BaseException:  # what the server thinks of it now is not known
            opened.server.close()
            raise
        opened.emails += 1
        if opened.emails >= MOST_EMAILS:
            self._end(opened)
            return
        opened.end = asyncio.get_running_loop().call_later(KEPT_S, self._end_idle, opened)
        self._idle.append(opened)

    def _end_idle(self, opened: _OpenConnection) -> None:
        self._idle.remove(opened)
        self._end(opened)

    def _end(self, opened: _OpenConnection) -> None:
        task = asyncio.get_running_loop().create_task(_quit(opened.server))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def ping(self) -> None:
        async with self._connection() as server:
            await server.noop()

    def _connection(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._address.host,
            port=self._address.port,
            username=self._address.user,
            password=self._address.password,
            use_tls=self._address.tls,
            timeout=self._timeout_s,
        )


async def _quit(server: aiosmtplib.SMTP) -> None:
    """Take leave of a server, which may have gone already."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await server.quit()
    server.close()
