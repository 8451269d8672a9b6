"""Starts the repositories of corpus.yaml, and compares what becomes of them with started.yaml.

Run by hand: `python tests/foreign/corpus/start.py FOLDER [--edited] [OWNER/NAME ...]`. FOLDER has
the clones, or gets them. Those that lack a toolchain here are left out unless they are named. With
`--edited`, the edit of started.yaml is made in the file that `init` wrote, where there is one. Each
copy is deleted afterwards; the packages that are installed come from this machine's registries.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))  # as pytest has it

from clones import clone_of, write_out  # noqa: E402
from corpus_edits import edited  # noqa: E402

CORPUS = Path(__file__).with_name("corpus.yaml")
STARTED = Path(__file__).with_name("started.yaml")
TARMAC = Path(sys.executable).with_name("tarmac")
#: A first build of everything takes as long.
LONGEST_S = 1200


def main() -> int:
    """Start them one after the other; return 1 where one is not what the file says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--edited", action="store_true")
    parser.add_argument("repositories", nargs="*")
    args = parser.parse_intermixed_args()
    commits = {entry["repository"]: entry["commit"] for entry in yaml.safe_load(CORPUS.read_text())}
    known = yaml.safe_load(STARTED.read_text())
    wanted = args.repositories or [n for n, e in known.items() if e["outcome"] != "absent"]
    differ = 0
    for repository in wanted:
        entry = known[repository]
        edit = entry.get("edit", {}) if args.edited else {}
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            place = Path(name) / repository.split("/")[1]
            place.mkdir()
            write_out(clone_of(repository, args.folder), commits[repository], place)
            found, why = outcome(place, edit)
        said = "healthy" if edit else entry["outcome"]
        differ += found != said
        took_s = time.perf_counter() - begun
        note = "" if found == said else f" (started.yaml: {said})"
        print(f"{repository}: {found}{note} after {took_s:.0f} s{why and f': {why}'}", flush=True)
    return 1 if differ else 0


def outcome(place: Path, edit: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Start a repository's files; say what became of them, and the likely causes of a failure."""
    # Builds ask git for their version, and the search for a virtual environment ends there.
    for line in ("init -q", "-c user.name=a -c user.email=a@b.c commit -q --allow-empty -m a"):
        subprocess.run(["git", *line.split()], cwd=place, check=True)
    _tarmac(place, "init")
    file = place / "tarmac.yaml"
    file.write_text(edited(file.read_text(), edit))
    try:
        up = _tarmac(place, "up", "-d")
        seen = _tarmac(place, "ps", "--json").stdout
    finally:
        _tarmac(place, "down")
    if not up.returncode:
        return "healthy", ""
    nodes = json.loads(seen)["nodes"] if seen else []
    failed = {node["name"]: node["cause"] or node["detail"] for node in nodes}
    causes = "; ".join(f"{name}: {said}" for name, said in failed.items() if said)
    return "failed", causes or up.stderr.strip()


def _tarmac(place: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TARMAC), *argv],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
