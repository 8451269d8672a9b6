"""The book of proofs: tests/requirements.yaml, with what the recorded runs made of its tests.

Plain functions over two files, for the generated pages, the tests that keep the book, and the
plugin that writes the record. It runs no test.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tiers import TIERS, topic_of

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "tests/requirements.yaml"
RECORD = ROOT / "tests/proofs.yaml"
LEVELS = ("rendered", "valid", "tested", "planned", "applied", "observed")
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
HEAD = """\
# What came of the tests that tests/requirements.yaml names, by the day and the commit of the run; a
# plus: files were changed since. Written by `make test-all`, `make test-slow TOPIC=...` and
# `make test ARGS=--record-proofs`: a run renews what it ran. `make docs` then writes the pages and
# the systems' proofs.yaml from it.
"""


@dataclass(frozen=True)
class Outcome:
    """What came of a test, and when: `passed`, `failed` or `skipped`."""

    outcome: str
    day: str
    commit: str


Record = dict[str, Outcome]


def entries() -> list[dict[str, Any]]:
    """Read the entries of the book."""
    found: list[dict[str, Any]] = yaml.safe_load(BOOK.read_text(encoding="utf-8"))
    return found


def levels(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the level that each system of an entry has reached; none where nothing is shown."""
    level = entry.get("level")
    if isinstance(level, dict):
        return dict(level)
    return dict.fromkeys(entry["systems"], level) if level else {}


def status(entry: Mapping[str, Any], system: str) -> str:
    """Return a system's own status: done, where an entry is partly done and only others lack it."""
    lacks = entry.get("lacks", {})
    if entry["status"] == "partly" and lacks and system not in lacks:
        return "done"
    return str(entry["status"])


def rank(level: str) -> int:
    """Place a level among the others, whatever it was reached at."""
    return LEVELS.index(level.partition("@")[0])


def systems_of(proof: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the systems that a proof is about; none: all of its entry."""
    of = proof.get("of", ())
    return (of,) if isinstance(of, str) else tuple(of)


def proofs(entry: Mapping[str, Any], system: str) -> list[dict[str, Any]]:
    """Return the proofs of an entry that are about a system, or about all."""
    found = entry.get("proofs", [])
    return [proof for proof in found if system in (systems_of(proof) or (system,))]


def named(book: Iterable[Mapping[str, Any]]) -> list[str]:
    """List every test that the book names, once."""
    every = (proof for entry in book for proof in entry.get("proofs", []))
    return sorted({proof["test"] for proof in every if "test" in proof})


def outcome(record: Record, entry: Mapping[str, Any], system: str) -> str:
    """Say what the record makes of an entry's proofs: all passed, one failed, one did not run."""
    tests = [proof["test"] for proof in proofs(entry, system) if "test" in proof]
    found = {record[test].outcome if test in record else SKIPPED for test in tests}
    return next((worst for worst in (FAILED, SKIPPED) if worst in found), PASSED)


def command(test: str) -> str:
    """Write the command that runs a test of the book and records what came of it."""
    topic = topic_of(test, is_journey=is_journey(test))
    return f"make test-slow TOPIC={topic}" if topic else "make test ARGS=--record-proofs"


@functools.cache
def is_journey(test: str) -> bool:
    """Tell whether a test is marked as a system's journey, which `make test` runs."""
    file, *names = test.partition("[")[0].split("::")
    if not file.startswith(TIERS["journeys"]):
        return False
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return any(
        getattr(node, "name", "") == names[-1]
        and any("journey" in ast.unparse(mark) for mark in node.decorator_list)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def read() -> Record:
    """Read the record."""
    if not RECORD.exists():
        return {}
    runs = yaml.safe_load(RECORD.read_text(encoding="utf-8")) or {}
    return {
        test: Outcome(result, *run.split())
        for run, results in runs.items()
        for result, tests in results.items()
        for test in tests
    }


def written(record: Record) -> str:
    """Write a record by run, the latest first, in lines that a new run of the same tests keeps."""
    runs: dict[str, dict[str, list[str]]] = {}
    for test, known in sorted(record.items()):
        run = runs.setdefault(f"{known.day} {known.commit}", {})
        run.setdefault(known.outcome, []).append(test)
    lines = []
    for run in sorted(runs, reverse=True):
        lines.append(f"{run}:")
        for result in sorted(runs[run]):
            lines += [f"  {result}:", *(f"    - {_scalar(test)}" for test in runs[run][result])]
    return HEAD + "\n".join(lines) + "\n"


def merged(record: Record, ran: Record, names: Iterable[str]) -> Record:
    """Renew what was run, and drop what the book no longer names.

    A test that is skipped, for want of a tool, does not take back that it passed elsewhere.
    """
    both = dict(record)
    for name, outcome in ran.items():
        before = record.get(name)
        if outcome.outcome != SKIPPED or before is None or before.outcome != PASSED:
            both[name] = outcome
    return {name: both[name] for name in names if name in both}


def _scalar(test: str) -> str:
    """Quote a test whose name YAML would read otherwise."""
    return f'"{test}"' if ": " in test or " #" in test else test


def matching(nodeid: str, names: frozenset[str]) -> Iterator[str]:
    """Yield the names under which the book knows a test: its variant, its function."""
    yield from {nodeid, nodeid.partition("[")[0]} & names
