"""Write the generated pages under docs/reference/ from what they describe.

Called by `make docs`, and for comparison by tests/architecture/test_requirements.py. It reads
committed files only and never writes outside docs/reference/.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
STATUSES = ("done", "partly", "open")
SPELLED = {"finops": "FinOps", "gitops": "GitOps"}

INTRODUCTION = """\
<!-- Written by `make docs` from tests/requirements.yaml; edit that file. -->
# Requirements

What the five systems have to show, entry by entry, with the proofs that stand today. *done* and
*partly* name tests, gates or figures that run with `make test` and `make bench`; *partly* says what
is missing. Everything else is *open*, and nothing is claimed for it.
"""


def requirements_page(entries: list[dict[str, Any]]) -> str:
    """Return the page for the entries of tests/requirements.yaml, as Markdown."""
    phases = list(dict.fromkeys(entry["phase"] for entry in entries))
    parts = [INTRODUCTION, _summary(entries, phases)]
    for phase in phases:
        parts.append(f"## {SPELLED.get(phase, phase.capitalize())}\n")
        rows = [_row(entry) for entry in entries if entry["phase"] == phase]
        head = ["| Entry | Systems | What | Status | Proofs |", "|---|---|---|---|---|"]
        parts.append("\n".join([*head, *rows]) + "\n")
        notes = [
            f"- **{entry['id']}**: {' '.join(entry['note'].split())}"
            for entry in entries
            if entry["phase"] == phase and entry.get("note")
        ]
        if notes:
            parts.append("\n".join(notes) + "\n")
    return "\n".join(parts)


def _summary(entries: list[dict[str, Any]], phases: list[str]) -> str:
    lines = [f"| Phase | {' | '.join(STATUSES)} |", "|---|" + "---:|" * len(STATUSES)]
    for phase in phases:
        count = Counter(e["status"] for e in entries if e["phase"] == phase)
        figures = " | ".join(str(count[status]) for status in STATUSES)
        lines.append(f"| [{SPELLED.get(phase, phase.capitalize())}](#{phase}) | {figures} |")
    total = Counter(entry["status"] for entry in entries)
    lines.append(f"| **All {len(entries)}** | {' | '.join(str(total[s]) for s in STATUSES)} |")
    return "\n".join(lines) + "\n"


def _row(entry: dict[str, Any]) -> str:
    optional = " *(optional)*" if entry.get("optional") else ""
    proofs = "<br>".join(_proof(proof) for proof in entry.get("proofs", []))
    cells = [entry["id"], ", ".join(entry["systems"]), entry["title"] + optional, entry["status"]]
    return f"| {' | '.join([*cells, proofs])} |"


def _proof(proof: dict[str, str]) -> str:
    [(kind, target)] = proof.items()
    if kind == "gate":
        return f"gate {target}"
    path, _, name = target.partition("::")
    link = os.path.relpath(ROOT / path, REFERENCE)
    text = name.removeprefix("test_").replace("_", " ") if name else path
    return f"[{text}]({link})"


def main() -> None:
    """Write every generated page, and say which ones changed."""
    entries = yaml.safe_load((ROOT / "tests" / "requirements.yaml").read_text(encoding="utf-8"))
    pages = {REFERENCE / "requirements.md": requirements_page(entries)}
    for path, text in pages.items():
        changed = not path.exists() or path.read_text(encoding="utf-8") != text
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
