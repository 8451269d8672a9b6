"""What kustomize takes as a text is written as one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, PlaceTree, at_places, place_tree
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.env_texts import text_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import NAMES
from tarmac.check.gates.views.scope import counted_in_files

#: The last word of a line.
_LAST = re.compile(r"[ \t]([^\s\"'{}\[\],#]+)[ \t]*(?:#.*)?$")
#: Places with one text, and those with a mapping of names to texts.
_TEXTS = (
    "namespace", "namePrefix", "nameSuffix",
    "images.-.name", "images.-.newName", "images.-.newTag", "images.-.digest", "images.-.tagSuffix",
    "replicas.-.name", "resources.-", "components.-", "bases.-", "crds.-", "transformers.-",
    "generators.-", "configurations.-",
    *(
        f"{generator}.-.{key}"
        for generator in ("configMapGenerator", "secretGenerator")
        for key in ("name", "namespace", "behavior", "files.-", "envs.-", "env", "literals.-")
    ),
    "secretGenerator.-.type",
    "helmCharts.-.name", "helmCharts.-.version", "helmCharts.-.repo", "helmCharts.-.releaseName",
    "helmCharts.-.namespace", "helmCharts.-.valuesFile",
    "patches.-.path", "patches.-.patch",
    "patches.-.target.kind", "patches.-.target.name", "patches.-.target.version",
)  # fmt: skip
_MAPPINGS = (
    "commonLabels", "commonAnnotations", "labels.-.pairs",
    "generatorOptions.labels", "generatorOptions.annotations",
    *(
        f"{generator}.-.options.{key}"
        for generator in ("configMapGenerator", "secretGenerator")
        for key in ("labels", "annotations")
    ),
)  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield numbers, truth values and mappings where kustomize takes a text."""
    for artifact in _judged(files):
        for path, value in _texts(artifact.data):
            where = artifact.at(*path)
            if kind := _kind(value):
                written = _written(files, where, value)
                if ":" in written:  # kustomize takes that as a text
                    continue
                name = ".".join(map(str, path))
                advice = f'write "{written}" in quotes'
                if isinstance(value, Mapping):
                    written = ""
                    pair = next((f"{key}={one}" for key, one in value.items()), "")
                    advice = f"write {pair} as one text"
                said = f"{kind} {written}".rstrip()
                what = f"{name} is {said}, and kustomize takes a text: the build ends; {advice}"
                yield Finding(where, what)


def _kind(value: Any) -> str:
    """Say what a value is that kustomize does not take as a text; "" where it does."""
    if isinstance(value, bool):
        return "the truth value"
    if isinstance(value, int | float):
        return "the number"
    return "a mapping" if isinstance(value, Mapping) and value else ""


def _written(files: Files, where: str, value: Any) -> str:
    """Read a value as it is written: `1234e5`, where it is a line's last word."""
    path, _, number = where.rpartition(":")
    lines = (text_of(files, path) or "").splitlines() if number.isdecimal() else []
    line = lines[int(number) - 1] if number.isdecimal() and int(number) <= len(lines) else ""
    found = None if isinstance(value, Mapping) else _LAST.search(line)
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return found[1] if found else "" if isinstance(value, Mapping) else shown


def _texts(data: Fields) -> Iterator[tuple[Path, Any]]:
    one, several = _places()
    yield from ((path, value) for path, value, _ in at_places(data, one))
    for path, pairs, _ in at_places(data, several):
        if isinstance(pairs, Mapping):
            yield from (((*path, str(key)), value) for key, value in pairs.items())


@cache
def _places() -> tuple[PlaceTree, PlaceTree]:
    return place_tree(dict.fromkeys(_TEXTS, True)), place_tree(dict.fromkeys(_MAPPINGS, True))


@once
def _judged(files: Files) -> Iterator[Artifact]:
    for artifact in files.raw:
        if artifact.path.rpartition("/")[2] in NAMES and artifact.data and not artifact.built_by:
            yield artifact


GATE = Gate(
    id="OBJ058",
    title="What kustomize takes as a text is written as one",
    phase="kubernetes",
    source="https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images: newTag "
    "and others are texts, and a tag of digits without quotes is a number in YAML",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("kustomizations", _judged),
    targets=(),
    reads="names, tags, labels, annotations and lists of texts of kustomizations. Judges files "
    "without a plan only.",
)
