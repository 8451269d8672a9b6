"""Capture the README's picture: what `make up` and a few verbs really print, as an SVG.

Run by hand when the output changes: `.venv/bin/python docs/capture.py`. It brings the shop up in a
namespace of its own and takes it down again.
"""

from __future__ import annotations

import io
import os
import pty
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
TARMAC = str(Path(sys.executable).with_name("tarmac"))
PICTURE = ROOT / "docs/images/up.svg"
WIDTH = 104


def run(*args: str) -> str:
    """Run a verb on a terminal of its own; return what it printed, colours included."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(COLUMNS=str(WIDTH), TERM="xterm-256color")
        os.chdir(ROOT)
        os.execv(TARMAC, ["tarmac", *args])  # noqa: S606 - our own program
    printed = b""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        printed += data
    os.waitpid(child, 0)
    # The live table erases itself: only what stays is of interest.
    return printed.decode().rpartition("\x1b[2K")[2].replace("\r\n", "\n")


def main() -> None:
    """Write the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for args in (("up", "shop", "-d"), ("ps", "shop")):
        shown = run(*args)
        console.print(Text.assemble(("$ ", "dim"), ("tarmac " + " ".join(args), "bold")))
        console.print(Text.from_ansi(shown), soft_wrap=False)
    run("down", "shop")
    PICTURE.parent.mkdir(exist_ok=True)
    console.save_svg(str(PICTURE), title="tarmac")


if __name__ == "__main__":
    main()
