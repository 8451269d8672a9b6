"""Every phase of every roadmap has a page: what is typed, and what decides that it is done."""

from __future__ import annotations

from pathlib import Path

import pytest

PHASES = Path(__file__).resolve().parents[2] / "docs/how-to/phases"
#: How many each roadmap has, and the number of its first.
ROADMAPS = {
    "starter": (5, 1),
    "shop": (14, 1),
    "trading": (8, 1),
    "hello-dd": (10, 1),
    "travel": (11, 0),
}


@pytest.mark.parametrize("system", ROADMAPS)
def test_each_phase_of_each_roadmap_has_its_page_in_order(system):
    count, first = ROADMAPS[system]
    pages = sorted(PHASES.joinpath(system).glob("[0-9][0-9]-*.md"))
    assert [int(page.name[:2]) for page in pages] == list(range(first, first + count))
    index = PHASES.joinpath(system, "README.md").read_text()
    assert [page.name for page in pages if page.name not in index] == []


@pytest.mark.parametrize("page", sorted(PHASES.glob("*/[0-9][0-9]-*.md")), ids=lambda p: p.stem)
def test_a_page_says_what_is_typed_what_decides_and_what_goes_wrong(page):
    headings = [line for line in page.read_text().splitlines() if line.startswith("## ")]
    for part in ("## Commands", "## Exit check", "## Trade-offs", "## When it goes wrong"):
        assert part in headings
