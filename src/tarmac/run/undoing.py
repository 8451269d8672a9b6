"""Undoes what a drill does to a cluster or a machine, also if the drill's process is killed.

A process of its own reads steps from a pipe and runs those that are left when that closes, however
its other end has ended. If this machine itself is lost, `tarmac deploy` puts things right.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tarmac.base.errors import TarmacError

#: Of one step.
LONGEST_S = 180


@dataclass(frozen=True)
class UndoProcess:
    """The process, as the drill sees it."""

    #: Leads to it; when it closes, all that is left is undone.
    pipe: TextIO

    def add(self, key: str, *argv: str) -> None:
        """Register a call of the program that undoes a change; call this before the change."""
        self._ask({"key": key, "argv": argv})

    def run(self, key: str) -> None:
        """Undo one step now, if it is left. Raises TarmacError where that fails."""
        if why := self._ask({"key": key})["failed"]:
            raise TarmacError(f"not undone: {why}")

    def _ask(self, message: dict[str, Any]) -> dict[str, str]:
        line = ""
        with contextlib.suppress(ConnectionError):
            self.pipe.write(json.dumps(message) + "\n")
            self.pipe.flush()
            line = self.pipe.readline()
        if not line:
            raise TarmacError(
                "the process that undoes the drill's faults has ended; see what is left "
                "with `tarmac drift`"
            )
        answer: dict[str, str] = json.loads(line)
        return answer


@contextlib.contextmanager
def undo_process(
    program: Sequence[str], *, config: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[UndoProcess]:
    """Start it; at the end all that is left is undone. Raises TarmacError where that fails.

    Args:
        program: what is called, with what comes before a step's own arguments.
        config: a file that only it needs, deleted at its end.
        env: the variables that the program needs.
    """
    mine, its = socket.socketpair()
    argv = [sys.executable, "-m", __name__, str(config or ""), *program]
    # In a session of its own: Ctrl-C is the drill's.
    process = subprocess.Popen(
        argv, stdin=its.fileno(), stdout=its.fileno(), start_new_session=True, env=env
    )
    its.close()
    with mine, mine.makefile("rw", encoding="utf-8") as pipe:
        try:
            yield UndoProcess(pipe)
        finally:
            mine.shutdown(socket.SHUT_WR)
            answers = [json.loads(line) for line in pipe]
            process.wait()
    if failed := [answer["failed"] for answer in answers if answer["failed"]]:
        raise TarmacError(f"not undone: {'; '.join(failed)}")


def main(config: str, program: Sequence[str]) -> None:
    """Read steps, and run those that are left at the end, the last one first."""
    left: dict[str, Sequence[str]] = {}
    for line in sys.stdin:
        message = json.loads(line)
        failed = ""
        if "argv" in message:
            left.setdefault(message["key"], message["argv"])
        elif message["key"] in left:
            failed = _call(program, left.pop(message["key"]))
        print(json.dumps({"failed": failed}), flush=True)
    for argv in reversed(left.values()):
        failed = _call(program, argv)
        with contextlib.suppress(BrokenPipeError):  # the drill was killed
            print(json.dumps({"failed": failed}), flush=True)
    if config:  # if the drill was killed, nothing else removes it
        Path(config).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            Path(config).parent.rmdir()


def _call(program: Sequence[str], argv: Sequence[str]) -> str:
    """Call the program; returns why it failed, or nothing."""
    named = f"{Path(program[0]).name} {' '.join(argv)}"
    try:
        done = subprocess.run(
            [*program, *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{named}: {error}"
    return f"{named}: {done.stderr.strip()}" if done.returncode else ""


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
