"""A program that tells which addresses it can connect to; run in the network of a pod.

    python reaching.py LIMIT_S ADDRESS:PORT...

It prints those that took a connection, in a line of JSON; what refuses one is reached as well.
"""

from __future__ import annotations

import asyncio
import json
import sys


async def is_reached(address: str, limit_s: float) -> bool:
    """Tell whether something answers there within a time."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(host, int(port))
    except ConnectionRefusedError:
        return True
    except OSError:  # a timeout is one, too
        return False
    writer.close()
    return True


async def main() -> None:
    """Try all at once."""
    limit_s, addresses = float(sys.argv[1]), sys.argv[2:]
    answers = await asyncio.gather(*(is_reached(address, limit_s) for address in addresses))
    print(json.dumps([a for a, reached in zip(addresses, answers, strict=True) if reached]))


if __name__ == "__main__":
    asyncio.run(main())
