"""Pages of the documentation, typed as a reader would type them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from free_ports import free_port

ROOT = Path(__file__).resolve().parents[2]
#: Where `tarmac` and the interpreter with the kit are.
PROGRAMS = Path(sys.executable).parent

_FILE = re.compile(r"`([\w./-]+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _replaced(text: str, ports: dict[int, int]) -> str:
    for old, new in ports.items():
        text = re.sub(rf"(?<=[: ]){old}\b", str(new), text)
    return text


class Page:
    """A page; `moved` puts free ports in the place of those that it names."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / "docs" / name).read_text()

    def moved(self, *ports: int) -> dict[int, int]:
        """Replace ports in every place at once; return the new ones by the old."""
        free = {port: free_port() for port in ports}
        self.text = _replaced(self.text, free)
        return free

    def moved_with(self, file: Path, *ports: int) -> None:
        """Replace ports here and in a system's file."""
        file.write_text(_replaced(file.read_text(), self.moved(*ports)))

    def write(self, folder: Path) -> list[str]:
        """Write the files that the page shows; return their names."""
        names = []
        for name, content in _FILE.findall(self.text):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            names.append(name)
        return names

    def commands(self, heading: str) -> str:
        """Return a section's commands."""
        section = re.search(
            rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.text, re.MULTILINE | re.DOTALL
        )
        assert section, heading
        return "\n".join(_SHELL.findall(section[1]))


def typed(script: str, folder: Path, within_s: float = 110.0) -> str:
    """Run commands in a folder; return what they printed. A command that fails ends the test."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", "TARMAC_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=within_s,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
