"""What a page says of the product's state is generated from the book of proofs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import book
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))

import status_tables  # noqa: E402 - after its folder is on the path

#: Words that tell of what exists today: they grow old where they are written by hand.
PLACE = "(cluster|nodes?|forge|account|cloud|mesh|agent|collector)"
STATE = (
    r"not there yet",
    r"not (built|written|installed|applied|rendered|tried|shown) yet",
    rf"no {PLACE} (has|have|had) (run|seen|taken|it|them)",
    rf"no {PLACE} (ran|runs|can run|gathers|takes)",
    rf"(nothing|none|neither)( of it| of them)? (ran|runs|has run) (in|on|for) (a|any|the) {PLACE}",
    r"nothing is rendered for",
    r"is rendered for no",
    r"has not run it",
    r"\bnothing except\b",
    r"(was|were|has|have) not (been )?(run|opened|brought up) (here|there|yet)",
    rf"(a|the) {PLACE} has not run",
    r"(is|are|stays?|with) [*`](not-yet|needs-cloud|needs-cluster)[*`]",
)
LATER = re.compile("|".join(STATE), re.IGNORECASE)
PAGES = sorted(path for pattern in status_tables.PAGES for path in ROOT.glob(pattern))


def told(text):
    """List the phrases of a page's own words that tell of the product's state."""
    own = " ".join(status_tables.without_blocks(text).split())
    return [found[0] for found in LATER.finditer(own)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_page_tells_the_products_state_by_hand(page):
    assert told(page.read_text(encoding="utf-8")) == [], "name the entry, and let its table say it"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Terraform is not\nthere yet.", ["not there yet"]),
        ("All of it is rendered; no cluster has run it.", ["no cluster has run"]),
        ("Nothing is rendered for it.", ["Nothing is rendered for"]),
        ("<!-- generated: status shop -->\n| not there yet |\n<!-- end -->", []),
        ("The service is not ready yet.", []),
    ],
)
def test_a_sentence_about_the_state_is_recognised(text, found):
    assert told(text) == found


@pytest.mark.parametrize("system", status_tables.SYSTEMS)
def test_each_entry_of_a_system_is_in_one_phase_of_its_roadmap(system):
    entries = book.entries()
    placed = [e["id"] for _, own in status_tables.of_phase(entries, system) for e in own]
    assert sorted(placed) == sorted(e["id"] for e in entries if system in e["systems"])


@pytest.mark.parametrize("system", status_tables.SYSTEMS)
def test_each_phase_has_a_page_with_its_table_and_the_index_has_all(system):
    folder = status_tables.PHASES / system
    for phase in status_tables.phases(system):
        if "page" in phase:
            text = (folder / f"{phase['page']}.md").read_text(encoding="utf-8")
            assert f"<!-- generated: status {system} {phase['page']} -->" in text
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert f"<!-- generated: status {system} -->" in index
