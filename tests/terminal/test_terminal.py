"""`tarmac ui` in a terminal of its own, over a starter that runs, as its page tells to type."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client

ROOT = Path(__file__).resolve().parents[2]
TARMAC = str(Path(sys.executable).with_name("tarmac"))
PAGE = (ROOT / "docs/how-to/stay-in-the-terminal.md").read_text(encoding="utf-8")
NAMESPACE = f"terminal-{os.getpid()}"
HOME = Home.of(ROOT / "systems/starter/tarmac.yaml", NAMESPACE)
WAIT_S = 60.0
ESCAPES = re.compile(
    rb"\x1b(?:\[[0-9;?=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>78])"
)
COLOURS = re.compile(rb"\x1b\[(?:\d+;)*[349][0-7](?:;\d+)*m")

pytestmark = pytest.mark.e2e


@dataclass
class Terminal:
    """A program in a pseudo-terminal, and all that it has written."""

    program: subprocess.Popen[bytes]
    ours: int
    written: bytes = b""
    #: How much of it was waited for.
    seen: int = field(default=0)

    def press(self, keys: str) -> None:
        """Type keys."""
        self.seen = len(self.written)
        os.write(self.ours, keys.encode())

    def shows(self, text: str) -> None:
        """Wait until a text is written after the last keys."""
        end = time.monotonic() + WAIT_S
        while text not in self.text:
            assert time.monotonic() < end, f"{text!r} is not in {self.text[-3000:]!r}"
            if not self._read():
                assert text in self.text, self.text[-3000:]

    def ended(self) -> int:
        """Wait for its end; return its exit code."""
        end = time.monotonic() + WAIT_S
        while self._read():
            assert time.monotonic() < end, self.text[-3000:]
        return self.program.wait(timeout=WAIT_S)

    @property
    def text(self) -> str:
        """What was written since the last keys, without escape sequences."""
        return ESCAPES.sub(b"", self.written[self.seen :]).decode("utf-8", "replace")

    def _read(self) -> bool:
        if not select.select([self.ours], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self.ours, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.written += data
        return bool(data)


@pytest.fixture
def typed() -> Iterator[Callable[..., Terminal]]:
    """Give what starts a verb in a terminal; at the end none of them runs."""
    opened: list[Terminal] = []

    def start(*args: str, **env: str) -> Terminal:
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        program = subprocess.Popen(
            [TARMAC, *args],
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", **env},
        )
        os.close(theirs)
        opened.append(Terminal(program, ours))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.program.kill()
        terminal.program.wait()
        os.close(terminal.ours)


@pytest.fixture(scope="module")
def commands() -> Iterator[list[list[str]]]:
    """Give the page's commands for a copy of the system; at the end it is taken down."""
    block = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1]
    lines = [line.split() for line in block.splitlines() if line.startswith("tarmac ")]
    yield [[*line[1:], "-n", NAMESPACE] for line in lines]
    down = [TARMAC, "down", "starter", "-n", NAMESPACE, "--delete-data"]
    subprocess.run(down, cwd=ROOT, check=False, capture_output=True)


def state(name: str) -> tuple[str, int | None]:
    """Read the state and the pid of a process."""
    status = client.status(HOME)
    assert status is not None
    return next((node.state, node.pid) for node in status.nodes if node.name == name)


def until(name: str, wanted: str, other_than: int | None = None) -> None:
    """Wait until a process is in a state, of another pid."""
    end = time.monotonic() + WAIT_S
    while (found := state(name))[0] != wanted or found[1] == other_than:
        assert time.monotonic() < end, found
        time.sleep(0.05)


def test_a_user_sees_the_system_changes_it_by_keys_and_leaves_it_running(commands, typed):
    up, ui = commands
    subprocess.run([TARMAC, *up, "--fast-stores"], cwd=ROOT, check=True, capture_output=True)
    terminal = typed(*ui)
    for text in ("starter", "user-service", "healthy", "orders-db", "? keys", "started"):
        terminal.shows(text)

    terminal.press("?")
    terminal.shows("restart it, a service without a gap")
    terminal.press("z")  # any key leads back, and does nothing else
    terminal.shows("? keys")

    _, pid = state("user-service")
    terminal.press("r")
    terminal.shows("user-service is restarted")
    until("user-service", "healthy", other_than=pid)

    _, pid = state("user-service")
    terminal.press("!")
    terminal.shows("kill the process")
    terminal.press("k")
    terminal.shows(f"user-service is killed (pid {pid})")
    until("user-service", "healthy", other_than=pid)

    terminal.press("!")
    terminal.shows("slow:")
    terminal.press("s")
    terminal.shows("slow user-service: 0 delayed")
    terminal.press("x")
    terminal.shows("user-service is stopped")
    assert state("user-service")[0] == "off"
    terminal.press("r")
    terminal.shows("user-service is off; `s` starts it")
    terminal.press("s")
    terminal.shows("started: user-service")

    top = typed("top", "starter", "-n", NAMESPACE)
    top.shows("q quits; `tarmac ui` has logs and keys as well")
    top.press("q")
    assert top.ended() == 0

    terminal.press("q")
    terminal.shows(f"the system keeps running; `tarmac down starter -n {NAMESPACE}` stops it")
    assert terminal.ended() == 0
    until("user-service", "healthy")


def test_up_with_ui_shows_a_system_that_starts_and_says_when_another_stops_it(commands, typed):
    terminal = typed("up", "starter", "-n", NAMESPACE, "--fast-stores", "--ui", NO_COLOR="1")
    terminal.shows("order-service")
    terminal.shows("● 5 healthy")
    assert not COLOURS.search(terminal.written), "there are no colours"
    down = [TARMAC, "down", "starter", "-n", NAMESPACE]
    subprocess.run(down, cwd=ROOT, check=True, capture_output=True)
    terminal.shows("the system is stopped; `q` leaves")
    terminal.press("q")
    terminal.shows("`tarmac up` starts it")
    assert terminal.ended() == 0


@pytest.mark.parametrize("closed", ["stdin", "stdout"])
def test_without_a_terminal_it_ends_with_one_line(closed):
    done = subprocess.run(
        [TARMAC, "ui", "starter"], cwd=ROOT, check=False, capture_output=True, text=True,
        stdin=subprocess.DEVNULL if closed == "stdin" else None,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "needs a terminal" in done.stderr


def test_a_system_that_does_not_run_is_said_as_other_verbs_say_it(typed):
    terminal = typed("ui", "starter", "-n", "never")
    terminal.shows("the system is not running; start it with\r\n  `tarmac up starter -n never`")
    assert terminal.ended() == 1
