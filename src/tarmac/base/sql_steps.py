"""Takes the way forward of a step that also has the way back: goose, dbmate and sql-migrate.

Their files make a table and drop it again, in two parts with a remark above each. The reader of a
system's files of SQL and the one that loads them here ask; nothing here opens a file.
"""

from __future__ import annotations

import re

#: The remark above the way back.
_BACK = re.compile(r"(?mi)^--[ \t]*(?:\+(?:goose|migrate)[ \t]+down|migrate:down)\b")
_FORWARD = re.compile(r"(?mi)^--[ \t]*(?:\+(?:goose|migrate)[ \t]+up|migrate:up)\b")


#: What each of the three programs is called that carry such steps out, by its remark.
_PROGRAMS = {"+goose": "goose", "+migrate": "sql-migrate", "migrate:": "dbmate"}


def program_of(text: str) -> str:
    """Name the program whose step a file of SQL is, with both ways; "" for another file."""
    back, first = _BACK.search(text), _FORWARD.search(text)
    said = back[0] if back and first else ""
    return next((name for mark, name in _PROGRAMS.items() if mark in said), "")


def forward(text: str) -> str:
    """Return a file's way forward, its lines where they are; the whole file without another."""
    back, first = _BACK.search(text), _FORWARD.search(text)
    if back is None or first is None:
        return text
    if back.start() > first.start():
        return text[: back.start()]
    return "\n" * text.count("\n", 0, first.start()) + text[first.start() :]
