"""A small system with a kit service that runs with `up --watch`, and somebody who asks it."""

from __future__ import annotations

import json
import os
import shutil
import sysconfig
import threading
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox import PORT, Sandbox

import tarmac_kit

APP = """
from __future__ import annotations

import asyncio
import os

from fastapi import APIRouter

from tarmac_hi import words
from tarmac_kit import Chassis, Part

router = APIRouter()


def mount(chassis: Chassis) -> None:
    @router.get("/word")
    async def word() -> dict[str, str]:
        return {"word": words.WORD, "pid": str(os.getpid()), "mood": os.environ.get("MOOD", "")}

    @router.get("/slow")
    async def slow() -> dict[str, str]:
        await asyncio.sleep(1.0)
        return {"word": words.WORD}

    chassis.include(router)


PART = Part(name="hi", mount=mount)
"""
#: Without a limit of requests: threads ask without a pause, on a fast machine more than a user may.
SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      hi: {{source: services/hi, port: {PORT}, env: {{RATE_LIMIT_PER_MINUTE: "0"}}}}
    """


def save(path: Path, text: str) -> None:
    """Write a file as many editors do: beside it, then in its place."""
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    beside.write_text(text)
    beside.replace(path)


class Watched:
    """A small system that runs with `up --watch`."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.part = box.folder / "services/hi"
        self.words = self.part / "tarmac_hi/words.py"
        self.words.parent.mkdir(parents=True)
        (self.part / "service.yaml").write_text("part: hi\npackage: tarmac_hi\n")
        (self.words.parent / "__init__.py").write_text("")
        (self.words.parent / "app.py").write_text(APP)
        self.say("first")
        #: Characters of the log that are of earlier tests.
        self.read = 0

    def begin_again(self) -> None:
        """Have it as it was at first, for the next test, with no edit under way."""
        for word in ("again", "first"):
            self.say(word)
            self.until_word(word)
        until(lambda: self.box.node("hi"), lambda node: not node["detail"])
        self.read += len(self.log())

    def say(self, word: str) -> None:
        save(self.words, f"WORD = {word!r}\n")

    def ask(self, path: str = "/word", port: int = PORT) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def log(self) -> str:
        return (self.box.folder / ".tarmac/default/logs/watch.log").read_text()[self.read :]

    def until_word(self, word: str) -> dict[str, Any]:
        return until(self.ask, lambda answer: answer["word"] == word)

    def until_log(self, *words: str) -> str:
        return until(self.log, lambda log: all(word in log for word in words))


def until(look: Callable[[], Any], wanted: Callable[[Any], bool], within_s: float = 60) -> Any:
    """Look until it is as wanted; return what was seen."""
    end = time.monotonic() + within_s
    while not wanted(found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


@contextmanager
def asked_all_the_time(watched: Watched, path: str = "/word") -> Iterator[list[str]]:
    """Ask without a pause; what fails is in the list."""
    failed: list[str] = []
    over = threading.Event()
    answered = [0]

    def ask() -> None:
        while not over.is_set():
            try:
                watched.ask(path)
                answered[0] += 1
            except (OSError, ValueError) as error:
                failed.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield failed
        until(lambda: answered[0] > 100 or failed, bool)
    finally:
        over.set()
        for thread in threads:
            thread.join()


def kit_of_its_own(watched: Watched, without: str = "") -> Path:
    """Give the services a virtual environment with a copy of the kit; return the copy.

    Args:
        without: a module that the copy lacks.
    """
    root = watched.box.folder
    kit = root / "kit/tarmac_kit"
    source = Path(tarmac_kit.__file__).parent
    shutil.copytree(source, kit, ignore=shutil.ignore_patterns("__pycache__", without))
    venv.create(root / ".venv", symlinks=True)
    libraries = next((root / ".venv/lib").glob("python*/site-packages"))
    others = sysconfig.get_path("purelib")
    (libraries / "kit.pth").write_text(f"{kit.parent}\n{others}\n")
    return kit
