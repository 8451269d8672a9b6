"""Loki's schema is one that its version starts with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.monitoring.configurations import configurations
from tarmac.check.gates.views.monitoring.given_values import given_values
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

#: From this version on structured metadata is stored by itself; this schema and store take it.
_SINCE, _SCHEMA, _STORE = 3, 13, "tsdb"
_IMAGE = re.compile(r"(?:.*/)?loki:v?(\d+)\.[\w.-]+")
_VERSION = re.compile(r"v(\d+)")
#: From this version of its chart on it is that one.
_CHART = 6
_MAJOR = re.compile(r"\D*(\d+)")
_SETTING = "allow_structured_metadata"


class LogSchema(NamedTuple):
    """The schema by which a configuration of Loki stores what comes now."""

    artifact: Artifact
    path: Path
    period: Fields
    #: What is said of structured metadata; None: nothing.
    allows: object
    #: That of Loki, where what gives it says so; 0: its images say it.
    version: int


def check(files: Files) -> Iterator[Finding]:
    """Yield schemas with which Loki does not start."""
    versions = {int(number) for image in _images(files) for number in _IMAGE.findall(image)}
    for one in _judged(files):
        known = one.version or min(versions, default=0)
        version = _VERSION.fullmatch(str(one.period.get("schema")))
        store = string(one.period, "store")
        if known < _SINCE or one.allows is not None or version is None or not store:
            continue
        lacks = "schema" if int(version[1]) < _SCHEMA else "store" if store != _STORE else ""
        if lacks:
            wanted = f"v{_SCHEMA}" if lacks == "schema" else _STORE
            what = f"the {lacks} is {one.period[lacks]}, and Loki {known} stores structured"
            said = f"{what} metadata by itself, which needs {wanted}: it does not start; write"
            advice = f"{wanted} for a period from a later day on, or {_SETTING}: false"
            yield Finding(one.artifact.at(*one.path, lacks), f"{said} {advice}")


def _images(files: Files) -> Iterator[str]:
    yield from (service.image or "" for service in compose_services(files))
    yield from (one.image for own in pods(files) for one in own.main_containers)


@once
def _judged(files: Files) -> Iterator[LogSchema]:
    for artifact, path, data in configurations(files):
        at: Path = ("schema_config", "configs") if not path else ()
        yield from _schema(files, artifact, (*path, *at), fields(data, "schema_config"), data, 0)
    for given in given_values(files, frozenset({"loki"})):
        own = fields(given.artifact.data, *given.path, "loki")
        major = _MAJOR.match(given.version)
        # What is said in another form replaces all of it.
        if major and int(major[1]) >= _CHART and not {"config", "structuredConfig"} & own.keys():
            at = (*given.path, "loki", "schemaConfig", "configs")
            said = fields(own, "schemaConfig")
            yield from _schema(files, given.artifact, at, said, own, _SINCE)


def _schema(
    files: Files, artifact: Artifact, path: Path, said: Fields, data: Fields, version: int
) -> Iterator[LogSchema]:
    """Yield the schema that is in use today; in a text, a part has the place of all of it."""
    periods = [
        (begun, number, one)
        for number, one in numbered(said, "configs")
        if (begun := _day(one.get("from"))) is not None and begun <= files.today
    ]
    if periods and "{{" not in str(said):
        _, number, period = max(periods, key=lambda period: period[:2])
        at = (*path, number) if path[-1:] == ("configs",) else path
        allows = dig(fields(data, "limits_config"), _SETTING)
        yield LogSchema(artifact, at, period, allows, version)


def _day(written: object) -> date | None:
    try:
        return written if isinstance(written, date) else date.fromisoformat(str(written))
    except ValueError:
        return None


GATE = Gate(
    id="OBS051",
    title="Loki's schema is one that its version starts with",
    phase="observability",
    source="https://grafana.com/docs/loki/latest/setup/upgrade/#structured-metadata-open-telemetry-"
    "schemas-and-indexes: from 3.0 on the schema v13 and tsdb are needed, unless it is off",
    check=check,
    of_files=check,
    scope=counted_in_files("schemas of Loki", _judged),
    targets=(),
    reads="schema_config of Loki's configurations, beside the images of Loki in Compose files and "
    "pods, and values of its chart. Judges files without a plan only.",
)
