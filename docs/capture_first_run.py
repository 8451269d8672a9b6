"""Record a first minute with Tarmac, as an SVG that moves: a new system, up, asked, broken.

Run by hand when what it shows changes: `uv run --with pyte python docs/capture_first_run.py`. The
commands really run, in a folder of their own; their time is the clock in the title. Only waits are
shortened. Where a reader prefers no motion, the last screen stands still.
"""

from __future__ import annotations

import importlib
import os
import pty
import re
import select
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/images/first-run.svg"
COLUMNS, LINES = 104, 30
#: The prompt, as the recorder knows that a command has ended.
PROMPT = "$ "
COMMANDS = (
    "tarmac new system corner --yes",
    "cd corner && tarmac up -d",
    'curl -X PUT localhost:8080/items/lamp --json \'{"name": "A lamp"}\'',
    "curl localhost:7002/items/lamp   # another service, which has it from an event",
    "tarmac edges",
    "pkill -9 -f corner/.tarmac/default/nodes/items-db; sleep 2; curl localhost:8080/items/lamp",
    "tarmac ps",
)
#: A frame begins at most so often; a wait is shown at most so long; the end stays.
EVERY_S, WAIT_S, LAST_S = 0.12, 1.2, 6.0
READING_S = 1.5
#: Where a reader prefers no motion.
STILL = (
    "@media (prefers-reduced-motion:reduce)"
    "{g.f{animation:none}g.f:last-of-type{visibility:visible}}"
)
CELL, LINE, EDGE, BAR = 8.4, 19, 14, 34
COLOURS = {
    "default": "#d6deeb", "black": "#5c6773", "red": "#ff6b6b", "green": "#7fd962",
    "brown": "#ffd166", "blue": "#73b8ff", "magenta": "#d2a6ff", "cyan": "#95e6cb",
    "white": "#ffffff", "brightblack": "#8a94a6",
}  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """A screen, when it was there, and how long it is shown."""

    at_s: float
    lines: tuple[tuple[tuple[str, str, bool], ...], ...]
    shown_s: float = 0.0


def record(folder: Path) -> list[Frame]:
    """Type the commands into a shell and return each screen that there was."""
    pyte = importlib.import_module("pyte")
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        path = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
        os.environ.update(PS1=f"\n{PROMPT}", PATH=path, TERM="xterm-256color")
        os.environ.update(
            COLUMNS=str(COLUMNS), LINES=str(LINES), BASH_SILENCE_DEPRECATION_WARNING="1"
        )
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])  # noqa: S606 - a shell
    frames: list[Frame] = []
    began = time.monotonic()

    def follow(until_prompt: bool, least_s: float) -> None:
        """Read what is printed until the shell asks for the next command."""
        least = time.monotonic() + least_s
        while True:
            if select.select([terminal], [], [], EVERY_S)[0]:
                stream.feed(os.read(terminal, 65536))
            lines = tuple(drawn(screen, row) for row in range(LINES))
            if not frames or frames[-1].lines != lines:
                frames.append(Frame(time.monotonic() - began, lines))
            at_prompt = screen.display[screen.cursor.y].rstrip() == PROMPT.rstrip()
            if time.monotonic() > least and (at_prompt or not until_prompt):
                return

    follow(until_prompt=True, least_s=0.5)
    for command in COMMANDS:
        for part in re.findall(r".{1,6}", command):
            os.write(terminal, part.encode())
            follow(until_prompt=False, least_s=0.05)
        os.write(terminal, b"\n")
        follow(until_prompt=True, least_s=READING_S)
    os.write(terminal, b"exit\n")
    os.waitpid(child, 0)
    return frames


def drawn(screen: Any, row: int) -> tuple[tuple[str, str, bool], ...]:
    """Return a line of the screen as runs of (text, colour, bold)."""
    cells = [screen.buffer[row][column] for column in range(COLUMNS)]
    runs = groupby(cells, key=lambda cell: (cell.fg, cell.bold))
    found = [("".join(c.data for c in run), colour, bold) for (colour, bold), run in runs]
    while found and not found[-1][0].strip():
        found.pop()
    return tuple(found)


def paced(frames: list[Frame]) -> Iterator[Frame]:
    """Yield the frames with how long each is shown."""
    for frame, after in pairwise(frames):
        yield Frame(frame.at_s, frame.lines, min(after.at_s - frame.at_s, WAIT_S))
    yield Frame(frames[-1].at_s, frames[-1].lines, LAST_S)


def picture(frames: list[Frame]) -> str:
    """Draw the frames over each other; each is visible in its share of the whole time."""
    whole = sum(frame.shown_s for frame in frames)
    width, height = COLUMNS * CELL + 2 * EDGE, LINES * LINE + BAR + EDGE
    style = [
        f"g.f{{visibility:hidden;animation:{whole:.2f}s step-end infinite}}",
        f"text{{font:14px ui-monospace,Menlo,Consolas,monospace;fill:{COLOURS['default']}}}",
        ".b{font-weight:700}",
        *(f".{name}{{fill:{colour}}}" for name, colour in COLOURS.items()),
        STILL,
    ]
    drawn_frames, begins = [], 0.0
    for number, frame in enumerate(frames):
        ends = begins + frame.shown_s
        before = "0%{visibility:hidden}" if number else ""
        style.append(
            f"@keyframes f{number}{{{before}{100 * begins / whole:.3f}%{{visibility:visible}}"
            f"{100 * ends / whole:.3f}%{{visibility:hidden}}}}"
        )
        drawn_frames.append(_frame(number, frame))
        begins = ends
    said = "; ".join(COMMANDS)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:g} {height:g}">'
        f"<title>Terminal: {escape(said)}</title><style>{''.join(style)}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="#0b1220"/>{"".join(drawn_frames)}</svg>\n'
    )


def _frame(number: int, frame: Frame) -> str:
    minutes, seconds = divmod(int(frame.at_s), 60)
    parts = [f'<text x="{EDGE}" y="22" class="brightblack">tarmac  {minutes}:{seconds:02}</text>']
    for row, line in enumerate(frame.lines):
        spans, column = [], 0
        for text, colour, bold in line:
            names = f"{colour if colour in COLOURS else 'default'}{' b' if bold else ''}"
            if text.strip():
                spans.append(
                    f'<tspan x="{EDGE + column * CELL:.1f}" class="{names}" '
                    f'xml:space="preserve">{escape(text.rstrip())}</tspan>'
                )
            column += len(text)
        if spans:
            parts.append(f'<text y="{BAR + (row + 1) * LINE - 5}">{"".join(spans)}</text>')
    return f'<g class="f" style="animation-name:f{number}">{"".join(parts)}</g>'


def main() -> None:
    """Write the picture."""
    folder = Path(tempfile.mkdtemp(prefix="first-run-"))
    try:
        frames = list(paced(record(folder)))
    finally:
        os.system(f"cd {folder}/corner && {ROOT}/.venv/bin/tarmac down --delete-data")  # noqa: S605
        shutil.rmtree(folder, ignore_errors=True)
    PICTURE.write_text(picture(frames), encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)}: {len(frames)} frames, {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
