"""Marks in files, each in the place of a value that a person or a program writes there."""

from __future__ import annotations

import re

#: What a value is given by, in place of it: `provide_through_set_flag`, `set-by-ci`.
_GIVEN = (
    r"(?:to[-_]be[-_])?(?:provided?|set|passed|given|supplied|injected|filled(?:[-_]in)?)[-_]"
    r"(?:by|via|through|with|from)[-_][a-z][\w-]*"
)
#: By signs that no reader of such files has for its own.
_SIGNS = (
    r"\(\([\w.-]+\)\)|#\{[\w.-]+\}#?|%\w+%|%\{\w+\}|@\w+@|__[A-Z]\w*__|!!\w+!!"
    r"|<%=?[^%\n]*%>|<[A-Za-z][\w. -]*>|\{[A-Z][A-Z0-9_]*\}"
    r"|(?:YOUR|CHANGE|REPLACE|INSERT|PLACEHOLDER|TO[-_ ]?DO|FIX[-_ ]?ME|X{3,})(?:[-_ ]?[A-Z]+)*"
    rf"|{_GIVEN}"
)
_KEY = r"^[ \t]*(?:- )*(?:[\w./-]+:[ \t]+)?"
_END = r"[ \t]*(?:#.*)?$"
_WHOLE = re.compile(
    rf"{_KEY}([\"']?)(?:{_SIGNS}|\$\{{[a-z]\w*\.[\w.]+\}}|\$?\[\[ *[.$]?[\w.]+ *\]\]"
    rf"|(?<=[\"'])\[[A-Z][A-Z0-9_]*\])\1{_END}"
    # Rules and routes have expressions of their own in their texts alone.
    r"|^[ \t]*(?:- )?(?:expr|for|receiver|\w*(?:interval|wait|timeout)):"
    r"[ \t]*[\"']?(?:\{\{|\$\{(?!\{)|\$[A-Z(])"
)
_WORD = re.compile(_SIGNS)
#: A value of data, without its quotes.
_VALUE = re.compile(rf"{_SIGNS}|\$?\[[\[A-Z].*\]|\$\(.+\)|\$[A-Z][A-Z0-9_]*")
#: What a finding says of a value: `it is %PORT%`, `the port '((port))'`.
_WORDS = re.compile(r"[^\s,;:'\"`]+")
#: In any part of a line, where its reader has no such signs.
_ANY = re.compile(
    r"\$\{(?!\{)|\$\((?![A-Z_]+\))|<[A-Za-z/][^<>\n]*>|\{\{|\{%|%\w+%|@\w+@|__\w+__|\.\.\."
    r"|\(\([a-z][\w.-]*\)\)|\[\[ |#\{[A-Za-z]|!!\w+!!|%\{\w+\}|\bx{3,}\b"
    # A whole value that envsubst writes; a shell has its own in the middle of a command.
    rf"|{_KEY}[\"']?\$[A-Z][A-Z0-9_]*[\"']?{_END}"
    r"|\b(?:YOUR|CHANGE|REPLACE|INSERT|PLACEHOLDER|XX+)(?:[-_ ]?[A-Z]+)*\b"
    r"|\b(?:domain|host|user|cluster|project|account|bucket)_(?:name|id)\b"
    rf"|\b{_GIVEN}"
    r"|\b(?:your|change|replace)[-_ ]?(?:me|this|own|[a-z]+[-_](?:here|name|key|id))\b",
)


def has_marks(line: str) -> bool:
    """Tell whether a line has a mark, in files whose readers have no such signs."""
    return _ANY.search(line) is not None


def is_left_open(line: str, said: str = "") -> bool:
    """Tell whether the value of a line, or one of which something is said, is a mark alone.

    Args:
        said: what is wrong, and behind a semicolon what to do.
    """
    words = _WORDS.findall(said.partition(";")[0])
    return _WHOLE.search(line) is not None or any(map(_WORD.fullmatch, words))


def is_mark(value: object) -> bool:
    """Tell whether a value is, or has, a mark."""
    return isinstance(value, str) and (has_marks(value) or _VALUE.fullmatch(value) is not None)
