"""The mail store's program: takes mail by SMTP, keeps it on disk, shows it over HTTP.

Started as a process of its own by the `mail` store kind. It never sends anything on.

    GET /                the page        GET /messages        JSON, newest first (?to=ADDRESS)
    GET /messages/ID     one as JSON     GET /messages/ID/raw as it came       DELETE /messages
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import hmac
import html
import json
import os
import signal
import time
import uuid
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

MAX_MESSAGE_BYTES = 25_000_000


class Mailbox:
    """A folder with one file a message, named by arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, raw: bytes) -> None:
        """Keep a message; on disk before it is acknowledged."""
        name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"
        partial = self._folder / f".{name}"
        with partial.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / f"{name}.eml")

    def names(self) -> list[str]:
        """List message ids, newest first."""
        return sorted((path.stem for path in self._folder.glob("*.eml")), reverse=True)

    def raw(self, name: str) -> bytes | None:
        """Read a message as it came; None if there is none of that id."""
        if name not in self.names():
            return None
        return (self._folder / f"{name}.eml").read_bytes()

    def clear(self) -> None:
        """Remove every message."""
        for name in self.names():
            (self._folder / f"{name}.eml").unlink(missing_ok=True)


def summary(name: str, raw: bytes) -> dict[str, Any]:
    """Describe a message: id, from, to, subject, message_id, received_at, text, html."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the policy makes this class
    bodies = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    contents = {kind: body.get_content() if body else "" for kind, body in bodies.items()}
    return {
        "id": name,
        "from": str(message["From"] or ""),
        "to": [address.strip() for address in str(message["To"] or "").split(",")],
        "subject": str(message["Subject"] or ""),
        "message_id": str(message["Message-ID"] or ""),
        "received_at": int(name.split("-", maxsplit=1)[0]) / 1e9,
        "text": contents["plain"],
        "html": contents["html"],
    }


class Handler:
    """What the SMTP server does with a message and a login."""

    def __init__(
        self, mailbox: Mailbox, users: dict[str, str], *, passwordless: bool = False
    ) -> None:
        self._mailbox = mailbox
        self._users = users
        self._passwordless = passwordless

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the message."""
        del server, session
        content = envelope.content
        self._mailbox.put(content.encode() if isinstance(content, str) else content or b"")
        return "250 kept"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Check a user's password."""
        del server, session, envelope, mechanism
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        known = self._users.get(data.login.decode("utf-8", "replace"), "").encode()
        right = bool(known) and hmac.compare_digest(known, data.password)
        right = right or self._passwordless  # who gives one all the same means no harm
        return AuthResult(success=right, handled=right)


STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
h1{font-size:1.4rem}
details{border:1px solid #8884;border-radius:8px;margin:.5rem 0;padding:.6rem 1rem}
summary{cursor:pointer}time,.to{opacity:.7}pre{white-space:pre-wrap}
"""


def page(messages: list[dict[str, Any]]) -> str:
    """Write the page that shows every message; no script, nothing loaded from elsewhere."""
    rows = []
    for each in messages:
        clock = time.strftime("%H:%M:%S", time.localtime(each["received_at"]))
        to = html.escape(", ".join(each["to"]))
        rows.append(
            f"<details><summary><time>{clock}</time> <strong>{html.escape(each['subject'])}"
            f"</strong> <span class=to>to {to}</span></summary>"
            f"<pre>{html.escape(each['text'] or each['html'])}</pre>"
            f"<a href='/messages/{each['id']}/raw'>source</a></details>"
        )
    body = "".join(rows) or "<p>No mail yet. What the system sends shows up here.</p>"
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Mail</title>"
        f"<style>{STYLE}</style><h1>Mail kept here ({len(messages)})</h1>{body}</html>"
    )


def respond(mailbox: Mailbox, method: str, target: str) -> tuple[int, str, bytes]:
    """Answer one HTTP request: (status, content type, body)."""
    url = urlsplit(target)
    steps = [step for step in url.path.split("/") if step]
    if method == "DELETE" and steps in (["messages"], ["api", "v1", "messages"]):
        mailbox.clear()
        return 204, "text/plain", b""
    if method != "GET":
        return 405, "text/plain", b"GET or DELETE\n"
    if not steps or steps == ["messages"]:
        names = mailbox.names()
        found = [summary(name, raw) for name in names if (raw := mailbox.raw(name)) is not None]
        if not steps:
            return 200, "text/html; charset=utf-8", page(found).encode()
        wanted = parse_qs(url.query).get("to")
        shown = [each for each in found if not wanted or wanted[0] in ",".join(each["to"])]
        return 200, "application/json", json.dumps(shown).encode()
    raw = mailbox.raw(steps[1]) if steps[0] == "messages" and len(steps) in (2, 3) else None
    if raw is None:
        return 404, "text/plain", b"no such message\n"
    if steps[2:] == ["raw"]:
        return 200, "text/plain; charset=utf-8", raw
    return 200, "application/json", json.dumps(summary(steps[1], raw)).encode()


async def main(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    mailbox = Mailbox(Path(arguments.messages))
    lines = Path(arguments.users).read_text().split()
    handler = Handler(
        mailbox,
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
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            status, kind, body = respond(mailbox, method, target)
            writer.write(
                f"HTTP/1.1 {status} .\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
                "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        except (ValueError, OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # not a whole request: nobody to answer
        finally:
            writer.close()

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    servers = [
        await loop.create_server(smtp, arguments.host, arguments.smtp_port),
        await asyncio.start_server(http, arguments.host, arguments.http_port),
    ]
    await stopped.wait()
    for server in servers:
        server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--users", required=True)
    parser.add_argument("--messages", required=True)
    parser.add_argument("--passwordless", action="store_true")
    asyncio.run(main(parser.parse_args()))
