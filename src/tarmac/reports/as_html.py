"""Writes a report as one HTML file to read, mail and print: no script, nothing to load.

It is made as elements, so that text of others is text wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import singledispatch
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from tarmac.drill.report.html import STYLE
from tarmac.drill.report.timeline import element
from tarmac.reports.document import (
    Claim,
    Claims,
    Document,
    Links,
    Paragraph,
    Plot,
    Section,
    Steps,
    Table,
)

OWN_STYLE = Path(__file__).parents[1] / "assets/reports/report.css"
#: What XML and HTML have no place for.
CONTROLS = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(document: Document) -> str:
    """Write a report."""
    style = STYLE.read_text("utf-8") + OWN_STYLE.read_text("utf-8")
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", document.title),
            element("style", style),
        ),
        element(
            "body",
            element("h1", document.title),
            element("p", *_inline(document.summary), class_="summary"),
            element("dl", *_facts(document), class_="facts"),
            *(_section(section) for section in document.sections),
        ),
        lang="en",
    )
    made = tostring(page, encoding="unicode", method="html")
    return "<!doctype html>\n" + CONTROLS.sub("\ufffd", made) + "\n"


def _facts(document: Document) -> Iterator[Element]:
    for name, value in document.facts:
        yield element("div", element("dt", name), element("dd", *_inline(value)))


def _section(section: Section) -> Element:
    heading: list[str | Element] = [section.title]
    if section.verdict:
        heading += [" ", element("span", section.verdict, class_=f"verdict {section.verdict}")]
    parts = [part for block in section.blocks for part in _block(block)]
    return element("section", element("h2", *heading), *parts)


@singledispatch
def _block(block: object) -> Iterator[Element]:
    raise TypeError(f"no such block: {block!r}")


@_block.register
def _(block: Paragraph) -> Iterator[Element]:
    yield element("p", *_inline(block.text))


@_block.register
def _(block: Claims) -> Iterator[Element]:
    yield element("ul", *map(_claim, block.claims), class_="claims")


@_block.register
def _(block: Table) -> Iterator[Element]:
    head = element("tr", *(element("th", name) for name in block.head))
    rows = (element("tr", *(element("td", *_inline(c)) for c in row)) for row in block.rows)
    table = element("table", element("thead", head), element("tbody", *rows))
    yield element("div", table, class_="scroll")


@_block.register
def _(block: Steps) -> Iterator[Element]:
    yield element(
        "ol",
        *(
            element("li", *_inline(step.text), *map(_command, step.commands))
            for step in block.steps
        ),
    )


@_block.register
def _(block: Plot) -> Iterator[Element]:
    yield element("figure", block.drawing, element("figcaption", block.about))


@_block.register
def _(block: Links) -> Iterator[Element]:
    yield element("nav", *(element("a", one.text, href=one.page) for one in block.links))


def _claim(claim: Claim) -> Element:
    parts: list[str | Element] = [
        element("span", claim.status.label, class_=f"status {claim.status.value}"),
        " ",
        *_inline(claim.text),
        *([element("span", claim.level, class_="soft")] if claim.level else []),
    ]
    if claim.missing:
        parts.append(element("p", "Missing: ", *_inline(claim.missing)))
    parts += (element("p", "To show it: ", element("code", one)) for one in claim.commands)
    if claim.proofs:
        proofs = (element("li", *_inline(proof)) for proof in claim.proofs)
        parts.append(element("ul", *proofs, class_="proofs"))
    return element("li", *parts)


def _command(command: str) -> Element:
    return element("pre", element("code", command))


def _inline(text: str) -> Iterator[str | Element]:
    """Yield text; what stands between backticks in it is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one backtick without another is a character
        yield text
        return
    for number, part in enumerate(parts):
        if part:
            yield element("code", part) if number % 2 else part
