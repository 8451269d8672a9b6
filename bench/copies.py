"""A system in a folder of its own, and the command that runs it; used by several bench files."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from bench.figure import sized

BIN = Path(sys.executable).parent
SYSTEMS = Path(__file__).resolve().parents[1] / "systems"
PATIENCE_S = sized(120.0, 30.0)
ENDS_S = 30.0
ROWS = sized(1 << 20, 100)
#: Makes a table of about 1 GiB: a million rows of about 1 KiB.
FILL = f"""
CREATE TABLE things AS
SELECT number, repeat(md5(number::text), 30) AS said FROM generate_series(1, {ROWS}) AS number
"""
#: A kit service checks its limits and does not meet them: a load comes from one address.
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "60000000", "RATE_LIMIT_BURST": "1000000"}


@dataclass(frozen=True)
class Copy:
    """A folder with a `tarmac.yaml`."""

    folder: Path

    def tarmac(self, verb: str, *options: str) -> str:
        """Run a verb here; return what it printed. Raises SystemExit if it fails."""
        run = subprocess.run(
            [BIN / "tarmac", verb, *options],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise SystemExit(
                f"tarmac {verb}: ended with {run.returncode}\n{run.stdout}{run.stderr}"
            )
        return run.stdout

    def nodes(self) -> list[dict[str, Any]]:
        """Read the state of every node."""
        found: list[dict[str, Any]] = json.loads(self.tarmac("ps", "--json"))["nodes"]
        return found


@contextlib.contextmanager
def copy(text: str) -> Iterator[Copy]:
    """Make a folder with this system's file; what runs in it is stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        folder = Path(name)
        (folder / "tarmac.yaml").write_text(text, encoding="utf-8")
        # A `.git` ends the search for a virtual environment, as in a real repository.
        (folder / ".git").mkdir()
        found = Copy(folder)
        try:
            yield found
        finally:
            found.tarmac("down", "--delete-data")


@contextlib.contextmanager
def changed(name: str, change: Callable[[dict[str, Any]], None]) -> Iterator[Path]:
    """Write one of our systems, changed, to a file of its own; its sources and seeds stay here."""
    home = SYSTEMS / name
    system = yaml.safe_load((home / "tarmac.yaml").read_text(encoding="utf-8"))
    for service in system["services"].values():
        source = service["source"]
        parts = source if isinstance(source, list) else [source]
        service["source"] = [str((home / part).resolve()) for part in parts]
        service["env"] = {**service.get("env", {}), **UNLIMITED}
    for store in system["stores"].values():
        if isinstance(store, dict) and "seed" in store:
            store["seed"] = str(home / store["seed"])
    for elsewhere in ("environments", "delivery", "organization"):
        system.pop(elsewhere, None)  # it runs here only, perhaps without what they name
    change(system)
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as folder:
        file = Path(folder) / "tarmac.yaml"
        file.write_text(yaml.safe_dump(system, sort_keys=False), encoding="utf-8")
        yield file


def ended(process: subprocess.Popen[bytes]) -> None:
    """End a process and wait for it; kill one that does not end in its time."""
    process.terminate()
    try:
        process.wait(ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def until(what: str, holds: Callable[[], bool], pause_s: float = 0.005) -> None:
    """Look until it holds. Raises SystemExit if it never does."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {PATIENCE_S:g} s")
        time.sleep(pause_s)


def environment(**more: str) -> dict[str, str]:
    """Return what programs that are started by hand get."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **more}
