"""A collector, a store of traces and one of logs beside a system on one machine, as rendered.

The collector and Jaeger take their rendered configurations, on free ports. Jaeger, which starter's
cluster has, stands for Tempo too, and VictoriaLogs for Loki: the licences of both keep them out. In
the place of Alloy a second collector reads what each process of the system prints.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import built
import pytest
import yaml
from free_ports import free_port, free_ports
from rendered import artifact_of

READY_S = 60.0
PROGRAMS = {
    "otelcollector": "otelcollector-*/otelcollector",
    "jaeger": "jaeger-*/jaeger",
    "victoria": "victoria-*/victoria-logs",
}
VALUES = "observability/values"


@dataclass
class Server:
    """A program that listens on this machine, and can be started again."""

    argv: Sequence[str | Path]
    log: Path
    #: Answers once it is ready.
    ready: str
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.argv, stdout=out, stderr=out, env={**os.environ, **self.env}
            )
        end = time.monotonic() + READY_S
        while not self._answers():
            said = self.log.read_text(errors="replace")[-3000:]
            assert self.process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.1)

    def end(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.ready, timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 404  # a receiver has no page
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Stores:
    """The stores that run, and where spans are sent."""

    spans_to: str
    jaeger: str
    victoria: str
    logs: Server

    def services_of(self, trace: str) -> dict[str, list[dict[str, Any]]]:
        """Ask the store of traces for the spans of one, by the service that sent them."""
        return services_of(self.jaeger, trace)

    def lines(self, query: str) -> list[dict[str, Any]]:
        """Ask the store of logs, by LogsQL."""
        body = urllib.parse.urlencode({"query": query}).encode()
        with urllib.request.urlopen(f"{self.victoria}/select/logsql/query", body) as answer:
            return [json.loads(line) for line in answer]


def services_of(jaeger: str, trace: str) -> dict[str, list[dict[str, Any]]]:
    """Ask a Jaeger for the spans of a trace, by the service that sent them."""
    try:
        [found] = _read(f"{jaeger}/api/traces/{trace}")["data"]
    except (urllib.error.HTTPError, ValueError):
        return {}  # not yet
    names = {key: one["serviceName"] for key, one in found["processes"].items()}
    spans: dict[str, list[dict[str, Any]]] = {}
    for span in found["spans"]:
        tags = {tag["key"]: tag["value"] for tag in span["tags"]}
        spans.setdefault(names[span["processID"]], []).append({**span, "tags": tags})
    return spans


def _read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def program(name: str) -> Path:
    """Find a program; a test that has none is skipped and says so."""
    found = built.newest(PROGRAMS[name])
    if found is None:
        pytest.skip(f"there is no {name}: run .ci/{name} (`make tools`)")
    return found


@contextlib.contextmanager
def stores(folder: Path, system: str, environment: str) -> Iterator[Stores]:
    """Run the stores, and the collector of a rendered environment in front of one of them."""
    found = {name: program(name) for name in PROGRAMS}
    grpc, query, queries, health, kept = free_ports(5)
    ports = {"grpc": grpc, "query": query, "queries": queries, "health": health}
    settings = jaeger_at({name: f"127.0.0.1:{port}" for name, port in ports.items()})
    jaeger = Server(
        [found["jaeger"], f"--config={_written(folder / 'jaeger.yaml', settings)}"],
        folder / "jaeger.log",
        f"http://127.0.0.1:{query}/api/services",
    )
    logs = Server(
        [
            found["victoria"],
            f"-httpListenAddr=127.0.0.1:{kept}",
            f"-storageDataPath={folder / 'lines'}",
        ],
        folder / "victoria.log",
        f"http://127.0.0.1:{kept}/health",
    )
    config, sent = _collector(system, environment, grpc)
    argv = [found["otelcollector"], f"--config={_written(folder / 'collector.yaml', config)}"]
    collector = Server(
        argv,
        folder / "collector.log",
        f"http://127.0.0.1:{sent}/",
        {"MY_POD_IP": "127.0.0.1"},
    )
    with contextlib.ExitStack() as stack:
        for server in (jaeger, logs, collector):
            stack.callback(server.end)
            server.start()
        addresses = (f"http://127.0.0.1:{port}" for port in (sent, query, kept))
        yield Stores(*addresses, logs)


@contextlib.contextmanager
def reading(folder: Path, files: Path, into: Stores) -> Iterator[None]:
    """Send every line that processes write into files to the store of logs."""
    own = free_port()
    config = {
        "receivers": {
            "file_log": {
                "include": [f"{files}/*.log"],
                "start_at": "beginning",
                "include_file_name": True,
                "poll_interval": "200ms",
                "operators": [
                    # As the rendered stages of Alloy: each line's JSON, its trace, its own time.
                    {
                        "type": "regex_parser",
                        "regex": r"^(?P<at>\S+Z) (?P<line>.*)$",
                        "on_error": "send_quiet",
                    },
                    {
                        "type": "json_parser",
                        "if": 'attributes.line != nil and attributes.line startsWith "{"',
                        "parse_from": "attributes.line",
                        "on_error": "send_quiet",
                    },
                ],
            }
        },
        "exporters": {
            "otlp_http": {"logs_endpoint": f"{into.victoria}/insert/opentelemetry/v1/logs"}
        },
        "service": {
            "pipelines": {"logs": {"receivers": ["file_log"], "exporters": ["otlp_http"]}},
            "telemetry": _telemetry(own),
        },
    }
    argv = [program("otelcollector"), f"--config={_written(folder / 'agent.yaml', config)}"]
    agent = Server(argv, folder / "agent.log", f"http://127.0.0.1:{own}/metrics")
    try:
        agent.start()
        yield
    finally:
        agent.end()


def collector(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write the configuration of the chart's rendered values for a collector without the chart.

    What is null takes something away from the chart's own; the processor that adds a pod's labels
    is not in the collector that is built here.
    """
    config: dict[str, Any] = _without_null(copy.deepcopy(values["config"]))
    [pipeline] = config["service"]["pipelines"].values()
    pipeline["processors"].remove("k8s_attributes")
    return config


def _collector(system: str, environment: str, grpc: int) -> tuple[dict[str, Any], int]:
    """Write its rendered configuration for this machine; gives it with the port of its receiver."""
    values = artifact_of(system, environment, f"{VALUES}/opentelemetry-collector.yaml").data
    config = collector(values)
    sent, own = free_ports(2)
    protocols = config["receivers"]["otlp"]["protocols"]
    del protocols["grpc"]
    protocols["http"]["endpoint"] = protocols["http"]["endpoint"].replace("4318", str(sent))
    [exporter] = config["exporters"].values()
    exporter["endpoint"] = f"127.0.0.1:{grpc}"
    config["service"]["telemetry"] = _telemetry(own)
    return config, sent


def jaeger_at(addresses: Mapping[str, str]) -> dict[str, Any]:
    """Write the configuration of the chart's rendered values, at these addresses."""
    values = artifact_of("starter", "production", f"{VALUES}/jaeger.yaml").data
    config: dict[str, Any] = copy.deepcopy(values["userconfig"])
    at = {name: {"endpoint": address} for name, address in addresses.items()}
    config["receivers"]["otlp"]["protocols"]["grpc"] = at["grpc"]
    config["extensions"]["healthcheckv2"]["http"] = at["health"]
    config["extensions"]["jaeger_query"] |= {"http": at["query"], "grpc": at["queries"]}
    config["service"]["telemetry"] = {"metrics": {"level": "none"}}
    return config


def _telemetry(port: int) -> dict[str, Any]:
    at = {"host": "127.0.0.1", "port": port}
    return {"metrics": {"readers": [{"pull": {"exporter": {"prometheus": at}}}]}}


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(inner) for name, inner in value.items() if inner is not None}
    return value


def _written(file: Path, config: Mapping[str, Any]) -> Path:
    file.write_text(yaml.safe_dump(dict(config)))
    return file
