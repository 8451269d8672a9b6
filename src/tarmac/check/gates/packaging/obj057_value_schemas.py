"""The schema of a chart's values takes what Helm itself adds to them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import from_json
from tarmac.base.foreign.reading import Fields, dig, fields, mappings, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.env_texts import text_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_SCHEMA = "values.schema.json"
_CLOSED = re.compile(r"^(  |\t|    )?\"additionalProperties\"", re.MULTILINE)
#: What else a schema may take a property by.
_OTHER = ("$ref", "allOf", "anyOf", "oneOf", "if")


class ChartSchema(NamedTuple):
    """A chart with a schema of its values."""

    folder: str
    path: str
    text: str
    schema: Fields
    #: What it depends on, by the name of its values.
    needs: Mapping[str, Fields]
    #: The chart that depends on it; empty: none here does.
    parent: str

    @property
    def where(self) -> str:
        """Where it is said that no other property is taken."""
        found = _CLOSED.search(self.text)
        line = f":{self.text.count(chr(10), 0, found.start()) + 1}" if found else ""
        return f"{self.path}{line}"


def check(files: Files) -> Iterator[Finding]:
    """Yield schemas that refuse what Helm adds to the values of their chart."""
    for one in _judged(files):
        if not _is_closed(one.schema):
            continue
        if one.parent and not _takes(one.schema, "global"):
            what = f"takes no property global, and Helm gives it to each chart that {one.parent}"
            said = f"{what} depends on, so no release can be made; write global of type object"
            yield Finding(one.where, said)
        for name, need in one.needs.items():
            # One that is switched off is taken out before.
            if not _takes(one.schema, name) and not need.get("condition") and not need.get("tags"):
                what = f"takes no property {name}, below which Helm puts the values of that"
                said = f"{what} dependency, so no release can be made; write {name} of type object"
                yield Finding(one.where, said)


def _is_closed(schema: Fields) -> bool:
    is_known = not any(key in schema for key in _OTHER)
    return schema.get("additionalProperties") is False and is_known


def _takes(schema: Fields, name: str) -> bool:
    patterns = [str(one) for one in fields(schema, "patternProperties")]
    # Which names a pattern takes is not asked.
    return name in fields(schema, "properties") or bool(patterns)


@once
def _judged(files: Files) -> Iterator[ChartSchema]:
    about = {
        posixpath.dirname(one.path): one
        for one in files.artifacts
        if posixpath.basename(one.path) == "Chart.yaml"
    }
    parents = dict(_parents(about))
    for folder, artifact in about.items():
        path = posixpath.join(folder, _SCHEMA)
        text = text_of(files, path)
        schema = _read(text) if text else None
        if text and schema:
            needs = {string(one, "alias") or string(one, "name"): one for one in _needs(artifact)}
            needs.pop("", None)
            yield ChartSchema(folder, path, text, schema, needs, parents.get(folder, ""))


def _parents(about: Mapping[str, Artifact]) -> Iterator[tuple[str, str]]:
    """Yield the folder of each chart that another one here depends on, and the name of that."""
    for folder, artifact in about.items():
        name = string(artifact.data, "name") or folder
        for one in _needs(artifact):
            source = string(one, "repository")
            if source.startswith("file://"):
                below = posixpath.join(folder, source.removeprefix("file://"))
                yield posixpath.normpath(below), name
        holder, inner = posixpath.split(posixpath.dirname(folder))
        if inner == "charts" and holder in about:
            yield folder, string(about[holder].data, "name") or holder


def _needs(artifact: Artifact) -> list[Fields]:
    return mappings(dig(artifact.data, "dependencies"))


def _read(text: str) -> Fields | None:
    try:
        found = from_json(text)
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None


GATE = Gate(
    id="OBJ057",
    title="The schema of a chart's values takes what Helm adds to them",
    phase="kubernetes",
    source="https://helm.sh/docs/topics/charts/#global-values: a chart that another one depends on "
    "is given global, and the values of a dependency stand below its name",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("schemas of values", _judged),
    targets=(),
    reads="values.schema.json beside the Chart.yaml of its chart and of those that depend on it, "
    "below their folder charts or by file://. Judges files without a plan only.",
)
