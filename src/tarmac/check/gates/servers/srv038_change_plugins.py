"""Debezium asks PostgreSQL for changes in a form that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_CLASS = "io.debezium.connector.postgresql.PostgresConnector"
_PLUGIN = "plugin.name"
#: Images of PostgreSQL that have what Debezium asks for by itself.
_BROUGHT = re.compile(r"debezium/(postgres|example-postgres)|decoderbufs")
_SERVER = ("DEBEZIUM_SOURCE_CONNECTOR_CLASS", "DEBEZIUM_SOURCE_PLUGIN_NAME")


class PostgresReader(NamedTuple):
    """A connector, and where it says how it reads."""

    where: str
    title: str
    config: Fields


def check(files: Files) -> Iterator[Finding]:
    """Yield connectors that ask for a form which only some servers have."""
    found = [one for one in _readers(files) if _PLUGIN not in one.config]
    if not found or any(_BROUGHT.search(str(one.data)) for one in compose_services(files)):
        return
    if any(_BROUGHT.search(str(one.content)) for one in files.artifacts if _is_text(one)):
        return
    for one in found:
        what = (
            f"{one.title} has no {_PLUGIN}, so Debezium asks for decoderbufs, which is not a part"
        )
        said = f"{what} of PostgreSQL: no change is read; write {_PLUGIN}: pgoutput"
        yield Finding(one.where, said, warning=True)


def _is_text(artifact: Artifact) -> bool:
    is_read = artifact.path.rpartition("/")[2].startswith(("Dockerfile", "Containerfile"))
    return isinstance(artifact.content, str) and is_read


@once
def _readers(files: Files) -> Iterator[PostgresReader]:
    for artifact in files.objects("KafkaConnector"):
        if string(artifact.data, "spec", "class") in (_CLASS, "PostgresConnector"):
            where = artifact.at("spec", "config")
            yield PostgresReader(where, title(artifact), fields(artifact.data, "spec", "config"))
    for artifact in files.artifacts:
        text = artifact.content
        if artifact.path.endswith(".json") and isinstance(text, str) and _CLASS in text:
            found = json_object(text) or {}
            config = fields(found, "config") or found
            line = text.count("\n", 0, text.index(_CLASS)) + 1
            if config.get("connector.class") == _CLASS:
                name = str(found.get("name") or "the connector")
                yield PostgresReader(f"{artifact.path}:{line}", name, config)
    for service in compose_services(files):
        if service.environment.get(_SERVER[0]) == _CLASS and not service.settings.is_open:
            given = {_PLUGIN: ""} if _SERVER[1] in service.variables else {}
            where = service.at("environment", _SERVER[0])
            yield PostgresReader(where, f"service {service.name}", given)


GATE = Gate(
    id="SRV038",
    title="Debezium asks PostgreSQL for changes in a form that it has",
    phase="services",
    source="https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql"
    "-property-plugin-name: decoderbufs by default, which is an extension; pgoutput is a part of "
    "PostgreSQL since 10",
    check=check,
    of_files=check,
    scope=counted_in_files("connectors", _readers),
    targets=(),
    reads="KafkaConnectors, connectors in JSON, and variables of Debezium Server in Compose "
    "services, where no image here has decoderbufs. A server elsewhere may have it, so all are "
    "warnings. Judges files without a plan only.",
)
