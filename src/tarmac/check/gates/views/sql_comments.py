"""Comments of SQL."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)


def without_comments(text: str) -> str:
    """Write spaces for the comments of SQL; lines keep their numbers."""
    return _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
