"""Argo Rollouts in the tests' cluster, a Prometheus that it asks, and builds for it to try.

Debian's Prometheus finds no pods by itself: what the operator would have it find by the rendered
ServiceMonitors is written into a file again and again, and scraped more often than they say, so
that a trial takes a minute. Nothing divides requests by routes.
"""

from __future__ import annotations

import contextlib
import json
import re
import string
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import built
import cluster_helm
import cluster_prometheus
import kube_images
import kube_trees
import yaml
from cluster import Cluster
from deployed import DeployedSystem
from docker_here import Docker

from tarmac.base.report import Skip
from tarmac.check.gates.views.programs import find

MANIFESTS = Path(__file__).parents[1] / "cluster" / "trials.yaml"
GET = "there is no Argo Rollouts, or no Prometheus; run `make tools`"
SERVICE = "pricing-service"
#: What the environment says of trials: a step takes a quarter of a minute and more.
TRIED = f"""\
    rollout:
      {{by: argo, services: [{SERVICE}], weights: [25, 50], every: 15s, failures: 2, p99: 500ms}}
"""
#: How often what is to be scraped is found.
FIND_S = 2.0
CONFIG = {
    "global": {"scrape_interval": "3s", "scrape_timeout": "3s"},
    "scrape_configs": [
        {
            "job_name": "monitored",
            "file_sd_configs": [
                {"files": ["/etc/prometheus/targets.json"], "refresh_interval": "2s"}
            ],
        }
    ],
}
#: In which container requests are made, and what makes them until its input ends.
IN_GATEWAY = ("deployment/api-gateway", "--container=api-gateway", "--")
ASKS = """
import collections, http.client, json, sys, threading, urllib.request
def ask(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
answers = collections.Counter()
while not ended.wait(0.05):
    ask("http://pricing-service:8082/prices")
    answers[ask("http://127.0.0.1:8083/offers")] += 1
print(json.dumps(answers))
"""
SPACES = ("argo-rollouts", "monitoring")
#: New versions of a service, and what each does before it does what the one before does.
DEFECTS = {
    "good": "pass",
    "failing": "raise RuntimeError('a defect of this build')",
    "slow": "await asyncio.sleep({slow_s:g})",
}
SERVE = string.Template("""\
import asyncio, runpy
from $MODULE import $KIND
before = $KIND.$METHOD
async def changed(self, *args, **more):
    $DEFECT
    return await before(self, *args, **more)
$KIND.$METHOD = changed
runpy.run_module("tarmac_kit.serve", run_name="__main__")
""")


def programs() -> tuple[Path, Path] | None:
    """Find the folder of Argo Rollouts, and Prometheus."""
    found = built.newest("rollouts-*/rollouts")
    try:
        return (found.parent, Path(find("prometheus")).resolve()) if found else None
    except Skip:
        return None


def bring_versions(
    cluster: Cluster, docker: Docker, image: str, changed: str, slow_s: float, folder: Path
) -> None:
    """Build the versions on a service's image, and give each node them.

    Args:
        changed: the method that each changes: `module.Class.method`.
        slow_s: how long the slow one waits.
        folder: for what they are built of.
    """
    repository = image.partition(":")[0]
    module, kind, method = changed.rsplit(".", 2)
    tags = []
    for version, defect in DEFECTS.items():
        context = folder / version
        context.mkdir(parents=True)
        wrong = defect.format(slow_s=slow_s)
        program = SERVE.substitute(MODULE=module, KIND=kind, METHOD=method, DEFECT=wrong)
        (context / "serve.py").write_text(program)
        entry = json.dumps(["/usr/bin/python3", "/version/serve.py"])
        lines = (f"FROM {image}", "COPY serve.py /version/serve.py", f"ENTRYPOINT {entry}")
        (context / "Dockerfile").write_text("\n".join(lines))
        tags.append(f"{repository}:{version}")
        docker.run("build", "--tag", tags[-1], str(context))
    kube_images.deliver(cluster.nodes, docker, tags, folder)


@contextlib.contextmanager
def running(
    system: DeployedSystem, found: tuple[Path, Path], runtime: str, folder: Path
) -> Iterator[None]:
    """Run both, ready, as long as the block lasts.

    Args:
        found: what `programs` gives.
        runtime: an image with what Prometheus is linked to.
        folder: for what Prometheus reads.
    """
    rollouts, prometheus = found
    cluster = system.cluster
    kinds = [
        *(rollouts / "crds").glob("*-crd.yaml"),
        rollouts / "role/argo-rollouts-clusterrole.yaml",
    ]
    given: list[Any] = [kube_trees.namespace(name, {}) for name in SPACES]
    given += [one for file in kinds for one in yaml.safe_load_all(file.read_text()) if one]
    text = string.Template(MANIFESTS.read_text()).substitute(
        ROLLOUTS=rollouts, PROMETHEUS=prometheus.parent, RUNTIME=runtime, FOLDER=folder
    )
    folder.chmod(0o755)  # it is read by a user of the image's own
    (folder / "prometheus.yml").write_text(yaml.safe_dump(CONFIG))
    ended = threading.Event()
    finding = threading.Thread(target=_find, args=(system, folder, ended))
    finding.start()
    own = list(yaml.safe_load_all(text))
    try:
        _take_away_operator(cluster)
        cluster.apply([*given, *own])
        for name, space in (("argo-rollouts", SPACES[0]), ("prometheus", SPACES[1])):
            where = f"--namespace={space}"
            what = ("rollout", "status", f"deployment/{name}", where, "--timeout=200s")
            try:
                cluster.kubectl(*what)
            except AssertionError as error:
                seen = cluster.kubectl("get", "pods,events", where, "--output=wide", check=False)
                raise AssertionError(f"{error}\n{seen[-4000:]}") from error
        yield
    finally:
        ended.set()
        finding.join()
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": own})
        cluster.kubectl("delete", "--ignore-not-found", "--filename=-", given=listed)


def _take_away_operator(cluster: Cluster) -> None:
    """Have the address of Prometheus for these programs, if another test has left an operator."""
    if helm := cluster_helm.program():
        cluster_helm.uninstall(cluster, helm, cluster_prometheus.RELEASE, SPACES[1])
    service = ("service", "prometheus-operated", f"--namespace={SPACES[1]}")
    cluster.kubectl("delete", *service, "--ignore-not-found")


def _find(system: DeployedSystem, folder: Path, ended: threading.Event) -> None:
    """Write down what is to be scraped, as it changes."""
    monitors = system.rendered("ServiceMonitor")
    while not ended.wait(FIND_S):
        try:
            found = system.read("services,endpointslices,pods")["items"]
        except AssertionError:  # the server does not answer for a moment
            continue
        text = json.dumps([target for one in monitors for target in targets(one, found)])
        written = folder / "targets.new"
        written.write_text(text)
        written.replace(folder / "targets.json")


def targets(
    monitor: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield what a ServiceMonitor selects, with the labels that the operator has put to it."""
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    ports = {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]}
    by_kind: dict[str, dict[str, Any]] = {}
    for one in objects:
        by_kind.setdefault(one["kind"], {})[one["metadata"]["name"]] = one
    services = by_kind.get("Service", {}).values()
    chosen = {
        one["metadata"]["name"]
        for one in services
        if wanted <= one["metadata"].get("labels", {}).items()
    }
    for listed in by_kind.get("EndpointSlice", {}).values():
        service = listed["metadata"]["labels"].get("kubernetes.io/service-name")
        for port in listed.get("ports") or () if service in chosen else ():
            for endpoint in listed.get("endpoints") or () if port["name"] in ports else ():
                pod = by_kind.get("Pod", {}).get(endpoint["targetRef"]["name"])
                if pod is not None:
                    yield {
                        "targets": [f"{endpoint['addresses'][0]}:{port['port']}"],
                        "labels": {
                            "namespace": listed["metadata"]["namespace"],
                            "service": service,
                            "endpoint": port["name"],
                            "pod": pod["metadata"]["name"],
                            "container": pod["spec"]["containers"][0]["name"],
                        },
                    }


def choose(system: DeployedSystem, service: str, version: str) -> None:
    """Name a service's version in the system's file, whatever a test before left there."""
    text = re.sub(r"    images: .*\n", "", system.file.read_text())
    line = f"    images: {{{service}: {version}}}\n"
    system.file.write_text(text.replace("  kind:\n", f"  kind:\n{line}", 1))


@contextlib.contextmanager
def visited(system: DeployedSystem) -> Iterator[Counter[str]]:
    """Have offers and prices asked for, each over a new connection, as long as the block lasts.

    From the gateway's own pod: policies may let nothing else ask. What offers came to is counted in
    what the block is given, at its end.
    """
    command = system.kubectl("exec", "--stdin", *IN_GATEWAY, "python3", "-c", ASKS)
    answers: Counter[str] = Counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        try:
            yield answers
        finally:
            counted, _ = asking.communicate()
    assert asking.returncode == 0, "the pod from which was asked has ended"
    answers.update(json.loads(counted))
