"""Write the tables of status in the pages, from the book of proofs.

Called by generate.py beside it. A table stands between two comments, and everything around it is
written by hand; docs/how-to/phases/phases.yaml has the entries of each phase.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import book
import yaml
from book_pages import (
    FAILED,
    NOT_SHOWN,
    PARTLY,
    ROOT,
    STATES,
    SYSTEMS,
    Entry,
    figures,
    state,
    table,
)

PHASES = ROOT / "docs/how-to/phases"
BLOCK = re.compile(
    r"(<!-- generated: status (?P<of>[\w-]+)(?: (?P<page>[\w-]+))? -->\n).*?(<!-- end -->)",
    re.DOTALL,
)
PAGES = ("README.md", "docs/tutorial/*.md", "docs/how-to/*.md", "docs/how-to/phases/*/*.md")


def status_pages(entries: list[dict[str, Any]], record: book.Record) -> dict[Path, str]:
    """Return the pages that have generated blocks, with these as they are today."""
    found = {}
    for path in sorted(path for pattern in PAGES for path in ROOT.glob(pattern)):
        text = path.read_text(encoding="utf-8")
        if BLOCK.search(text):
            found[path] = BLOCK.sub(partial(_block, path, entries, record), text)
    return found


def without_blocks(text: str) -> str:
    """Return what is written by hand of a page."""
    return BLOCK.sub("", text)


def phases(system: str) -> list[dict[str, Any]]:
    """Return a system's phases, each with its page, if it has one, and its entries' names."""
    listed: dict[str, list[dict[str, Any]]] = yaml.safe_load(
        (PHASES / "phases.yaml").read_text(encoding="utf-8")
    )
    return listed[system]


def of_phase(
    entries: list[dict[str, Any]], system: str
) -> list[tuple[dict[str, Any], list[Entry]]]:
    """Return each phase of a system with its entries: an id of its own wins over a beginning."""
    listed = phases(system)
    ids = {name for phase in listed for name in phase["entries"] if "-" in name}
    found: list[tuple[dict[str, Any], list[Entry]]] = []
    for phase in listed:
        begin = tuple(f"{name}-" for name in phase["entries"] if "-" not in name)
        own: list[Entry] = [
            entry
            for entry in entries
            if system in entry["systems"]
            if entry["id"] in phase["entries"]
            or (entry["id"] not in ids and bool(begin) and entry["id"].startswith(begin))
        ]
        found.append((phase, own))
    return found


def _block(
    path: Path, entries: list[dict[str, Any]], record: book.Record, at: re.Match[str]
) -> str:
    of, page = at["of"], at["page"]
    if of == "all":
        text = _systems(entries, record, path)
    elif page:
        text = _phase(of, page, entries, record)
    else:
        text = _phases(of, entries, record, path)
    return f"{at[1]}{text}{at[4]}"


def _link(path: Path, target: Path) -> str:
    return os.path.relpath(target, path.parent)


def _counted(states: Iterable[str]) -> tuple[str, ...]:
    count = Counter(states)
    return tuple(figures(count).split(" | "))


def _systems(entries: list[dict[str, Any]], record: book.Record, path: Path) -> str:
    """Write a row for each system."""
    rows = [
        (
            f"[{system}]({_link(path, PHASES / system / 'README.md')})",
            *_counted(state(record, e, system) for e in entries if system in e["systems"]),
        )
        for system in SYSTEMS
    ]
    return table(("System", *STATES), rows)


def _phases(system: str, entries: list[dict[str, Any]], record: book.Record, path: Path) -> str:
    """Write a row for each phase of a system."""
    rows = []
    for phase, own in of_phase(entries, system):
        page = PHASES / system / f"{phase.get('page')}.md"
        title = f"[{phase['title']}]({_link(path, page)})" if "page" in phase else phase["title"]
        rows.append(
            (title, phase["about"], *_counted(state(record, entry, system) for entry in own))
        )
    return table(("Phase", "What it is for", *STATES), rows)


def _phase(system: str, page: str, entries: list[dict[str, Any]], record: book.Record) -> str:
    """Write a row for each entry of a phase: what is shown, and what is missing."""
    [own] = [own for phase, own in of_phase(entries, system) if phase.get("page") == page]
    rows = []
    for entry in own:
        where = state(record, entry, system)
        missing = ""
        if where in (NOT_SHOWN, FAILED):
            missing = _commands(entry, system, record)
        elif where == PARTLY:
            missing = entry.get("lacks", {}).get(system) or entry.get("note", "")
        level = book.levels(entry).get(system, "")
        if level and where == PARTLY and book.outcome(record, entry, system) != book.PASSED:
            level = f"{level}, not shown"
        rows.append(
            (
                entry["id"],
                entry["title"],
                where,
                level,
                " ".join(missing.split()).replace("|", "\\|"),
            )
        )
    return table(("Entry", "What", "Status", "Level", "What is missing"), rows)


def _commands(entry: Entry, system: str, record: book.Record) -> str:
    """Write the commands that show what the record does not."""
    tests = [proof["test"] for proof in book.proofs(entry, system) if "test" in proof]
    missing = [t for t in tests if t not in record or record[t].outcome != book.PASSED]
    return ", ".join(f"`{command}`" for command in dict.fromkeys(map(book.command, missing)))
