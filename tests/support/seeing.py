"""What a page is held to, looked at in the browser itself: names, landmarks, focus, contrast.

For tests/browser. Each check returns what it found wrong, as sentences; nothing is changed.
"""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page

#: Without its comment: an expression.
_CHECKS = Path(__file__).with_suffix(".js").read_text().partition(chr(10))[2].strip()


def faults(page: Page) -> list[str]:
    """Return what is wrong with a page's structure, names, sizes and width."""
    found: list[str] = page.evaluate(f"{_CHECKS}.structure()")
    return found


def weak_text(page: Page) -> list[str]:
    """Return texts with less contrast than WCAG AA asks for, as they are drawn now."""
    page.evaluate("document.getAnimations().forEach((each) => each.finish?.())")
    found: list[str] = page.evaluate(f"{_CHECKS}.contrast()")
    return found


def axe_core() -> str | None:
    """Return the script that `.ci/axe` brought; None where it did not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = next((cache / "tarmac/programs/axe").glob("axe-*.js"), None)
    return found and found.read_text()


def barriers(page: Page, axe: str) -> list[str]:
    """Return what axe-core calls serious or critical."""
    page.evaluate(f"{axe}; undefined")
    found: list[str] = page.evaluate(
        """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
          .filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`)"""
    )
    return found


def unseen_focus(page: Page) -> list[str]:
    """Go through a page with the Tab key; return what has the focus without showing it."""
    number = page.evaluate(f"{_CHECKS}.listen()")
    for _ in range(number + 2):  # it begins where the focus was, and goes round by way of nothing
        page.keyboard.press("Tab")
    found: list[str] = page.evaluate(f"{_CHECKS}.heard()")
    return found
