"""Makes visits at a rate, each when it is due: an open-loop generator, in a process of its own.

Started by `load.process` as `python -m`; a JSON line on its standard input says what to do, lines
on its standard output say what came of it. A visit begins when its time has come, however many are
still under way, and its duration counts from that time: a system that stands still for a second
has made every visitor of that second wait (no coordinated omission).

`journeys.py` of the system has `JOURNEYS`: by name, what takes the URLs of the services and returns
an asynchronous context manager, which sets up and gives a function that makes one visit. A visit
that raises has failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

Visit = Callable[[], Awaitable[None]]
Journey = Callable[[Mapping[str, str]], AbstractAsyncContextManager[Visit]]
#: Microseconds; three digits of each duration are kept.
SHORTEST_US, LONGEST_US, DIGITS = 1, 600_000_000, 3
#: Seconds of one window: what the timeline of a drill is made of.
WINDOW_S = 1.0
TICK_S = 0.5
#: Visits under way at once; a generator that has more measures itself.
MOST_OPEN = 10_000
#: What a failure is called is cut here: it may hold an id, and each would be a kind of its own.
MOST_LENGTH, MOST_KINDS = 80, 20
#: Why a visit was not begun.
OVERLOADED = "not begun: too many are under way"


def histogram() -> HdrHistogram:
    """Return a histogram of durations without any."""
    from hdrh.histogram import HdrHistogram  # noqa: PLC0415 - of the extra `drill`

    return HdrHistogram(SHORTEST_US, LONGEST_US, DIGITS)


@dataclass
class Window:
    """The visits that were due in one second."""

    good: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    #: The longest that a visit began after its time, in seconds: what the generator lost itself.
    late_s: float = 0.0
    #: Visits of it that are under way.
    open: int = 0
    durations: HdrHistogram = field(default_factory=histogram)

    def as_data(self) -> dict[str, Any]:
        """Write it for the drill."""
        return {
            "good": self.good,
            "failed": dict(self.failed),
            "late_s": self.late_s,
            "durations": self.durations.encode().decode(),
        }


class Generator:
    """Makes the visits of one load."""

    def __init__(self, visit: Visit, *, timeout_s: float) -> None:
        self._visit = visit
        self._timeout_s = timeout_s
        self._open: set[asyncio.Task[None]] = set()
        #: By number: the second of the load. Those that are over are taken out.
        self.windows: dict[int, Window] = {}
        self.good = self.failed = 0
        self.stopped = asyncio.Event()

    async def run(self, *stages: tuple[float, float]) -> None:
        """Begin visits stage by stage, until stopped; return once all have ended.

        Args:
            stages: each has its visits per second, and its seconds.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        for due_s in _due(stages):
            due = began + due_s
            if (wait_s := due - loop.time()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopped.wait(), wait_s)
            if self.stopped.is_set():
                break
            window = self.windows.setdefault(int((due - began) / WINDOW_S), Window())
            window.late_s = max(window.late_s, loop.time() - due)
            if len(self._open) >= MOST_OPEN:
                window.failed[OVERLOADED] += 1
                self.failed += 1
                continue
            window.open += 1
            task = loop.create_task(self._one(window, due))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        if self._open:
            await asyncio.wait(self._open)

    def take_over(self) -> tuple[int, dict[int, Window]]:
        """Take out the windows whose visits have ended, up to the first other; and its number."""
        last = max(self.windows, default=0)
        end = min((n for n, window in self.windows.items() if window.open), default=last)
        return end, {n: self.windows.pop(n) for n in sorted(self.windows) if n < end}

    async def _one(self, window: Window, due: float) -> None:
        loop = asyncio.get_running_loop()
        limit = asyncio.timeout_at(due + self._timeout_s)
        try:
            async with limit:
                await self._visit()
            window.good += 1
            self.good += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the visitor got nothing
            kind = f"{type(error).__name__}: {error}"[:MOST_LENGTH]
            if limit.expired():
                kind = f"no end within {self._timeout_s:g} s"
            known = kind in window.failed or len(window.failed) < MOST_KINDS
            window.failed[kind if known else "others"] += 1
            self.failed += 1
        window.open -= 1
        window.durations.record_value(max(1, round((loop.time() - due) * 1e6)))


def _due(stages: Iterable[tuple[float, float]]) -> Iterator[float]:
    """Yield when each visit is due, in seconds from the beginning."""
    begins_s = 0.0
    for rate, seconds in stages:
        yield from (begins_s + number / rate for number in range(int(rate * seconds)))
        begins_s += seconds


class UnknownJourney(LookupError):
    """The system's journeys.py has none of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        has = ", ".join(sorted(known)) or "none"
        super().__init__(f"JOURNEYS has no '{name}'; it has: {has}")


class UnknownAddress(LookupError):
    """A journey asks for the address of what has none where it runs."""


class _Addresses(dict[str, str]):
    """Where a journey finds services."""

    def __missing__(self, name: str) -> str:
        raise UnknownAddress(f"its journey asks for the address of '{name}', and none is known")


def journey_of(wanted: Mapping[str, Any]) -> Journey:
    """Import the journey that a request names. Raises UnknownJourney.

    It raises UnknownAddress where it asks for an address that is not among those it is given.
    """
    journeys = load_journeys(Path(wanted["file"]))
    if wanted["journey"] not in journeys:
        raise UnknownJourney(wanted["journey"], journeys)
    found = journeys[wanted["journey"]]
    return lambda urls: found(_Addresses(urls))


def load_journeys(path: Path) -> dict[str, Journey]:
    """Import a system's journeys; those beside it and one folder up can be imported by them."""
    # Last: a file that is called like a module of Python does not take its place.
    sys.path += [str(path.parent), str(path.parent.parent)]
    spec = importlib.util.spec_from_file_location("journeys", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules["journeys"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    found: dict[str, Journey] = getattr(module, "JOURNEYS", {})
    return found


def _say(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    wanted = json.loads(await reader.readline())
    journey = journey_of(wanted)
    async with journey(wanted["urls"]) as visit:
        generator = Generator(visit, timeout_s=wanted["timeout_s"])
        _say({"ready": True})
        if not await reader.readline():  # the drill has ended instead of beginning
            return
        load = asyncio.create_task(generator.run(*wanted["stages"]))
        ticking = asyncio.create_task(_tick(generator))
        # The drill stops the load by closing its end, or ends in any other way.
        ending = asyncio.create_task(reader.read())
        await asyncio.wait({load, ending}, return_when=asyncio.FIRST_COMPLETED)
        generator.stopped.set()
        await load
        ticking.cancel()
        _say({"ended": True, "windows": _as_data(generator.windows)})
        ending.cancel()


async def _tick(generator: Generator) -> None:
    """Say how the visits go: a drill ends once all is as before, or has to stop."""
    while True:
        await asyncio.sleep(TICK_S)
        end, windows = generator.take_over()
        counts = {"good": generator.good, "failed": generator.failed}
        _say({**counts, "over": end, "windows": _as_data(windows)})


def _as_data(windows: Mapping[int, Window]) -> dict[str, Any]:
    return {str(n): window.as_data() for n, window in windows.items()}


def main() -> None:
    """Serve one load; what goes wrong with the journey itself is said as an error."""
    import uvloop  # noqa: PLC0415 - a reader of this file's names need not have it

    try:
        uvloop.run(_serve())
    except BrokenPipeError:  # the drill was killed
        os._exit(1)
    except (UnknownJourney, UnknownAddress) as error:
        _say({"error": str(error)})
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - the journey is the user's own code
        traceback.print_exc()
        _say({"error": f"{type(error).__name__}: {error}"})
        sys.stdout.flush()
        os._exit(1)  # whatever else the journey has begun


if __name__ == "__main__":
    main()
