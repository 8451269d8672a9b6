"""Fills a template's placeholders and drops the lines whose condition does not hold.

The syntax is a small part of what nunjucks and Jinja2 read, so that Backstage's `fetch:template`
makes the same text of the same file: `${{ values.name }}`, and lines of their own with
`{%- if values.a or values.b %}`, `{%- else %}` and `{%- endif %}`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.base.errors import BadInput, Problem, did_you_mean

Values = Mapping[str, str | bool]
_PLACE = re.compile(r"\$\{\{\s*values\.([a-z_]+)\s*\}\}")
_TAG = re.compile(r"[ \t]*\{%- (?:(else|endif)|if (values\.[a-z_]+(?: or values\.[a-z_]+)*)) %\}")
#: What only looks like one of the two is a mistake of the template's author.
_OTHER = re.compile(r"\$\{\{|\{%|\{#")


def filled(text: str, values: Values, where: str) -> str:
    """Return a template's text with its values.

    Args:
        where: the template's path, for errors.

    Raises:
        BadInput: a value that is not known, a tag that is not understood or not closed.
    """
    written: list[str] = []
    problems: list[Problem] = []
    #: Of each condition that is open: whether its lines are kept, and the line that opened it.
    open_: list[tuple[bool, int]] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        place = f"{where}:{number}"
        if (tag := _TAG.fullmatch(line)) is not None:
            problems += _misplaced(place, lines, number)
            if tag[1] is None:
                names = [name.removeprefix("values.") for name in tag[2].split(" or ")]
                problems += _unknown(place, names, values)
                open_.append((any(values.get(name) for name in names), number))
            elif not open_:
                problems.append(Problem(place, f"`{tag[1]}` without an `if`; remove it"))
            elif tag[1] == "else":
                open_[-1] = (not open_[-1][0], open_[-1][1])
            else:
                open_.pop()
            continue
        problems += _unknown(place, _PLACE.findall(line), values)
        if _OTHER.search(_PLACE.sub("", line)):
            what = "is not `${{ values.NAME }}` or an `{%- if values.NAME %}` line; correct it"
            problems.append(Problem(place, f"'{line.strip()[:80]}' {what}"))
        if all(keeps for keeps, _ in open_):
            written.append(_PLACE.sub(lambda found: _text(values.get(found[1], "")), line))
    problems += [
        Problem(f"{where}:{number}", "an `if` without its `endif`; add one") for _, number in open_
    ]
    if problems:
        raise BadInput(problems)
    return "\n".join(written)


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _misplaced(place: str, lines: list[str], number: int) -> list[Problem]:
    """Find a tag whose white space the two other readers treat in another way."""
    if number > 1 and lines[number - 2].strip():
        return []
    what = "a tag behind an empty line, or in the first one; move the empty line behind the tag"
    return [Problem(place, what)]


def _unknown(place: str, names: list[str], values: Values) -> list[Problem]:
    return [
        Problem(place, f"unknown value '{name}'; {did_you_mean(name, values)}")
        for name in names
        if name not in values
    ]
