"""Lines of Terraform without their comments and texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: A comment of several lines; what looks so in a text or in another comment is none.
_SPAN = re.compile(r'"(?:[^"\\\n]|\\.)*"|(?:#|//)[^\n]*|(/\*.*?\*/)', re.DOTALL)
HEREDOC = re.compile(r"<<[-~]?\s*\"?(\w+)\"?\s*$")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_INSIDE = re.compile(r"[$%]\{[^}]*")
_COMMENT = re.compile(r"#|//")


def uncommented(text: str) -> str:
    """Leave out comments between /* and */, but for their lines."""
    if "/*" not in text or "*/" not in text:
        return text
    return _SPAN.sub(lambda found: "\n" * found[0].count("\n") if found[1] else found[0], text)


def evaluated(text: str) -> Iterator[str]:
    """Yield each line without comment and texts, of which what is in `${}` is an expression."""
    end = ""
    for line in uncommented(text).splitlines():
        if end:
            yield " ".join(_INSIDE.findall(line))
            end = "" if line.strip() == end else end
        else:
            without_texts = _TEXT.sub(lambda found: " ".join(_INSIDE.findall(found[0])), line)
            code = _COMMENT.split(without_texts, maxsplit=1)[0]
            yield code
            found = HEREDOC.search(line) if "<<" in code else None
            end = found[1] if found else ""


def outside_texts(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers, but those of a long text in which nothing is evaluated."""
    end = ""
    for number, line in lines:
        if not end or "${" in line or "%{" in line:
            yield number, line
        if end:
            end = "" if line.strip() == end else end
        elif found := HEREDOC.search(line):
            end = found[1]
