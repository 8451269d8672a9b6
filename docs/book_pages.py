"""Write what the book of proofs says: its page, and the systems' proofs.yaml.

Called by generate.py beside it. It reads tests/requirements.yaml and tests/proofs.yaml.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

import book  # noqa: E402 - after its folder is on the path

from tarmac.model.loader import read_as  # noqa: E402
from tarmac.model.report_data import ReportData  # noqa: E402

RECORD: Path = book.RECORD
REFERENCE = ROOT / "docs/reference"
SYSTEMS = ("shop", "travel", "trading", "hello-dd", "starter")
DONE, NOT_SHOWN, FAILED, PARTLY, OPEN = "done", "not shown", "failed", "partly", "open"
STATES = (DONE, NOT_SHOWN, PARTLY, OPEN)
Entry = Mapping[str, Any]

INTRODUCTION = """\
<!-- Written by `make docs` from tests/requirements.yaml and tests/proofs.yaml; edit the first. -->
# Requirements

What the five systems have to show, entry by entry, with the proofs of today. A level holds for each
system of an entry. *done* is shown by proofs that passed in the recorded run; where one of them did
not run there, the entry is *not shown* on that machine, and the proof's command shows it. *partly*
says what is missing. Everything else is *open*, and nothing is claimed for it.
"""

PROOFS_HEAD = """\
# What is shown of {system}'s requirements, and by which tests that ran.
# Written by `make docs` from tests/requirements.yaml and tests/proofs.yaml; edit the first.
"""


def read() -> tuple[list[dict[str, Any]], book.Record]:
    """Read the book, and the record of the runs of its tests: of those that it still names."""
    entries = book.entries()
    return entries, book.merged(book.read(), {}, book.named(entries))


def written(record: book.Record) -> str:
    """Return the record as it stands in its file."""
    return str(book.written(record))


def state(record: book.Record, entry: Entry, system: str) -> str:
    """Say where an entry stands for a system, by what ran."""
    status: str = book.status(entry, system)
    if status != DONE:
        return status
    outcome = book.outcome(record, entry, system)
    return {book.PASSED: DONE, book.SKIPPED: NOT_SHOWN, book.FAILED: FAILED}[outcome]


def whole(record: book.Record, entry: Entry) -> str:
    """Say where an entry stands for all its systems."""
    if entry["status"] != DONE:
        return str(entry["status"])
    found = {state(record, entry, system) for system in entry["systems"]}
    return next(worst for worst in (FAILED, NOT_SHOWN, DONE) if worst in found)


def requirements_page(
    entries: list[dict[str, Any]], record: book.Record, spelled: Mapping[str, str]
) -> str:
    """Return the page of every entry, as Markdown."""
    phases = list(dict.fromkeys(entry["phase"] for entry in entries))
    parts = [INTRODUCTION, _runs(record), _summary(entries, record, phases, spelled)]
    parts.append(_reached(entries))
    for phase in phases:
        parts.append(f"## {spelled.get(phase, phase.capitalize())}\n")
        own = [entry for entry in entries if entry["phase"] == phase]
        head = ("Entry", "Systems", "What", "Status", "Level", "Proofs")
        parts.append(table(head, [_row(entry, record) for entry in own]))
        if notes := [line for entry in own if (line := _note(entry))]:
            parts.append("\n".join(notes) + "\n")
    return "\n".join(parts)


def _runs(record: book.Record) -> str:
    counted = Counter((known.day, known.commit, known.outcome) for known in record.values())
    rows = [(day, f"`{commit}`", out, str(n)) for (day, commit, out), n in sorted(counted.items())]
    return "The recorded runs:\n\n" + table(("Day", "Commit", "Outcome", "Tests"), rows)


def _summary(
    entries: list[dict[str, Any]],
    record: book.Record,
    phases: list[str],
    spelled: Mapping[str, str],
) -> str:
    lines = [f"| Phase | {' | '.join(STATES)} |", "|---|" + "---:|" * len(STATES)]
    states = {entry["id"]: whole(record, entry) for entry in entries}
    for phase in phases:
        count = Counter(states[e["id"]] for e in entries if e["phase"] == phase)
        title = spelled.get(phase, phase.capitalize())
        lines.append(f"| [{title}](#{phase}) | {figures(count)} |")
    lines.append(f"| **All {len(entries)}** | {figures(Counter(states.values()))} |")
    return "\n".join(lines) + "\n"


def figures(count: Counter[str]) -> str:
    """Write the number of each state; a failure is not shown either."""
    figures = {**count, NOT_SHOWN: count[NOT_SHOWN] + count[FAILED]}
    return " | ".join(str(figures.get(name, 0)) for name in STATES)


def _reached(entries: list[dict[str, Any]]) -> str:
    """Count what stands at each level of proof, by what it was proven at."""
    found = Counter(level for entry in entries for level in book.levels(entry).values())
    rows = [
        (level, str(count))
        for level, count in sorted(found.items(), key=lambda pair: (book.rank(pair[0]), pair[0]))
    ]
    head = (
        "How far the proofs reach, and at what; an entry counts once for each of its systems:\n\n"
    )
    return head + table(("Level", "Entries of systems"), rows)


def _row(entry: Entry, record: book.Record) -> tuple[str, ...]:
    optional = " *(optional)*" if entry.get("optional") else ""
    proofs = "<br>".join(_proof(proof, record) for proof in entry.get("proofs", []))
    levels: dict[str, list[str]] = {}
    for system, level in book.levels(entry).items():
        levels.setdefault(level, []).append(system)
    level = "<br>".join(
        name if len(levels) == 1 else f"{name}: {', '.join(of)}" for name, of in levels.items()
    )
    of = ", ".join(entry["systems"])
    return (entry["id"], of, entry["title"] + optional, whole(record, entry), level, proofs)


def _note(entry: Entry) -> str:
    lacks = "; ".join(f"{system}: {what}" for system, what in entry.get("lacks", {}).items())
    words = " ".join(str(entry.get("note", "")).split())
    text = " ".join(filter(None, (words, lacks and f"What is missing: {lacks}.")))
    return text and f"- **{entry['id']}**: {text}"


def _proof(proof: Mapping[str, Any], record: book.Record) -> str:
    of = book.systems_of(proof)
    about = f" ({', '.join(of)})" if of else ""
    if "gate" in proof:
        return f"gate {proof['gate']}{about}"
    target = proof.get("test") or proof["bench"]
    path, _, name = target.partition("::")
    link = os.path.relpath(ROOT / path, REFERENCE)
    text = name.removeprefix("test_").replace("_", " ") if name else path
    if "test" not in proof or (target in record and record[target].outcome == book.PASSED):
        return f"[{text}]({link}){about}"
    failed = target in record and record[target].outcome == book.FAILED
    why = "failed" if failed else "not shown"
    return f"[{text}]({link}){about}, *{why}: `{book.command(target)}`*"


def system_proofs(entries: list[dict[str, Any]], record: book.Record, system: str) -> str:
    """Return a system's proofs.yaml: what its checklist and reports name, and its tests' runs."""
    items = yaml.safe_load((ROOT / f"systems/{system}/checklist.yaml").read_text())["items"]
    wanted = {name for item in items for name in item.get("requirements", ())}
    reports = ROOT / f"systems/{system}/reports.yaml"
    if reports.exists():
        wanted |= {*read_as(ReportData, str(reports), reports.read_bytes())[0].requirements}
    requirements, named = {}, set()
    for entry in entries:
        if system not in entry["systems"] or entry["id"] not in wanted:
            continue
        found = _requirement(entry, system)
        requirements[entry["id"]] = found
        named |= {*found.get("tests", ())}
        named |= {test for tests in found.get("elsewhere", {}).values() for test in tests}
    outcomes: dict[str, dict[Any, list[str]]] = {"passed": {}, "failed": {}, "not_run": {}}
    for test in sorted(named):
        known = record.get(test)
        if known and known.outcome == book.PASSED:
            outcomes["passed"].setdefault(known.day, []).append(test)
        else:
            kind = "failed" if known and known.outcome == book.FAILED else "not_run"
            outcomes[kind].setdefault(book.command(test), []).append(test)
    content = {"proofs": 1, "requirements": requirements}
    content |= {kind: dict(sorted(found.items())) for kind, found in outcomes.items() if found}
    dumped = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    return PROOFS_HEAD.format(system=system) + dumped


def _requirement(entry: Entry, system: str) -> dict[str, Any]:
    found: dict[str, Any] = {"title": entry["title"], "status": book.status(entry, system)}
    if level := book.levels(entry).get(system):
        found["level"], _, found["target"] = level.partition("@")
    if found["status"] != DONE:
        found["needs"] = entry.get("needs", "later phase")
        lacks = entry.get("lacks", {}).get(system)
        if note := lacks or entry.get("note"):
            found["note"] = " ".join(str(note).split())
    proofs = book.proofs(entry, system)
    if tests := [proof["test"] for proof in proofs if "test" in proof]:
        found["tests"] = tests
    elsewhere: dict[str, list[str]] = {}
    for proof in entry.get("proofs", []):
        for other in book.systems_of(proof):
            if "test" in proof and other not in entry["systems"]:
                elsewhere.setdefault(other, []).append(proof["test"])
    if elsewhere:
        found["elsewhere"] = elsewhere
    if gates := [proof["gate"] for proof in proofs if "gate" in proof]:
        found["gates"] = gates
    return found


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = tuple(head)
    lines = [f"| {' | '.join(cells)} |", "|" + "---|" * len(cells)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
