"""Asks a program of others about a folder, unless it has said so before; used by `programs`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac.base import content_cache
from tarmac.base.foreign.limited import run_limited

#: A folder with more files is not digested.
MOST_FILES = 5000
#: Stands for the folder where an answer that is kept names it.
FOLDER = "\0folder\0"
#: Seconds that one program has for one tree.
LONGEST_S = 300


@dataclass(frozen=True)
class Answer:
    """What a program said."""

    code: int
    output: str
    errors: str

    def moved(self, before: str, now: str) -> Answer:
        """Say the same of a folder at another place."""
        return Answer(self.code, self.output.replace(before, now), self.errors.replace(before, now))


def ask(
    argv: list[str],
    folder: Path,
    codes: Iterable[int] = (0, 1),
    reads: Iterable[str] | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = LONGEST_S,
    keep: bool = True,
) -> Answer:
    """Run a program in a folder, or take what it said before of files with the same content.

    Args:
        codes: those with which it has worked: otherwise it is asked again the next time.
        reads: the files that it reads, relative to the folder; all of these without.
        env: variables besides.
        seconds: that it has.
        keep: whether the answer is kept; not where the caller keeps it.

    Raises:
        TarmacError: it did not end in time, or printed too much.
    """

    def made() -> str:
        answer = _ask(argv, folder, env or {}, seconds)
        if answer.code not in codes:
            raise _NotWorked(answer)
        return json.dumps(vars(answer.moved(str(folder), FOLDER)))

    if not keep:
        return _ask(argv, folder, env or {}, seconds)
    paths = [*(reads if reads is not None else named(folder, "*"))]
    if len(paths) > MOST_FILES:
        return _ask(argv, folder, env or {}, seconds)
    parts = [*_identity(argv), *(part for path in paths for part in (path, _content(folder, path)))]
    try:
        answer = Answer(**json.loads(content_cache.kept(parts, made, "asked")))
        return answer.moved(FOLDER, str(folder))
    except _NotWorked as failure:
        return failure.answer


class _NotWorked(Exception):
    """A program failed: what it said is not kept."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def _identity(argv: list[str]) -> Iterator[str]:
    """Yield the command, and which files it names elsewhere: the program, settings, schemas."""
    for word in argv:
        yield word
        place = Path(word.partition("{{")[0])
        if place.is_absolute() and place.exists():
            status = place.stat()
            yield f"{status.st_size} {status.st_mtime_ns}"


def _content(folder: Path, path: str) -> bytes:
    try:
        return (folder / path).read_bytes()
    except OSError:
        return b""


def _ask(argv: list[str], folder: Path, env: Mapping[str, str], seconds: float) -> Answer:
    done = run_limited(argv, seconds=seconds, cwd=folder, env={**env, **os.environ})
    return Answer(done.code, done.output, done.errors)


def named(folder: Path, *patterns: str) -> list[str]:
    """List the tree's files of these names, relative to it."""
    found = {path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()}
    return sorted(path.relative_to(folder).as_posix() for path in found)
