"""Splits HCL into words: names, signs, texts with the expressions in them, comments left out.

Called by hcl.py. Of what is unusual nothing is guessed: `UnusualError` leaves it to the library.
"""

from __future__ import annotations

import re


class UnusualError(Exception):
    """The text is not read here; python-hcl2 decides."""


class Word(str):
    """A token: its text, its kind and its line."""

    __slots__ = ("line", "type")
    type: str
    line: int


_TOKEN = re.compile(
    r"""[ \t]*(?:
    (?P<NAME>[a-zA-Z_][a-zA-Z0-9_-]*)
  | (?P<NL>(?:(?:\#|//)[^\n]*)?\n(?:[ \t]*(?:(?:\#|//)[^\n]*)?\n)*)
  | (?P<NOTE>/\*(?:[^*]|\*(?!/))*\*/)
  | <<(?P<TRIM>-?)(?P<END>[a-zA-Z]\w*)\n(?P<LINES>(?:.*\n)*?)[ \t]*(?P=END)(?=\n)
  | (?P<OP>=>|==|!=|<=|>=|&&|\|\||\.\.\.|[-=<>+*/%!?:.,()\[\]])
  | (?P<TEXT>"(?:[^"\\$%\n\r]|\\["\\nrt]|\\u[0-9a-fA-F]{4}|\$(?!\$?\{)|%(?!%?\{))*")
  | (?P<OPEN>\{)
  | (?P<CLOSE>\})
  | (?P<QUOTE>")
  | (?P<FLOAT>\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)(?![.\w]))
  | (?P<INT>\d+(?![.\w]))
    )""",
    re.VERBOSE,
)
_CHARS = re.compile(
    r"(?:[^\"\\$%\n\r]|\\[\"\\nrt]|\\u[0-9a-fA-F]{4}|\$(?!\$?\{)|%(?!%?\{)|\$\$\{[^}\"]*\})+"
)


def word_of(kind: str, text: str, line: int) -> Word:
    """Make a token."""
    word = Word(text)
    word.type, word.line = kind, line
    return word


def words_of(text: str) -> list[Word]:
    """Split a file; the last word is its end. Raises UnusualError."""
    found: list[Word] = []
    position, line, size = 0, 1, len(text)
    #: How many braces are open in each interpolation that is open.
    open_braces: list[int] = []
    while position < size:
        match = _TOKEN.match(text, position)
        if match is None:
            if text[position:].strip(" \t"):
                raise UnusualError
            break
        kind, position = match.lastgroup or "", match.end()
        written = match[kind]
        if kind == "NL":
            found.append(word_of("NL", "\n", line))
            line += written.count("\n")
            continue
        if kind == "LINES":
            written = text[match.start() : position].lstrip(" \t")
            kind = "HEREDOC_TRIM" if match["TRIM"] else "HEREDOC"
            found.append(word_of(kind, f"{written}\n", line))
            line += written.count("\n")
            continue
        if kind == "NOTE":
            line += written.count("\n")
            continue
        if kind == "OP":
            kind = written
        elif kind == "OPEN" and open_braces:
            open_braces[-1] += 1
        elif kind == "CLOSE" and open_braces:
            open_braces[-1] -= 1
            if open_braces[-1] < 0:
                open_braces.pop()
                found.append(word_of("CLOSE", "}", line))
                position = _within_text(text, position, line, found, open_braces)
                continue
        found.append(word_of(kind, written, line))
        if kind == "QUOTE":
            position = _within_text(text, position, line, found, open_braces)
    if open_braces:
        raise UnusualError
    found.append(word_of("END", "", line))
    return found


def _within_text(
    text: str, position: int, line: int, found: list[Word], open_braces: list[int]
) -> int:
    """Read a text up to its end, or up to an expression in it; return where that is."""
    if match := _CHARS.match(text, position):
        found.append(word_of("CHARS", match[0], line))
        position = match.end()
    if text.startswith('"', position):
        found.append(word_of("QUOTE", '"', line))
        return position + 1
    if text.startswith("${", position) and not text.startswith("~", position + 2):
        found.append(word_of("INTERPOLATION", "${", line))
        open_braces.append(0)
        return position + 2
    raise UnusualError
