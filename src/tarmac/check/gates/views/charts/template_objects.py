"""Objects as the templates of a chart write them: what an action makes is a word of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import yaml

from tarmac.base import artifact as artifacts
from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.files import Chart, charts
from tarmac.check.gates.views.charts.texts import chart_texts
from tarmac.check.gates.views.once import once

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_ALONE = re.compile(r"^[ \t]*(?:-[ \t]+)?(?:\{\{[^\n]*?\}\}[ \t]*)+$", re.MULTILINE)
_DOCUMENTS = re.compile(r"^---.*$", re.MULTILINE)


class TemplateObject(NamedTuple):
    """One object of a template, of the chart's values alone."""

    chart: Chart
    #: Equal actions are equal words in it.
    artifact: Artifact
    #: The template, as it is written.
    text: str

    def line(self, *path: str | int) -> str:
        """Return the line of the template where a part of it is."""
        number = self.artifact.at(*path).rpartition(":")[2]
        lines = self.text.splitlines()
        return lines[int(number) - 1] if number.isdecimal() and int(number) <= len(lines) else ""


@once
def template_objects(files: Files) -> Iterator[TemplateObject]:
    """Yield the objects of all charts, as far as a template is YAML without its actions."""
    for chart in charts(files):
        words: dict[str, str] = {}
        for shown, text in chart_texts(files, chart.folder):
            if shown.endswith((".yaml", ".yml")):
                for one in _objects(shown, text, words):
                    yield TemplateObject(chart, one, text)


def _objects(shown: str, text: str, words: dict[str, str]) -> Iterator[Artifact]:
    def word(found: re.Match[str]) -> str:
        # A name that differs at each release is equal to no other.
        asked = " ".join(found[0].strip("{}- \t\n").split())
        made = words.setdefault(asked, f"tpl{len(words)}x")
        return made + "\n" * found[0].count("\n")

    plain = _ACTION.sub(word, _ALONE.sub("", text))
    begun = 0
    for end in [*(found.start() for found in _DOCUMENTS.finditer(plain)), len(plain)]:
        part = plain[begun:end]
        if "kind:" in part:
            with suppress(yaml.YAMLError, ValueError):
                # The lines before it keep the numbers of its own.
                yield from artifacts.read(shown, "\n" * plain.count("\n", 0, begun) + part)
        begun = end
