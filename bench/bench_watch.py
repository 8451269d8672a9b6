"""How long an edit of a kit service takes to be served, beside restarting the process by hand.

Both sides run the same small part. Ours: the file is saved while `up --watch` runs, and the wire is
asked until the new code answers. Theirs: the file is saved, the process gets SIGTERM, is waited
for and started again by a script that does nothing else, and is asked until it answers.
"""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from bench.copies import copy, ended, environment, until
from bench.figure import Figure, sized

EDITS = sized(30, 2)
APP = """
from __future__ import annotations

from fastapi import APIRouter

from tarmac_edited import words
from tarmac_kit import Chassis, Part

router = APIRouter()


def mount(chassis: Chassis) -> None:
    @router.get("/word")
    async def word() -> dict[str, str]:
        return {"word": words.WORD}

    chassis.include(router)


PART = Part(name="edited", mount=mount)
"""
SYSTEM = """
tarmac: 1
system: edited
services:
  edited: {source: edited, port: 18080}
"""


def measure() -> list[Figure]:
    """Return the median and the 95th percentile over the edits, in seconds."""
    ours: list[float] = []
    theirs: list[float] = []
    with copy(SYSTEM) as system:
        _write(system.folder / "edited")
        _write(system.folder / "by-hand")
        system.tarmac("up", "-d", "--watch")
        url = system.nodes()[0]["url"]
        hand = ByHand(system.folder / "by-hand")
        try:
            for number in range(EDITS + 1):
                # Of another size each time: by hand, Python would run what it compiled before.
                word = f"word {'x' * number}"
                begun = time.perf_counter()
                _save(system.folder / "edited", word)
                until("the edit", lambda word=word: _answer(url) == word)  # type: ignore[misc]
                took_s = time.perf_counter() - begun
                hand_s = hand.edit(word)
                if number:  # the first of each fills caches
                    ours.append(took_s)
                    theirs.append(hand_s)
        finally:
            hand.end()
    how = (
        f"a kit service without a store; theirs: SIGTERM, wait, start again; {EDITS} edits each, "
        "in turns; asked every 5 ms"
    )
    return [
        Figure(
            "edit to served, median", "s", statistics.median(ours), statistics.median(theirs), how
        ),
        Figure("edit to served, 95th percentile", "s", _p95(ours), _p95(theirs), how),
    ]


class ByHand:
    """The service as a process that is started again for each edit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process = self._start()

    def edit(self, word: str) -> float:
        """Save, restart, and return the seconds until it is served."""
        begun = time.perf_counter()
        _save(self._folder, word)
        ended(self._process)
        self._process = self._start()
        url = f"http://127.0.0.1:{self._port}"
        until("the edit by hand", lambda: _answer(url) == word)
        return time.perf_counter() - begun

    def end(self) -> None:
        """End it."""
        ended(self._process)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tarmac_kit.serve", "tarmac_edited"],
            cwd=self._folder,
            env=environment(PORT=str(self._port), SERVICE_NAME="edited", DRAIN_DELAY_S="0"),
            stdout=subprocess.DEVNULL,
        )


def _write(folder: Path) -> None:
    package = folder / "tarmac_edited"
    package.mkdir(parents=True)
    (folder / "service.yaml").write_text("part: edited\npackage: tarmac_edited\n", encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "app.py").write_text(APP, encoding="utf-8")
    _save(folder, "first")


def _save(folder: Path, word: str) -> None:
    file = folder / "tarmac_edited/words.py"
    beside = file.with_suffix(".new")
    beside.write_text(f"WORD = {word!r}\n", encoding="utf-8")
    beside.replace(file)


def _answer(url: str) -> str:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/word", timeout=5) as answer:
        return str(json.loads(answer.read())["word"])
    return ""


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
