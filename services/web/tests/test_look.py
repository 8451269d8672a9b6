"""Contrast, computed from tokens.css: every look, light and dark, on each ground of a text."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

SHEET = (files("tarmac_web") / "static" / "tokens.css").read_text()
#: What is read: its colour, its ground, and the contrast that WCAG 2.2 AA asks for.
PAIRS = [
    *((ink, ground, 4.5) for ink in ("ink", "soft", "accent") for ground in ("bg", "surface")),
    *((ink, "raised", 4.5) for ink in ("ink", "soft")),
    ("on-accent", "accent", 4.5),
    ("on-accent", "accent-strong", 4.5),
    ("ink", "tint", 4.5),
    ("soft", "tint", 4.5),
    ("accent", "tint", 4.5),
    *((tone, f"{tone}-bg", 4.5) for tone in ("good", "bad", "warn")),
    *((tone, ground, 4.5) for tone in ("good", "bad", "warn") for ground in ("bg", "surface")),
    ("ink", "good-bg", 4.5),
    ("ink", "bad-bg", 4.5),
    # Borders of fields, and the ring of what has the focus.
    ("edge", "surface", 3.0),
    ("edge", "bg", 3.0),
    ("focus", "bg", 3.0),
    ("focus", "surface", 3.0),
]


def looks() -> dict[str, dict[str, str]]:
    """Return the colours of each look: the first one's, changed by its own, changed by the dark."""
    light, dark = SHEET.split("@media (prefers-color-scheme: dark)", 1)
    dark = dark.split("The five colours")[0]

    def block(text: str, selector: str) -> dict[str, str]:
        found = re.search(re.escape(selector) + r" \{(.*?)\}", text, re.DOTALL)
        return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", found[1])) if found else {}

    named = {
        "hearth": ":root",
        "voyage": '[data-theme="voyage"]',
        "ledger": '[data-theme="ledger"]',
    }
    made = {}
    for name, selector in named.items():
        own = block(light, selector)
        made[f"{name} light"] = {**block(light, ":root"), **own}
        # A later rule of the same weight wins; one of :root is of less.
        made[f"{name} dark"] = {
            **block(light, ":root"),
            **(own if name == "hearth" else {}),
            **block(dark, ":root"),
            **({} if name == "hearth" else own),
            **block(dark, selector),
        }
    return made


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_does():
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("look", looks())
def test_everything_that_is_read_has_enough_contrast(look):
    colours = looks()[look]
    weak = {
        f"{ink} on {ground}": round(contrast(colours[ink], colours[ground]), 2)
        for ink, ground, least in PAIRS
        if contrast(colours[ink], colours[ground]) < least
    }
    assert not weak


def test_the_sheets_move_nothing_for_who_asked_for_calm():
    base = (files("tarmac_web") / "static" / "base.css").read_text()
    assert "prefers-reduced-motion: reduce" in base
    assert "outline: 3px solid var(--focus)" in base
