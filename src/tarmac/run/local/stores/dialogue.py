"""Runs a protocol without I/O against a server: sends what it yields, feeds it the responses.

Used to restore a store, and for the post-start set-up of a node. It knows no protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Mapping
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.launch import PostStartSetup, Secret, Text, reveal
from tarmac.catalog.stores.protocols.dialogue import CommandRejected

ANSWER_S = 10.0


async def set_up_server(host: str, setup: PostStartSetup, secrets: Mapping[str, str]) -> None:
    """Apply a post-start set-up. Raises TarmacError: the server rejected it, or did not answer."""
    try:
        await converse(host, setup.port, setup.say(setup.wanted), secrets)
    except (CommandRejected, OSError, TimeoutError) as error:
        raise TarmacError(f"set-up failed: {str(error) or type(error).__name__}") from None


async def converse(
    host: str,
    port: int,
    dialogue: Generator[Text | bytes | Secret, bytes, Any],
    secrets: Mapping[str, str],
) -> Any:
    """Run a dialogue to its end; return its result.

    Raises:
        OSError: the server cannot be reached or went away.
        TimeoutError: all of it took longer than ten seconds.
    """
    async with asyncio.timeout(ANSWER_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            heard = b""
            said = next(dialogue)
            while True:
                if isinstance(said, Secret):
                    said = dialogue.send(secrets[said.path].encode())
                    continue
                if said:
                    # A character of a text is a byte: a secret may stand in a binary protocol.
                    writer.write(
                        said if isinstance(said, bytes) else reveal(said, secrets).encode("latin-1")
                    )
                heard = await reader.read(65536)
                if not heard:
                    raise OSError("the server went away")
                said = dialogue.send(heard)
        except StopIteration as ending:
            return ending.value
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
