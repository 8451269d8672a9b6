"""Write the page of security controls from tests/security-controls.yaml.

Called by generate.py beside it; the architecture test of that file uses its reading of ids.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
STATUSES = ("met", "partly", "not met", "not applicable")
CHAPTERS = {
    "1": "Encoding and sanitization",
    "2": "Validation and business logic",
    "3": "Web frontend",
    "4": "API and web service",
    "5": "File handling",
    "6": "Authentication",
    "7": "Session management",
    "8": "Authorization",
    "9": "Self-contained tokens",
    "10": "OAuth and OIDC",
    "11": "Cryptography",
    "12": "Secure communication",
    "13": "Configuration",
    "14": "Data protection",
    "15": "Secure coding and architecture",
    "16": "Security logging and error handling",
    "17": "WebRTC",
}
HEAD = "| Requirement | Status | Control | Where | Proofs |\n|---|---|---|---|---|"

INTRODUCTION = """\
<!-- Written by `make docs` from tests/security-controls.yaml; edit that file. -->
# Security controls

The shop and the service kit against two public lists: OWASP [ASVS 5.0.0](https://owasp.org/asvs)
at level 2, which includes level 1, and the OWASP [API Security Top 10](https://owasp.org/API-Security/editions/2023/en/0x11-t10/)
of 2023. Numbers are those of the lists; sentences are ours. *met* names a test that runs with
`make test-all`; *partly* and *not met* say what is missing. It is a self-assessment that no
third party has checked. The [threat model](../explanation/threat-model.md) says what is defended
and where.
"""


def expanded(ids: str) -> list[str]:
    """Return each id of a text such as `1.2.6-1.2.8, 1.3.8`."""
    found = []
    for part in ids.split(", "):
        first, _, last = part.partition("-")
        section, _, number = first.rpartition(".")
        if last:
            numbers = range(int(number), int(last.rpartition(".")[2]) + 1)
            found += [f"{section}.{n}" for n in numbers]
        else:
            found.append(first)
    return found


def required(sections: Mapping[str, str]) -> list[str]:
    """Return each requirement of the sections, from texts such as `1-4`."""
    found = []
    for section, numbers in sections.items():
        first, _, last = numbers.partition("-")
        found += [f"{section}.{n}" for n in range(int(first), int(last or first) + 1)]
    return found


def page(controls: Mapping[str, Any]) -> str:
    """Return docs/reference/security-controls.md."""
    by_chapter: dict[str, list[Mapping[str, Any]]] = {chapter: [] for chapter in CHAPTERS}
    for row in controls["asvs"]:
        by_chapter[expanded(row["ids"])[0].partition(".")[0]].append(row)
    parts = [INTRODUCTION, _summary(by_chapter, controls["api"])]
    parts += ["## API Security Top 10 (2023)\n", _table(controls["api"])]
    for chapter, rows in by_chapter.items():
        parts += [f"## ASVS V{chapter} {CHAPTERS[chapter]}\n", _table(rows)]
    return "\n".join(parts)


def _summary(
    by_chapter: Mapping[str, Sequence[Mapping[str, Any]]], api: Sequence[Mapping[str, Any]]
) -> str:
    lines = [f"| List | {' | '.join(STATUSES)} |", "|---|" + "---:|" * len(STATUSES)]
    lines.append(_counts("API Security Top 10", api))
    lines += [
        _counts(f"ASVS V{chapter} {CHAPTERS[chapter]}", r) for chapter, r in by_chapter.items()
    ]
    lines.append(_counts("**ASVS, all**", [row for rows in by_chapter.values() for row in rows]))
    return "\n".join(lines) + "\n"


def _counts(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    count = Counter(row["status"] for row in rows for _ in expanded(row["ids"]))
    return f"| {name} | {' | '.join(str(count[status]) for status in STATUSES)} |"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join([HEAD, *map(_row, rows)]) + "\n"


def _row(row: Mapping[str, Any]) -> str:
    name = f"{row['ids']} {row['title']}" if "title" in row else row["ids"]
    control = row["control"] + (f". **Missing:** {row['note']}" if "note" in row else "")
    where = "<br>".join(f"[{path}]({_link(path)})" for path in row.get("where", ()))
    tests = "<br>".join(map(_proof, row.get("tests", ())))
    return f"| {name} | {row['status']} | {control} | {where} | {tests} |"


def _proof(target: str) -> str:
    path, _, name = target.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}]({_link(path)})"


def _link(path: str) -> str:
    return os.path.relpath(ROOT / path, REFERENCE)
