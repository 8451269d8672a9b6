"""Selectors have labels that last: with a version in them the next release is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.places import chart_places
from tarmac.check.gates.views.charts.texts import chart_texts
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.overlays.kustomized import Base, as_written, gather
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds whose selector cannot be changed.
_FIXED = ("Deployment", "StatefulSet", "DaemonSet")
#: Labels that change with a release, whatever their value is.
_OF_RELEASE = re.compile(
    r"app\.kubernetes\.io/version|helm\.sh/chart"
    r"|([\w.-]+/)?(git-?)?(commit|sha|revision|build|build-?(number|id)|image-?tag)(-?(sha|hash|id))?"
)
#: A version that is a branch: each release has the same.
_STAYS = re.compile(r"main|master|develop|latest|stable|edge|nightly")
#: Those of which only a number of a whole version does: `version: v1` and `1.0` are names.
_OF_VERSION = re.compile(r"([\w.-]+/)?(version|release|chart|tag)")
#: A named template, what selectors include of such, and a label that is written in one.
_DEFINED = re.compile(r'\{\{-?\s*define\s+"([^"]+)"\s*-?\}\}(.*?)\{\{-?\s*end\s*-?\}\}', re.DOTALL)
_INCLUDED = re.compile(r'matchLabels:\s*\{\{-?\s*include\s+"([^"]+)"')
_LABEL = re.compile(r"^[ \t]*([\w./-]+):[ \t]*\S", re.MULTILINE)
#: A label of a selector in a template whose value is the version of the chart or of its program.
_IN_SELECTOR = re.compile(
    r"^(?P<deep>[ \t]*)matchLabels:[ \t]*\n(?:(?P=deep)[ \t]+.*\n)*?"
    r"(?P=deep)[ \t]+(?P<label>[\w./-]+):[^\n]*\.Chart\.(?:App)?Version\b",
    re.MULTILINE,
)
_FIXED_KIND = re.compile(rf"^kind:[ \t]*({'|'.join(_FIXED)})\b", re.MULTILINE)
_WHOLE = re.compile(r"(.*-)?v?\d+\.\d+\.\d+([-+.][\w.-]*)?")


def check(files: Files) -> Iterator[Finding]:
    """Yield labels of a release that are written into selectors."""
    own, by_path = as_written(files)
    for folder, artifact in own.items():
        found = list(_written(artifact))
        if not found:
            continue
        base = Base()
        gather(files, folder, own, by_path, base, set())
        kinds = [str(one["kind"]) for one in base.objects if one.get("kind") in _FIXED]
        if base.is_whole and not kinds:
            continue
        for path, key, value in found:
            what = f"writes {key} ({value}) into the selectors of what it includes, and that of a"
            said = f"{what} {kinds[0] if kinds else 'Deployment'} cannot be changed: the next"
            advice = "release is refused; add it by `labels` with includeSelectors: false"
            yield Finding(artifact.at(*path), f"{said} {advice}", warning=not kinds)
    told = set[str]()
    for chart, finding in _in_templates(files):
        told.add(f"{chart}/templates" if chart else "templates")
        yield finding
    for artifact in files.objects(*_FIXED):
        if any(str(artifact.built_by).startswith(f"{folder}/") for folder in told):
            continue
        by_chart = "/templates/" in f"/{artifact.built_by or ''}"
        for key, value in fields(artifact.data, "spec", "selector", "matchLabels").items():
            if _OF_RELEASE.fullmatch(str(key)) and (by_chart or not artifact.built_by):
                what = f"{title(artifact)} has {key} ({value}) in its selector, which cannot be"
                said = f"{what} changed: the next release is refused; leave it to the labels"
                where = artifact.at("spec", "selector", "matchLabels", str(key))
                yield Finding(where, said, warning=not by_chart)


def _in_templates(files: Files) -> Iterator[tuple[str, Finding]]:
    """Yield labels of a release in a named template that selectors include, with the chart."""
    for chart in chart_places(files):
        texts = list(chart_texts(files, chart.folder))
        used = {name for _, text in texts for name in _included(text)}
        for where, text in texts:
            for found in _IN_SELECTOR.finditer(text) if _FIXED_KIND.search(text) else ():
                what = f"its selector has {found['label']} with the version of the chart, and it"
                said = f"{what} cannot be changed: the next release is refused; leave it to the"
                line = text.count("\n", 0, found.start("label")) + 1
                yield chart.folder, Finding(f"{where}:{line}", f"{said} labels")
        for where, text in texts if used else ():
            for name, label, line in _defined(text):
                if name in used:
                    what = f"the template {name} has {label}, and selectors include it,"
                    said = f"{what} which cannot be changed: the next release is refused"
                    advice = "leave it to the labels"
                    yield chart.folder, Finding(f"{where}:{line}", f"{said}; {advice}")


@lru_cache(maxsize=4096)  # a chart is part of each tree of a folder
def _included(text: str) -> tuple[str, ...]:
    return tuple(_INCLUDED.findall(text))


@lru_cache(maxsize=4096)
def _defined(text: str) -> tuple[tuple[str, str, int], ...]:
    """List the labels of a release in named templates, with these and their lines."""
    return tuple(
        (block[1], found[1], text.count("\n", 0, block.start(2) + found.start(1)) + 1)
        for block in _DEFINED.finditer(text)
        for found in _LABEL.finditer(block[2])
        if _OF_RELEASE.fullmatch(found[1])
    )


def _written(artifact: Artifact) -> Iterator[tuple[Path, str, Any]]:
    """Yield the labels that a kustomization adds to selectors, of those that change."""
    for key, value in fields(artifact.data, "commonLabels").items():
        if _changes(str(key), value):
            yield ("commonLabels", str(key)), str(key), value
    for number, entry in numbered(artifact.data, "labels"):
        for key, value in fields(entry, "pairs").items():
            if entry.get("includeSelectors") is True and _changes(str(key), value):
                yield ("labels", number, "pairs", str(key)), str(key), value


def _changes(key: str, value: Any) -> bool:
    text = str(value)
    is_of_version = _OF_VERSION.fullmatch(key) and _WHOLE.fullmatch(text)
    if _STAYS.fullmatch(text):
        return False
    return bool(text) and bool(_OF_RELEASE.fullmatch(key) or is_of_version)


def _judged(files: Files) -> Iterator[object]:
    yield from kustomization_files(files)
    yield from files.objects(*_FIXED)
    yield from chart_places(files)


GATE = Gate(
    id="OBJ032",
    title="Selectors have no label that a release changes",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-"
    "updates: in apps/v1 a selector is immutable after the Deployment is made",
    check=check,
    of_files=check,
    scope=counted_in_files("Kustomizations and workloads", _judged),
    targets=("cluster",),
    reads="commonLabels and labels of kustomizations, and selectors of Deployments, StatefulSets "
    "and DaemonSets: labels with the version, the commit or the chart of a release, also in named "
    "templates of charts that are not built, and the version of the chart in those of selectors.",
)
