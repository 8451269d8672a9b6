"""Dashboards that Grafana reads by itself name data sources that are there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import Fields, dig, fields, items, numbered, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.monitoring.dashboards import board_files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.objects.stored_data import ConfigMap
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_PLACEHOLDER = re.compile(r'"(?:uid|datasource)"\s*:\s*"\$\{(\w+)\}"')
_EXPRESSION = "__expr__"
#: What the export writes for a data source; other names it lists in `__inputs`.
_EXPORTED = re.compile(r"DS_\w+")
_ANYWHERE = re.compile(r"\bDS_\w+")
#: By this label the sidecar of Grafana's chart finds ConfigMaps.
_LABEL = "grafana_dashboard"


class OwnDashboard(NamedTuple):
    """A dashboard that no import form is shown for."""

    where: str
    #: For a reader: its file, or its key and ConfigMap.
    title: str
    text: str
    #: The line of the file before its first; None where that is not known.
    above: int | None
    #: What its owner fills in.
    given: frozenset[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield dashboards with a placeholder that only the import form fills in."""
    for board in _provisioned(files):
        data = json_object(board.text) or {}
        inputs = {string(one, "name") for one in items(data, "__inputs")}
        known = {string(one, "name") for one in items(data, "templating", "list")}
        known |= _expressions(data) if _EXPRESSION in board.text else set()
        for found in _PLACEHOLDER.finditer(board.text):
            name = found[1]
            is_exported = name in inputs or _EXPORTED.fullmatch(name) is not None
            if not is_exported or name in {*known, *board.given} or name in _written(files):
                continue
            line = board.text.count("\n", 0, found.start()) + 1
            where = board.where if board.above is None else f"{board.where}:{board.above + line}"
            what = f"{board.title} is read from its file and has ${{{name}}} of an export, which"
            said = f"{what} the import form alone fills in, so its panels find no data source;"
            yield Finding(where, f"{said} write the uid of one")
            break


def _expressions(data: Fields) -> set[str]:
    """List the placeholders of expressions, which Grafana computes itself and knows by a type."""
    inputs = items(data, "__inputs")
    found = {string(one, "name") for one in inputs if one.get("pluginId") == _EXPRESSION}
    for path, text in places(data):
        if path[-1] == "type" and text == _EXPRESSION:
            uid = string(fields(dig(data, *path[:-1])), "uid")
            found.add(uid.removeprefix("${").removesuffix("}"))
    return found


@once
def _written(files: Files) -> Iterator[str]:
    """Yield the placeholders that something else than a dashboard names: it may replace them."""
    for artifact in files.artifacts:
        text = artifact.content if isinstance(artifact.content, str) else str(artifact.content)
        is_board = artifact.path.endswith(".json") or (
            artifact.is_object and _LABEL in metadata(artifact).labels
        )
        if "DS_" in text and not is_board and artifact.data.get("kind") != "GrafanaDashboard":
            yield from _ANYWHERE.findall(text)


@once
def _provisioned(files: Files) -> Iterator[OwnDashboard]:
    """Yield dashboards in folders that a provider reads, in ConfigMaps and in the operator's."""
    texts = {one.path: one.content for one in files.artifacts if one.path.endswith(".json")}
    folders = _folders(files)
    for board in board_files(files) if folders else ():
        text = texts.get(board.path)
        if isinstance(text, str) and any(one in folders for one in _above(board.path)):
            yield OwnDashboard(board.path, board.path, text, 0, frozenset())
    for artifact in files.objects("ConfigMap"):
        for key, text in ConfigMap(artifact).data.items():
            if _LABEL in metadata(artifact).labels and isinstance(text, str):
                at = artifact.at("data", str(key))
                yield OwnDashboard(at, f"{key} of {title(artifact)}", text, None, frozenset())
    for artifact in files.objects("GrafanaDashboard"):
        given = (string(one, "inputName") for one in items(artifact.data, "spec", "datasources"))
        if text := string(artifact.data, "spec", "json"):
            at = artifact.at("spec", "json")
            yield OwnDashboard(at, title(artifact), text, None, frozenset(given))


def _folders(files: Files) -> set[str]:
    """List the folders here whose dashboards a provider reads."""
    found, read = set[str](), set[str]()
    for artifact in files.artifacts:
        for _, one in numbered(artifact.data, "providers") if "kind" not in artifact.data else ():
            path = string(one, "options", "path").rstrip("/")
            if path.startswith("/") and "$" not in path:
                read.add(path)
                here = posixpath.dirname(artifact.path)
                # A provider is often beside what it reads.
                if here and posixpath.basename(path) == posixpath.basename(here):
                    found.add(here)
    for outside, inside in _mounts(files) if read else ():
        if any(one in read for one in _above(f"{inside}/x")):
            found.add(outside)
        # Below what is mounted is what is read.
        found |= {
            posixpath.normpath(f"{outside}/{one.removeprefix(inside)}")
            for one in read
            if one.startswith(f"{inside}/")
        }
    return found


def _mounts(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the folders that services mount: the path here, and that inside."""
    for service in compose_services(files):
        for entry in listed(dig(service.data, "volumes")):
            given = fields(entry) if isinstance(entry, Mapping) else {}
            text = f"{given.get('source')}:{given.get('target')}" if given else str(entry)
            parts = text.split(":")
            if len(parts) > 1 and parts[0].startswith(".") and "$" not in text:
                folder = posixpath.dirname(service.artifact.path)
                yield posixpath.normpath(posixpath.join(folder, parts[0])), parts[1].rstrip("/")


def _above(path: str) -> Iterator[str]:
    """Yield the folders above a path, from the nearest."""
    while (above := posixpath.dirname(path)) not in ("", path):
        yield above
        path = above


GATE = Gate(
    id="OBS036",
    title="Dashboards that Grafana reads by itself name data sources that are there",
    phase="observability",
    source="https://grafana.com/docs/grafana/latest/dashboards/share-dashboards-panels: an export "
    "for others has a placeholder for each data source, which is asked for at the import",
    check=check,
    of_files=check,
    scope=counted_in_files("provisioned dashboards", _provisioned),
    targets=(),
    reads="dashboards in folders that a provider reads, by what a Compose service mounts "
    "or beside the provider, in ConfigMaps with the label grafana_dashboard and in "
    "GrafanaDashboards. Where a script or another file names the placeholder, nothing is told. "
    "Judges files without a plan only.",
)
