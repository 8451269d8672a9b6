"""How long `tarmac init` takes in the largest of the measured repositories, beside reading it once.

Theirs lists the same files and reads each to its end: less cannot be done by what looks at all of a
repository. The clones are those of tests/foreign/corpus, in the folder that TARMAC_CLONES names;
without them nothing is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from bench.figure import Absent, Figure, interleaved, seconds, sized

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from clones import stored, write_out  # type: ignore[import-not-found]  # noqa: E402

ROUNDS = sized(5, 1)
CORPUS = ROOT / "tests/foreign/corpus/corpus.yaml"


def measure() -> list[Figure]:
    """Return one figure: the wall time of both, in seconds; none where no clone is here."""
    folder = os.environ.get("TARMAC_CLONES")
    found = [*_clones(Path(folder))] if folder else []
    if not found:
        raise Absent("there are no clones; name their folder in TARMAC_CLONES")
    count, name, clone, commit = max(found)
    tarmac = Path(sys.executable).with_name("tarmac")
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as made:
        place = Path(made) / "repository"
        write_out(clone, commit, place)
        (place / ".git").mkdir()

        def ours() -> float:
            return seconds(lambda: _run(place, str(tarmac), "init", "--stdout"))

        def theirs() -> float:
            return seconds(lambda: _run(place, "sh", "-c", "find . -type f -print0 | xargs -0 cat"))

        ours(), theirs()  # the first run of each reads the disk
        a, b = interleaved(ours, theirs, rounds=ROUNDS)
    note = (
        f"{name} with {count} files, the largest of the measured repositories; theirs: all of its "
        f"files listed and read once, by find and cat; medians of {ROUNDS}"
    )
    return [Figure("init of a repository", "s", a, b, note)]


def _clones(folder: Path) -> list[tuple[int, str, Path, str]]:
    """List the repositories that are here, each with how many files it has."""
    found = []
    for entry in yaml.safe_load(CORPUS.read_text(encoding="utf-8")):
        if clone := stored(entry["repository"], folder):
            listed = _run(clone, "git", "ls-tree", "-r", "--name-only", entry["commit"])
            found.append((listed.count(b"\n"), entry["repository"], clone, entry["commit"]))
    return found


def _run(folder: Path, *argv: str) -> bytes:
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True).stdout
