"""Datadog's test agent on loopback, which keeps what it is sent, and a system with its library.

`.ci/datadog` brings both. The library is found by each service as in a cluster, where the injection
puts its folder in front of the packages of Python.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import pytest
import yaml
from free_ports import free_ports
from rendered import ROOT

READY_S = 60.0
GET = "no test agent of Datadog here: have .ci/datadog bring it"


@dataclass(frozen=True)
class DatadogAgent:
    """A test agent that runs, and the library that sends to it."""

    url: str
    otlp: str
    library: Path

    def traces(self) -> list[list[dict[str, Any]]]:
        """List the spans of Datadog's own library, chunk by chunk."""
        found: list[list[dict[str, Any]]] = _read(f"{self.url}/test/traces")
        return found

    def received_by_otlp(self) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
        """Yield each span that came by OTLP, with what it says of its sender."""
        for sent in _read(f"{self.otlp}/test/session/traces"):
            for group in sent["resourceSpans"]:
                said = {one["key"]: one["value"] for one in group["resource"]["attributes"]}
                sender = {name: str(next(iter(value.values()))) for name, value in said.items()}
                for scope in group["scopeSpans"]:
                    yield from ((sender, span) for span in scope["spans"])


@contextlib.contextmanager
def datadog_agent(log: Path) -> Iterator[DatadogAgent]:
    """Start one on free ports; it ends with the context."""
    python = built.newest("datadog-*/env/bin/python")
    if python is None:
        pytest.skip(GET)
    own, http, grpc = free_ports(3)
    ports = {"--port": own, "--otlp-http-port": http, "--otlp-grpc-port": grpc}
    main = "from ddapm_test_agent.agent import main; main()"
    command = [str(python), "-c", main, *(f"{name}={port}" for name, port in ports.items())]
    with log.open("wb") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent)
    library = python.parents[2] / "library"
    agent = DatadogAgent(f"http://127.0.0.1:{own}", f"http://127.0.0.1:{http}", library)
    try:
        end = time.monotonic() + READY_S
        while not _answers(agent):
            assert started.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < end, f"no answer in {READY_S:.0f} s"
            time.sleep(0.1)
        yield agent
    finally:
        started.terminate()
        started.wait()


def instrumented(name: str, folder: Path, agent: DatadogAgent, env: Mapping[str, str]) -> Path:
    """Write a system whose services run under Datadog's library; return its file.

    Args:
        name: a system of this repository.
        folder: where the copy comes; its services' code stays where it is.
        agent: who is told.
        env: what all services are given besides.
    """
    shutil.copytree(ROOT / "systems" / name, folder / name)
    file = folder / name / "tarmac.yaml"
    model = yaml.safe_load(file.read_text().replace("../../services", str(ROOT / "services")))
    del model["environments"]
    # What the injection of a cluster gives a container.
    library = (agent.library / "ddtrace/bootstrap", agent.library)
    model["env"] |= {
        "PYTHONPATH": os.pathsep.join(map(str, library)),
        "DD_TRACE_AGENT_URL": agent.url,
        "DD_ENV": "production",
        # Of the agent's other questions none is asked here.
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
        **env,
    }
    for service, own in model["services"].items():
        own.setdefault("env", {})["DD_SERVICE"] = service
    file.write_text(yaml.safe_dump(model, sort_keys=False))
    return file


def _answers(agent: DatadogAgent) -> bool:
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        _read(f"{agent.otlp}/test/session/traces")
        return bool(_read(f"{agent.url}/info"))
    return False


def _read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)
