"""What an API takes as a text is quoted where a template writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tarmac.base.foreign.reading import Path, dig, fields, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.template_objects import TemplateObject, template_objects
from tarmac.check.gates.views.objects.metadata import kind_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: A value as the template writes it: an action alone, which no quotes are around.
_BARE = re.compile(r"^[ \t-]*[\"']?[\w./-]+[\"']?:[ \t]+\{\{-?\s*([^{}]*?)\s*-?\}\}[ \t]*(?:#.*)?$")
_READ = re.compile(
    r"(?:(?:int|int64|float64)\s+)?\$?\.Values((?:\.[A-Za-z_]\w*)+)"
    r"(?:\s*\|\s*(?:int|int64|float64|required\s+\"[^\"]*\"|default\s+(?:\"[^\"]*\"|[\w.]+)))*"
)
_PODS: tuple[Path, ...] = (
    ("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"), ("spec",),
)  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield texts of objects for which a chart's own values give a number or a truth value."""
    for one, path in _judged(files):
        found = _BARE.search(one.line(*path))
        read = _READ.fullmatch(found[1]) if found else None
        if read is None:
            continue
        value = dig(one.chart.values.data, *read[1][1:].split("."))
        if (kind := _kind(value)) and dig(one.artifact.data, *path) is not None:
            name = f".Values{read[1]}"
            what = f"writes {name} without quotes, where the API takes a text: {value!r} becomes"
            yield Finding(one.artifact.at(*path), f"{what} {kind}, which is refused; add `| quote`")


def _kind(value: Any) -> str:
    """Tell what YAML makes of a value that is written without quotes; "" for a text."""
    if isinstance(value, Mapping | list) or value is None or value == "":
        return ""
    try:
        made = yaml.safe_load(value) if isinstance(value, str) else value
    except (yaml.YAMLError, ValueError):
        return ""
    if isinstance(made, bool):
        return "a truth value"
    return "a number" if isinstance(made, int | float) else ""


@once
def _judged(files: Files) -> Iterator[tuple[TemplateObject, Path]]:
    """Yield the texts of objects that are a template's action alone."""
    for one in template_objects(files):
        for path in _texts(one):
            if "{{" in one.line(*path):
                yield one, path


def _texts(one: TemplateObject) -> Iterator[Path]:
    data, kind = one.artifact.data, kind_of(one.artifact)
    for key in ("data", "stringData") if kind in ("ConfigMap", "Secret") else ():
        if (kind, key) != ("Secret", "data"):
            yield from ((key, str(name)) for name in fields(data, key))
    for name in fields(data, "metadata", "annotations"):
        yield ("metadata", "annotations", str(name))
    for base in _PODS:
        for group in ("initContainers", "containers"):
            for number, container in numbered(data, *base, group):
                for place, _ in numbered(container, "env"):
                    yield (*base, group, number, "env", place, "value")


GATE = Gate(
    id="OBJ050",
    title="What an API takes as a text is quoted where a template writes it",
    phase="kubernetes",
    source="https://helm.sh/docs/howto/charts_tips_and_tricks/#quote-strings-dont-quote-integers: "
    "a number without quotes is one in YAML, also where values.yaml has quotes around it",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("texts of templates", _judged),
    targets=(),
    reads="variables of containers, data of ConfigMaps and annotations in templates on disk that "
    "are one of the chart's own values. Judges files without a plan only.",
)
