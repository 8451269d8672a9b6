"""Writes a report as Markdown. Text of others is escaped: it makes no link, tag or table cell.

A plot is left out: a table beside it has its figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tarmac.reports.document import (
    Block,
    Claim,
    Claims,
    Document,
    Links,
    Paragraph,
    Section,
    Steps,
    Table,
)

#: What has a meaning in the midst of a line; within a word `_` has none.
_MARKS = re.compile(r"[\\`*\[\]<>&|~]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
#: What has one at the beginning of a line.
_BEGINS = re.compile(r"([#+=-]|\d+[.)](?=\s|$))")


def write(document: Document) -> str:
    """Write a report."""
    return "\n".join(_lines(document)).rstrip() + "\n"


def escaped(text: str) -> str:
    """Write text so that Markdown shows each of its characters, in the midst of a line."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def code(text: str) -> str:
    """Write text as code: between more backticks than it has in a row."""
    line = " ".join(text.split())
    runs = [len(run) for run in re.findall(r"`+", line)]
    fence = "`" * (max(runs, default=0) + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{room}{line}{room}{fence}"


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escaped(document.title)}"
    yield ""
    yield from (f"- {_begun(escaped(name))}: {_inline(value)}" for name, value in document.facts)
    yield from ("", _begun(_inline(document.summary)), "")
    for section in document.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    said = f": {section.verdict}" if section.verdict else ""
    yield from (f"## {escaped(section.title)}{said}", "")
    for block in section.blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield from (_begun(_inline(block.text)), "")
    elif isinstance(block, Claims):
        for claim in block.claims:
            yield from _claim(claim)
        yield ""
    elif isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Steps):
        for number, step in enumerate(block.steps, 1):
            yield f"{number}. {_begun(_inline(step.text))}"
            yield from (f"   - {code(command)}" for command in step.commands)
        yield ""
    elif isinstance(block, Links):
        yield ", ".join(f"[{escaped(one.text)}]({one.page})" for one in block.links)
        yield ""


def _claim(claim: Claim) -> Iterator[str]:
    yield f"- **{claim.status.label}** {_inline(claim.text)}{_inline(claim.level)}"
    yield from (f"  - {_begun(_inline(proof))}" for proof in claim.proofs)
    if claim.missing:
        yield f"  - missing: {_inline(claim.missing)}"
    yield from (f"  - to show it: {code(command)}" for command in claim.commands)


def _table(table: Table) -> Iterator[str]:
    yield _row(map(escaped, table.head))
    yield _row("---" for _ in table.head)
    yield from (_row(map(_inline, row)) for row in table.rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _begun(line: str) -> str:
    """Escape what would begin a list or a heading."""
    line = line.strip()
    found = _BEGINS.match(line)
    return f"{line[: found.end() - 1]}\\{line[found.end() - 1 :]}" if found else line


def _inline(text: str) -> str:
    """Escape text, and write what stands between backticks in it as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one backtick without another is a character
        return escaped(text)
    return "".join(_coded(part) if n % 2 else _between(part) for n, part in enumerate(parts))


def _coded(part: str) -> str:
    # A bar ends a table's cell, also within code.
    return f"<code>{escaped(part)}</code>" if "|" in part else code(part) if part.strip() else ""


def _between(part: str) -> str:
    """Escape what is beside code; a space between them stays."""
    left = " " if part[:1].isspace() else ""
    right = " " if part[-1:].isspace() and part.strip() else ""
    return f"{left}{escaped(part)}{right}"
