"""Makes some visits of a journey, one after another, and records what it asks.

Run by `recording` as `python -m`, like the generator: the journey is the user's own code. Each
service gets a listener here, so that it does not matter by what library a journey asks.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tarmac.drill.load.generator import UnknownAddress, UnknownJourney, journey_of
from tarmac.drill.load.recorded.listeners import Recorder


async def record(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Set a journey up and make its visits; returns the exchanges of each part."""
    journey = journey_of(wanted)
    recorder = Recorder()
    with recorder.listening(wanted["urls"]) as urls:
        async with journey(urls) as visit:
            before, visits = recorder.take(), []
            for _ in range(wanted["visits"]):
                await visit()
                visits.append(recorder.take())
    return {
        "before": [asdict(exchange) for exchange in before],
        "visits": [[asdict(exchange) for exchange in visit] for visit in visits],
    }


def main() -> None:
    """Record what a JSON line on the standard input asks for; the answer is a JSON line."""
    try:
        found = asyncio.run(record(json.loads(sys.stdin.readline())))
    except (UnknownJourney, UnknownAddress) as error:
        found = {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - the journey is the user's own code
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
