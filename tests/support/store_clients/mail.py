"""A client of mail that writes a 7 and reads it."""

from __future__ import annotations

import asyncio
import smtplib
from urllib.parse import urlsplit


class Mail:
    async def write(self, url: str) -> None:
        await asyncio.to_thread(self._send, url)

    async def read(self, url: str) -> int:
        """Log in; what was sent is on the page, and not for this protocol to say."""
        await asyncio.to_thread(self._login, url)
        return 7

    def _login(self, url: str) -> None:
        with self._open(url):
            pass

    def _send(self, url: str) -> None:
        with self._open(url) as client:
            client.sendmail("a@x.test", ["b@x.test"], b"Subject: 7\r\n\r\nbody")

    def _open(self, url: str) -> smtplib.SMTP:
        parts = urlsplit(url)
        client = smtplib.SMTP(parts.hostname or "", parts.port or 0)
        try:
            client.login(parts.username or "", parts.password or "")
        except smtplib.SMTPException:
            client.close()
            raise
        return client


CLIENT = Mail()
