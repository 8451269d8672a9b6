"""The page about `tarmac ui` has the keys that are bound."""

from __future__ import annotations

import re
from pathlib import Path

from tarmac.run.terminal import keys

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/stay-in-the-terminal.md").read_text(encoding="utf-8")


def test_the_page_lists_every_key_with_what_the_terminal_says_of_it():
    for section in keys.SECTIONS:
        (table,) = re.findall(
            rf"^### {section}\n(.*?)(?=\n#|\nThe mouse)", PAGE, re.MULTILINE | re.DOTALL
        )
        rows = re.findall(r"^\| (`.*`) \| (.*) \|$", table, re.MULTILINE)
        named = [key for key in keys.KEYS if key.section == section]
        assert rows == [
            (" ".join(f"`{shown}`" for shown in key.shown.split()), key.about) for key in named
        ]


def test_each_key_is_bound_once_and_each_hint_is_a_key_with_a_word():
    names = [name for bound, _ in keys.bindings() for name in bound.split(",")]
    assert sorted(names) == sorted(set(names))
    assert all(word for _, word in keys.hints())
