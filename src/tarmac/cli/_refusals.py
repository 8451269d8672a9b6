"""Asks the printed addresses once, as a browser would: a port that answers may serve nothing."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import urlsplit

from tarmac.loopback import is_loopback_address

LIMIT_S = 2.0
_LONGEST_BYTES = 4096


def refusals(urls: list[str]) -> dict[str, str]:
    """Ask each URL, all at once; return, by URL, how those answered that answer with 400 or more.

    What takes longer than two seconds, speaks no HTTP or is on another machine is not among them.
    """
    here = [url for url in urls if _is_here(url)]
    if not here:
        return {}
    answers = asyncio.run(_all(here))
    return {url: answer for url, answer in zip(here, answers, strict=True) if answer}


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "http" and (host == "localhost" or is_loopback_address(host))


async def _all(urls: list[str]) -> list[str]:
    return await asyncio.gather(*(_ask(url) for url in urls))


async def _ask(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path or "/"
    ask = (
        f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Accept: text/html, */*\r\nConnection: close\r\n\r\n"
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                writer.write(ask.encode())
                head = await reader.read(_LONGEST_BYTES)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""
    return _refusal(path, head)


def _refusal(path: str, head: bytes) -> str:
    words = head.partition(b"\r\n")[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return ""
    status = int(words[1])
    if status < HTTPStatus.BAD_REQUEST:
        return ""
    try:
        phrase = f" {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    return f"{path} answers {status}{phrase}"
