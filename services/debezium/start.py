"""Starts the real Debezium, in Kafka Connect's standalone worker, as the environment says.

Run by Tarmac as a service of its own: `python3 start.py`; the standard library is all it needs. It
writes the worker's files, which hold passwords, for their owner alone, and becomes the worker.
`python3 start.py ready` ends with 0 once every connector and task runs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import urlopen

#: A laptop's: it starts in some seconds, in a third of the memory that Java would take.
JAVA = (
    *("-Xms32m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    "-Djava.net.preferIPv4Stack=true",
)
#: Debezium's own, which say which of its runs sent a record.
CONTEXT = "taskId,runId,connectorName,connectorLogicalName"


class MissingError(Exception):
    """The environment lacks something; the text says what to do."""


def settings(environ: Mapping[str, str], data: Path) -> dict[str, dict[str, str]]:
    """Return what each file in `data` says: of the worker, its secrets, and the connectors."""
    database = urlsplit(_given(environ, "DATABASE_URL"))
    name = database.path.lstrip("/")
    slot = environ.get("CAPTURE_SLOT") or _slot_of(name)
    prefix = environ.get("CAPTURE_PREFIX") or name
    service = environ.get("SERVICE_NAME", "debezium")
    tables = [
        table.strip() for table in environ.get("CAPTURED_TABLES", "").split(",") if table.strip()
    ]
    secrets = data / "secrets.properties"
    source = {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "database.hostname": database.hostname or "127.0.0.1",
        "database.port": str(database.port or 5432),
        "database.user": unquote(database.username or "postgres"),
        # By reference: the worker shows its configuration to every caller.
        "database.password": f"${{file:{secrets}:database.password}}",
        "database.dbname": name,
        "publication.autocreate.mode": "disabled",
        # At first, and when the slot has lost its place.
        "snapshot.mode": "when_needed",
        "tombstones.on.delete": "false",
        # Moves a slot on past what is not its own: only what it reads does, so it is given a word.
        "heartbeat.interval.ms": "1000",
        "heartbeat.action.query": "select pg_logical_emit_message(false, 'heartbeat', '')",
        "message.prefix.exclude.list": "heartbeat",
        "topic.heartbeat.prefix": f"{service}-heartbeat",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "-1",
        # Only the last beat is kept.
        "topic.creation.groups": "beats",
        "topic.creation.beats.include": r".*-heartbeat\\..*",
        "topic.creation.beats.cleanup.policy": "compact",
        "transforms": "drop",
        "transforms.drop.type": "org.apache.kafka.connect.transforms.DropHeaders",
        "transforms.drop.headers": ",".join(f"__debezium.context.{x}" for x in CONTEXT.split(",")),
    }
    files = {
        "worker.properties": {
            **_kafka(urlsplit(_given(environ, "BROKER_URL"))),
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "header.converter": "org.apache.kafka.connect.storage.StringConverter",
            "offset.storage.file.filename": str(data / "offsets"),
            "offset.flush.interval.ms": "500",
            "listeners": f"http://{environ.get('HOST', '127.0.0.1')}:{_given(environ, 'PORT')}",
            "plugin.discovery": "service_load",
            "config.providers": "file",
            "config.providers.file.class": (
                "org.apache.kafka.common.config.provider.FileConfigProvider"
            ),
        },
        "secrets.properties": {"database.password": unquote(database.password or "")},
        "outbox.properties": {
            **source,
            "name": "outbox",
            # Where two connectors share a place in the log's bookkeeping, one of them stands still.
            "topic.prefix": f"{prefix}_outbox",
            "slot.name": slot,
            "publication.name": "tarmac_outbox",
            "table.include.list": "public.outbox",
            # Those that count as published too: a slot that is just made has confirmed them, and
            # Debezium may end before it has sent them. They are kept for a day.
            "snapshot.select.statement.overrides": "public.outbox",
            "snapshot.select.statement.overrides.public.outbox": (
                "select * from public.outbox order by seq"
            ),
            "transforms": "outbox,drop",
            "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
            "transforms.outbox.route.by.field": "type",
            "transforms.outbox.route.topic.replacement": "${routedByValue}",
            "transforms.outbox.table.fields.additional.placement": "headers:header:headers",
        },
    }
    if tables:
        converter = {"": "org.apache.kafka.connect.json.JsonConverter", ".schemas.enable": "false"}
        files["tables.properties"] = {
            **source,
            **{
                f"{part}.converter{key}": value
                for part in ("key", "value")
                for key, value in converter.items()
            },
            "name": "tables",
            "topic.prefix": prefix,
            "slot.name": f"{slot}_tables"[:63],
            "publication.name": "tarmac_tables",
            "table.include.list": ",".join(
                re.escape(table if "." in table else f"public.{table}").replace("\\", "\\\\")
                for table in tables
            ),
            "decimal.handling.mode": "string",
        }
    return files


def find_home(environ: Mapping[str, str]) -> Path:
    """Return DEBEZIUM_HOME, or the newest that .ci/debezium brought. Raises MissingError."""
    given = environ.get("DEBEZIUM_HOME", "")
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = [Path(given)] if given else sorted((cache / "tarmac/programs").glob("debezium-*"))
    for home in reversed(found):
        if list(home.glob("libs/debezium-connector-postgres-*.jar")):
            return home
    raise MissingError(
        f"DEBEZIUM_HOME: no Debezium ({given or 'not set'}); run .ci/debezium and set "
        "DEBEZIUM_HOME to what it prints"
    )


def find_java() -> str:
    """Return the path of java. Raises MissingError."""
    found = shutil.which("java")
    if found is None:
        raise MissingError("java: not on PATH; install Java 17 or newer")
    return found


def write(data: Path, files: Mapping[str, Mapping[str, str]]) -> None:
    """Write the files, each for its owner alone."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, values in files.items():
        path = data / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{key}={value}\n" for key, value in values.items())


def not_running(environ: Mapping[str, str]) -> str:
    """Ask the worker; return which connector or task does not run, or nothing."""
    url = f"http://{environ.get('HOST', '127.0.0.1')}:{environ['PORT']}/connectors?expand=status"
    with urlopen(url, timeout=2) as answer:
        found = {name: connector["status"] for name, connector in json.load(answer).items()}
    wanted = ("outbox", "tables") if environ.get("CAPTURED_TABLES") else ("outbox",)
    for name in wanted:
        status = found.get(name, {"connector": {"state": "not there yet"}, "tasks": []})
        for part in (status["connector"], *status["tasks"]):
            if part["state"] != "RUNNING":
                return f"{name}: {part['state']} {part.get('trace', '')}".partition("\n")[0].strip()
        if not status["tasks"]:
            return f"{name}: no task yet"
    return ""


def main(environ: Mapping[str, str]) -> None:
    """Become the worker; ends with 2 for a wrong environment and 3 for what is not installed."""
    data = Path(environ.get("DEBEZIUM_DATA") or ".tarmac/debezium").absolute()
    try:
        files = settings(environ, data)
    except MissingError as error:
        sys.exit(_say(error, 2))
    try:
        home, java = find_home(environ), find_java()
    except MissingError as error:
        sys.exit(_say(error, 3))
    write(data, files)
    connectors = [
        str(data / name) for name in files if name in ("outbox.properties", "tables.properties")
    ]
    worker = "org.apache.kafka.connect.cli.ConnectStandalone"
    level = f"-Dlog4j2.level={environ.get('LOG_LEVEL', 'warn').upper()}"
    argv = [java, *JAVA, level, "-cp", f"{home}/libs/*", worker]
    os.execv(java, [*argv, str(data / "worker.properties"), *connectors])  # noqa: S606 - no shell


def _kafka(url: SplitResult) -> dict[str, str]:
    if url.scheme not in ("kafka", "kafkas"):
        raise MissingError(
            f"BROKER_URL: Debezium publishes to Kafka ({url.scheme} is bound); "
            "bind `broker: kafka`, or take services/capture"
        )
    port = url.port or (9093 if url.scheme == "kafkas" else 9092)
    client = {"bootstrap.servers": f"{url.hostname}:{port}"}
    encrypted = "SSL" if url.scheme == "kafkas" else "PLAINTEXT"
    if url.username:
        user, password = unquote(url.username), unquote(url.password or "")
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        client |= {
            "security.protocol": f"SASL_{encrypted}",
            "sasl.mechanism": "PLAIN",
            "sasl.jaas.config": f'{module} required username="{user}" password="{password}";',
        }
    else:
        client["security.protocol"] = encrypted
    return {
        f"{part}{key}": value
        for part in ("", "producer.", "admin.")
        for key, value in client.items()
    }


def _given(environ: Mapping[str, str], name: str) -> str:
    if not environ.get(name):
        raise MissingError(f"{name}: is not set; the system's file must bind it")
    return environ[name]


def _slot_of(database: str) -> str:
    """Return the slot that a kit service with OUTBOX_RELAY=capture looks at."""
    return f"tarmac_{re.sub(r'[^a-z0-9_]', '_', database.lower())}"[:63]


def _say(error: Exception, code: int) -> int:
    print(error, file=sys.stderr)
    return code


if __name__ == "__main__":
    if sys.argv[1:] == ["ready"]:
        try:
            sys.exit(not_running(os.environ) or 0)
        except OSError as error:
            sys.exit(f"the worker does not answer: {error}")
    main(os.environ)
