"""Says to a server what a protocol without I/O yields, and gives it what was answered.

Used where a store is put back, and once a node is ready whose launch has something to say to it. It
knows no protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Mapping
from typing import Any

from tarmac.errors import TarmacError
from tarmac.launch import Secret, Talk, Text, reveal
from tarmac.stores._dialogue import Refused

ANSWER_S = 10.0


async def tell(host: str, told: Talk, secrets: Mapping[str, str]) -> None:
    """Tell a server what it is to hold. Raises TarmacError: it refused, or gave no answer."""
    try:
        await talk(host, told.port, told.say(told.wanted), secrets)
    except (Refused, OSError, TimeoutError) as error:
        raise TarmacError(f"set-up failed: {str(error) or type(error).__name__}") from None


async def talk(
    host: str,
    port: int,
    dialogue: Generator[Text | bytes | Secret, bytes, Any],
    secrets: Mapping[str, str],
) -> Any:
    """Carry out what is to be said; return what came of it.

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
