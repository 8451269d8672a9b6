"""The load of a drill as the drill sees it: begun, watched, ended, and what its visitors met."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tarmac.base.errors import MissingTool, TarmacError
from tarmac.drill.load import generator

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

#: A journey may sign up its visitors first.
SET_UP_S = 60.0
POLL_S = 0.05


class LoadFailed(TarmacError):
    """The journey could not be set up, or the generator ended by itself."""


def check_installed() -> None:
    """Refuse to make a load without the package's extra. Raises MissingTool."""
    if importlib.util.find_spec("hdrh") is None:
        raise MissingTool("the package `hdrhistogram` is missing; pip install 'tarmac[drill]'")


@dataclass(frozen=True)
class Load:
    """What is asked of a system: one journey, at one rate or at several in turn."""

    #: The system's journeys.py.
    file: Path
    journey: str
    #: Service -> URL.
    urls: Mapping[str, str]
    #: Visits per second, and for how many seconds; it ends by itself after the last.
    stages: tuple[tuple[float, float], ...]
    #: A visit that takes longer has failed.
    timeout_s: float = 10.0

    def as_data(self) -> dict[str, Any]:
        """Write it for the generator."""
        return {**vars(self), "file": str(self.file), "urls": dict(self.urls)}


@dataclass(frozen=True)
class Visits:
    """What the visitors of some time met."""

    good: int
    failed: Counter[str]
    durations: HdrHistogram
    #: The longest that the generator itself was late.
    late_s: float

    @property
    def many(self) -> int:
        """How many there were."""
        return self.good + self.failed.total()

    @property
    def good_share(self) -> float | None:
        """The share of those that got what they wanted; None without any."""
        return self.good / self.many if self.many else None

    def percentile_s(self, percent: float) -> float:
        """Return how long a visit took, failed ones included; 0 without any."""
        return float(self.durations.get_value_at_percentile(percent)) / 1e6


class LoadProcess:
    """A running generator."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdin is not None and process.stdout is not None  # noqa: S101,PT018 - pipes
        self._input: IO[str] = process.stdin
        self._output: IO[str] = process.stdout
        self._windows: dict[int, dict[str, Any]] = {}
        self._reader: threading.Thread | None = None
        self._error = ""
        #: Seconds whose visits have all ended.
        self._over = 0
        self._ended = False
        self.good = self.failed = 0

    def wait_ready(self) -> None:
        """Wait until the journey is set up. Raises LoadFailed."""
        timer = threading.Timer(SET_UP_S, self._process.kill)
        timer.start()
        message = self._next()
        timer.cancel()
        if message is None or "error" in message:
            why = message["error"] if message else f"it did not set up within {SET_UP_S:g} s"
            raise LoadFailed(f"the journey could not begin: {why}")

    def begin(self) -> None:
        """Start the visits."""
        self._input.write("go\n")
        self._input.flush()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self) -> None:
        """Begin no more visits, and wait for those under way. Raises LoadFailed."""
        with contextlib.suppress(OSError):
            self._input.close()
        if self._reader is not None:
            self._reader.join()
        self._process.wait()
        if self._error or not self._ended or not self._windows:
            raise LoadFailed(f"the load broke off: {self._error or 'no visit was begun'}")

    def windows(self) -> list[Visits]:
        """List the visits by the second in which they were due.

        As long as the load runs: up to the first second of which some visit is under way.
        """
        known, empty = self._windows.copy(), generator.Window().as_data()
        return [_visits([known.get(n, empty)]) for n in range(self._over)]

    def wait_over(self, second: int, within_s: float) -> None:
        """Wait until all visits due before a second of the load have ended, or for some seconds."""
        end = time.monotonic() + within_s + generator.TICK_S
        while self._over < second and time.monotonic() < end:
            time.sleep(POLL_S)

    def between(self, first: int, last: int | None = None) -> Visits:
        """Sum up the visits from one second to before another, as far as they have ended."""
        known = self._windows.copy()
        upper = math.inf if last is None else last
        return _visits(window for n, window in known.items() if first <= n < upper)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self._output.close()

    def _read(self) -> None:
        while (message := self._next()) is not None:
            if "error" in message:
                self._error = message["error"]
                continue
            self._windows |= {int(n): window for n, window in message["windows"].items()}
            self._ended = "ended" in message
            if self._ended:
                self._over = max(self._windows, default=-1) + 1
            else:
                self._over = message["over"]
                self.good, self.failed = message["good"], message["failed"]

    def _next(self) -> dict[str, Any] | None:
        line = self._output.readline()
        found: dict[str, Any] | None = json.loads(line) if line else None
        return found


@contextlib.contextmanager
def generating(load: Load) -> Iterator[LoadProcess]:
    """Start a generator and set its journey up; it ends with the block. Raises LoadFailed."""
    process = subprocess.Popen(
        [sys.executable, "-m", generator.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    running = LoadProcess(process)
    try:
        process.stdin.write(json.dumps(load.as_data()) + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        running.wait_ready()
        yield running
    finally:
        running.kill()


def _visits(windows: Iterable[Mapping[str, Any]]) -> Visits:
    good, failed, late_s = 0, Counter[str](), 0.0
    durations = generator.histogram()
    for window in windows:
        good += window["good"]
        failed.update(window["failed"])
        late_s = max(late_s, window["late_s"])
        durations.decode_and_add(window["durations"])
    return Visits(good, failed, durations, late_s)
