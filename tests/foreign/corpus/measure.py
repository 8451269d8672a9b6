"""Tries `tarmac init` on the repositories of corpus.yaml, and writes docs/evidence/corpus.md.

What became of them when they were started is in started.yaml, which start.py is run for.

Run by hand: `python tests/foreign/corpus/measure.py FOLDER`. FOLDER has the clones, or gets them;
each is read at its commit and not changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests/support"), str(Path(__file__).parent)]  # as pytest has the first

from clones import clone_of, write_out  # noqa: E402
from corpus_edits import MOST_LINES, changed_lines  # noqa: E402

CORPUS = Path(__file__).with_name("corpus.yaml")
STARTED = Path(__file__).with_name("started.yaml")
UNSEEN = Path(__file__).with_name("unseen.yaml")
ROUNDS = Path(__file__).with_name("rounds.yaml")
PAGE = ROOT / "docs/evidence/corpus.md"
TARMAC = Path(sys.executable).with_name("tarmac")
HEAD = """\
# Repositories that `init` was tried on

What `tarmac init` recognises of public repositories that know nothing of Tarmac, at a commit of
each: their own programs and the stores that they use. Nothing was edited. *Loads* says whether
Tarmac's own reader takes the file as it was written. Rules come from repositories that were looked
at: what `init` does with one that it has never met can be worse.

| Repository | Commit | Services | Stores | Not recognised | Recognised besides | Loads | Seconds |
|---|---|---:|---:|---|---|---|---:|
"""

STARTED_HEAD = """
## Started

What became of each in a copy, by `tarmac init` and `tarmac up -d`: healthy as a whole, or not, and
why. *Edited* is the same with a few other lines in the file that `init` wrote, five at most; they
are in `tests/foreign/corpus/started.yaml`, and `start.py --edited` beside it makes them. The
machine had Python 3.7 to 3.13, Node 20, Go 1.26, Java 17 and Rust with their package registries,
and no other network; it cannot get what *absent* names, and where that is the language itself,
nothing was started. Of a healthy system it is known that its ports answer, and no more.

| Repository | Without an edit | Edited | Why |
|---|---|---|---|
"""


class Outcome(NamedTuple):
    """What was found of one repository."""

    services: frozenset[str]
    stores: frozenset[str]
    loads: bool
    took_s: float


def main(folder: Path) -> None:
    """Measure all of them, and write the page."""
    rows, found_of, asked = [], [0, 0], [0, 0]
    for entry in yaml.safe_load(CORPUS.read_text()):
        found = _tried(clone_of(entry["repository"], folder), entry)
        wanted = frozenset(entry["services"]), frozenset(entry.get("stores", ()))
        there = wanted[0] & found.services, wanted[1] & found.stores
        for index in (0, 1):
            found_of[index] += len(there[index])
            asked[index] += len(wanted[index])
        missing = sorted((wanted[0] - found.services) | (wanted[1] - found.stores))
        more = sorted((found.services - wanted[0]) | (found.stores - wanted[1]))
        counts = [f"{len(there[i])} of {len(wanted[i])}" for i in (0, 1)]
        cells = [
            f"[{entry['repository']}](https://github.com/{entry['repository']})",
            entry["commit"],
            *counts,
            ", ".join(missing),
            ", ".join(more),
            "yes" if found.loads else "no",
            f"{found.took_s:.1f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1])
    total = (
        f"\nIn all {found_of[0]} of {asked[0]} services and {found_of[1]} of {asked[1]} stores.\n"
    )
    PAGE.write_text(HEAD + "\n".join(rows) + "\n" + total + started() + unseen())


def started() -> str:
    """Write the part of the page about what was started."""
    found = yaml.safe_load(STARTED.read_text())
    rows = [
        f"| {name} | {entry['outcome']} | {_edited(entry)} | {entry.get('why', '')} |"
        for name, entry in sorted(found.items(), key=lambda item: item[0].lower())
    ]
    tried = [entry for entry in found.values() if entry["outcome"] != "absent"]
    healthy = sum(entry["outcome"] == "healthy" for entry in tried)
    with_edit = healthy + sum("edit" in entry for entry in tried)
    share = (
        f"\nOf {len(tried)} whose tools are there, {healthy} are healthy without an edit "
        f"({100 * healthy // len(tried)} %) and {with_edit} with at most {MOST_LINES} lines "
        f"({100 * with_edit // len(tried)} %); {len(found) - len(tried)} lack some.\n"
    )
    return STARTED_HEAD + "\n".join(rows) + "\n" + share


def unseen() -> str:
    """Write the part of the page about repositories that `init` had not met."""
    found = yaml.safe_load(UNSEEN.read_text())
    rounds = (
        _round(
            [entry for entry in found if entry.get("round", 1) == number],
            one["head"],
            one["started"],
        )
        for number, one in yaml.safe_load(ROUNDS.read_text()).items()
    )
    return "".join(rounds).rstrip("\n") + "\n"


def _round(found: Sequence[Mapping[str, Any]], head: str, started_head: str) -> str:
    rows, started_rows = [], []
    sums: dict[tuple[str, str], int] = {}
    for entry in found:
        wanted = {key: len(entry[key]) for key in ("services", "stores")}
        counts = []
        for when in ("first", "later"):
            for key in ("services", "stores"):
                counts.append(f"{entry[when][key]} of {wanted[key]}")
                sums[when, key] = sums.get((when, key), 0) + entry[when][key]
        name = f"[{entry['repository']}](https://github.com/{entry['repository']})"
        missing = [", ".join(entry[when]["missing"]) for when in ("first", "later")]
        rows.append(f"| {' | '.join((name, entry['commit'], *counts, *missing))} |")
        if said := entry.get("started"):
            cells = (
                said["first"],
                said["why"],
                *([said["try"]] if "try" in said else ()),
                said["later"],
                said["still"],
                said.get("edited", ""),
            )
            started_rows.append(f"| {' | '.join((entry['repository'], *cells))} |")
    asked = {key: sum(len(entry[key]) for entry in found) for key in ("services", "stores")}

    def share(when: str) -> str:
        parts = (
            f"{sums[when, key]} of {asked[key]} {key} ({100 * sums[when, key] // asked[key]} %)"
            for key in asked
        )
        return " and ".join(parts)

    total = f"\nFirst {share('first')}, later {share('later')}.\n"
    return head + "\n".join(rows) + "\n" + total + started_head + "\n".join(started_rows) + "\n"


def _edited(entry: Mapping[str, Any]) -> str:
    lines = changed_lines(entry.get("edit", {}))
    return f"healthy, {lines} line{'s' * (lines > 1)}" if lines else ""


def _tried(clone: Path, entry: Mapping[str, Any]) -> Outcome:
    """Write the commit's files to a folder of their own, and run the verb there."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / entry["repository"].split("/")[1]
        place.mkdir()
        write_out(clone, entry["commit"], place)
        (place / ".git").mkdir()  # the search for a virtual environment ends here
        begun = time.perf_counter()
        done = subprocess.run(
            [str(TARMAC), "init", "--json"], cwd=place, capture_output=True, text=True, check=False
        )
        took_s = time.perf_counter() - begun
        said: dict[str, Any] = json.loads(done.stdout)
        written = yaml.safe_load((place / "tarmac.yaml").read_text())
    is_example = not said["services"]
    services = () if is_example else written["services"]
    broker = written.get("broker") or ()
    kind = {broker["kind"] if isinstance(broker, dict) else broker} if broker else set()
    found = frozenset(services), frozenset(said["stores"]) | kind
    return Outcome(*found, done.returncode == 0, took_s)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
