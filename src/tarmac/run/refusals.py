"""Asks the printed addresses once, as a browser would: a port that answers may serve nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from tarmac.base.loopback import is_loopback_address
from tarmac.run.local.process.probes import get

LIMIT_S = 2.0


#: Answers of a program that works, and has no page at that path, or wants a login.
OF_NO_PAGE = frozenset({401, 403, 404, 405, 406, 426})


def refusals(urls: list[str], *, limit_s: float = 0.0, but: Collection[int] = ()) -> dict[str, str]:
    """Ask each URL, all at once; return, by URL, what a browser would be shown instead of a page.

    That is a status of 400 or more, no answer in time, or a connection that is closed without one.
    What speaks another protocol or is on another machine is not among them.

    Args:
        limit_s: how long an answer may take; 0: two seconds.
        but: statuses that are not a refusal.
    """
    here = [url for url in urls if _is_here(url)]
    if not here:
        return {}
    answers = asyncio.run(_all(here, limit_s or LIMIT_S, but))
    return {url: answer for url, answer in zip(here, answers, strict=True) if answer}


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "http" and (host == "localhost" or is_loopback_address(host))


async def _all(urls: list[str], limit_s: float, but: Collection[int]) -> list[str]:
    return await asyncio.gather(*(_ask(url, limit_s, but) for url in urls))


async def _ask(url: str, limit_s: float, but: Collection[int]) -> str:
    parts = urlsplit(url)
    path = parts.path or "/"
    try:
        async with asyncio.timeout(limit_s):
            # A development server answers with a page only if one is asked for.
            accept = "Accept: text/html, */*"
            status, _ = await get(parts.hostname or "", parts.port or 80, path, accept)
    except TimeoutError:
        return f"{path} gave no answer within {limit_s:g} s"
    except ConnectionRefusedError:
        return f"{path} is not answered: nothing listens there any more"
    except OSError:
        return f"{path} closed the connection without an answer; see whether it ended: tarmac ps"
    if status is None or status < HTTPStatus.BAD_REQUEST or status in but:
        return ""
    try:
        phrase = f" {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    return f"{path} answers {status}{phrase}"
