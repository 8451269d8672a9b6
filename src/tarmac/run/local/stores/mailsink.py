"""The mail store's program: takes mail by SMTP, keeps it on disk, shows it over HTTP.

Started as a process of its own by the `mail` store kind. It never sends anything on. What it serves
over HTTP is in `mail_http`; nothing that takes longer with more emails runs in its event loop.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import logging
import signal
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tarmac.run.local.stores.mail_http import Access, Request, respond
from tarmac.run.local.stores.mailbox import Mailbox

MAX_MESSAGE_BYTES = 25_000_000
#: Emails that are added to the index in one go; what waits is served in between.
BATCH = 20
HEAD_TIMEOUT_S = 10.0


class Handler:
    """What the SMTP server does with a message and a login."""

    def __init__(
        self,
        mailbox: Mailbox,
        index: ThreadPoolExecutor,
        users: dict[str, str],
        *,
        passwordless: bool = False,
    ) -> None:
        """Take the thread that the mailbox's index belongs to."""
        self._mailbox = mailbox
        self._index = index
        self._users = users
        self._passwordless = passwordless

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Store the message; what asks for it afterwards is served after it is in the index."""
        del server, session
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        try:
            name = await asyncio.to_thread(self._mailbox.write, raw)
        except OSError as error:
            return f"452 {error.strerror}: the email is not stored; try again later"
        self._index.submit(self._mailbox.add, [name]).add_done_callback(_report)
        return "250 stored"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Check a user's password."""
        del server, session, envelope, mechanism
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        known = self._users.get(data.login.decode("utf-8", "replace"), "").encode()
        right = bool(known) and hmac.compare_digest(known, data.password)
        right = right or self._passwordless  # a password that it does not need is ignored
        return AuthResult(success=right, handled=right)


def _report(added: Future[None]) -> None:
    if error := added.exception():
        print(f"an email is stored but not shown: {error}; it is once this restarts", flush=True)


async def main(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM."""
    # At each session the library warns that nothing is encrypted: this only listens on loopback.
    warnings.filterwarnings("ignore", module="aiosmtpd")
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    loop = asyncio.get_running_loop()
    index = ThreadPoolExecutor(1, "index")
    in_index = partial(loop.run_in_executor, index)
    mailbox = await in_index(Mailbox, Path(arguments.messages))
    lines = Path(arguments.users).read_text().split()
    token = Path(arguments.token).read_text().strip()
    access = Access(arguments.host, token, cookie=f"mail-{arguments.http_port}")
    handler = Handler(
        mailbox,
        index,
        dict(line.split(":", 1) for line in lines),
        passwordless=arguments.passwordless,
    )

    def smtp() -> SMTP:
        return SMTP(
            handler,
            hostname="localhost",
            data_size_limit=MAX_MESSAGE_BYTES,
            authenticator=handler.authenticate,
            auth_required=bool(lines) and not arguments.passwordless,
            auth_require_tls=False,  # it only ever listens on loopback
        )

    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_TIMEOUT_S)
            answering = partial(respond, mailbox, Request.parse(head), access)
            answer = await in_index(answering)
            writer.write(answer.written())
            await writer.drain()
        except (ValueError, OSError, TimeoutError):
            pass  # not a whole request: no answer
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # as above
        finally:
            writer.close()

    async def fill_index() -> None:
        """Add what an older version, or a process that was killed, left out of the index."""
        missing = await in_index(mailbox.missing)
        for start in range(0, len(missing), BATCH):
            await in_index(mailbox.add, missing[start : start + BATCH])

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    servers = [
        await loop.create_server(smtp, arguments.host, arguments.smtp_port),
        await asyncio.start_server(http, arguments.host, arguments.http_port),
    ]
    filling = asyncio.create_task(fill_index())
    await stopped.wait()
    filling.cancel()
    for server in servers:
        server.close()
    await in_index(mailbox.close)
    index.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--users", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--messages", required=True)
    parser.add_argument("--passwordless", action="store_true")
    asyncio.run(main(parser.parse_args()))
