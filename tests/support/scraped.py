"""A real Prometheus that scrapes a running system as the rendered monitors have it done.

What a cluster adds to each target (namespace, pod, container, endpoint, service) is given to it as
the operator would give it. Panels and rules are then asked for real.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from free_ports import free_port
from prometheus_client.parser import text_string_to_metric_families

from tarmac.base import signals
from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.testing import System

#: So often that nobody waits long for the next one.
SCRAPE_S = 1
#: What Grafana puts in: four scrapes at least.
WINDOW = "1m"
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")


@dataclass(frozen=True)
class Target:
    """Somebody who is scraped: its job, and where."""

    job: str
    port: int


def targets(plan: ClusterPlan, system: System) -> list[Target]:
    """List the services with metrics, by where their first instances listen here."""
    found = [service.name for service in plan.services if service.metrics is not None]
    return [Target(name, int(system.env(name)["PORT"])) for name in found]


def exported(plan: ClusterPlan, system: System) -> dict[str, dict[str, Any]]:
    """Read what each service exports: family -> type, label names, bounds of buckets, who."""
    found: dict[str, dict[str, Any]] = {}
    for target in targets(plan, system):
        url = f"http://127.0.0.1:{target.port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        for family in text_string_to_metric_families(text):
            if not family.samples or family.name.endswith("_created"):
                continue
            counter = family.type == "counter"
            name = f"{family.name}_total" if counter else family.name
            entry = found.setdefault(
                name, {"type": family.type, "labels": set(), "buckets": set(), "by": set()}
            )
            entry["by"].add(target.job)
            for sample in family.samples:
                if sample.name.endswith("_created"):
                    continue
                entry["labels"] |= {frozenset(sample.labels) - {"le"}}
                bound = float(sample.labels.get("le", "inf"))
                entry["buckets"] |= {bound} if math.isfinite(bound) else set()
    return found


class Prometheus:
    """A server that runs here."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: str) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from None

    def ask(self, expr: str, at_s: float | None = None) -> list[float]:
        """Ask now, or of a moment; numbers that are none are no answer."""
        moment = {} if at_s is None else {"time": str(at_s)}
        found = self.get("query", query=expr.replace("$__rate_interval", WINDOW), **moment)
        values = [float(sample["value"][1]) for sample in found["result"]]
        return [value for value in values if not math.isnan(value)]


def rule_files(artifacts: tuple[Artifact, ...]) -> dict[str, Mapping[str, Any]]:
    """List the plain files of rules, by path."""
    return {
        artifact.path: artifact.data
        for artifact in artifacts
        if artifact.path.startswith("observability/rules/")
    }


def series_of(expr: str) -> set[str]:
    """List the catalogue's series that a query names."""
    return signals.read().keys() & set(_NAME.findall(expr))


@contextlib.contextmanager
def scraping(
    program: str,
    folder: Path,
    plan: ClusterPlan,
    found: list[Target],
    rules: Mapping[str, Any],
    every: str = f"{SCRAPE_S}s",
    retention: str = "15d",
) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes these and evaluates the rules."""
    jobs = [
        {
            "job_name": target.job,
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{target.port}"],
                    "labels": {
                        "namespace": plan.namespace,
                        "pod": f"{target.job}-0",
                        "container": target.job,
                        "endpoint": next(iter(plan.workload(target.job).ports)),
                        "service": target.job,
                    },
                }
            ],
        }
        for target in found
    ]
    with running(program, folder, jobs, rules, every, retention) as server:
        yield server


@contextlib.contextmanager
def running(
    program: str,
    folder: Path,
    jobs: list[dict[str, Any]],
    rules: Mapping[str, Any],
    every: str = f"{SCRAPE_S}s",
    retention: str = "15d",
) -> Iterator[Prometheus]:
    """Run a Prometheus with these jobs, written as its configuration has them, and rules."""
    names = []
    for number, data in enumerate(rules.values()):
        names.append(folder / f"rules-{number}.yaml")
        names[-1].write_text(yaml.safe_dump(dict(data)))
    config = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [str(name) for name in names],
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    argv = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--storage.tsdb.retention.time={retention}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        server = Prometheus(f"http://127.0.0.1:{port}")
        _wait_until_ready(server.url, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/-/ready", timeout=5):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"Prometheus does not start: {log.read_text()[-1000:]}")
        time.sleep(0.1)
