"""The lines of every pod of a system in one store, read from the nodes' files by an agent.

VictoriaLogs and its agent stand for Loki and Alloy, which are rendered (`cluster_logs`).
"""

from __future__ import annotations

import contextlib
import urllib.request
import uuid
from collections.abc import Iterator

import cluster_logs
import pytest
from cluster_logs import LogStore
from deployed import DeployedSystem

pytestmark = [
    pytest.mark.servers,
    pytest.mark.timeout(1500),
    pytest.mark.parametrize("alone", ["starter"], indirect=True),
]

#: A service that answers everybody, and what it is asked.
SERVICE, PATH = "user-service", "/.well-known/jwks.json"
POD, CONTAINER = "kubernetes.pod_name", "kubernetes.container_name"


@pytest.fixture(scope="module")
def logs(alone: DeployedSystem, docker, tmp_path_factory) -> Iterator[LogStore]:
    """Keep the lines of all pods of the cluster."""
    found = cluster_logs.home()
    if found is None:
        pytest.skip(cluster_logs.GET)
    yield cluster_logs.install(alone.cluster, found, docker, tmp_path_factory.mktemp("logs"))
    alone.cluster.kubectl("delete", "namespace", cluster_logs.NAMESPACE)


def of(system: DeployedSystem) -> str:
    return f'kubernetes.pod_namespace:="{system.namespace}"'


def written(system: DeployedSystem) -> set[tuple[str, str]]:
    """List the containers that have written a line, by the cluster's own account."""
    found = set()
    for pod in system.pods():
        name = pod["metadata"]["name"]
        for container in pod["spec"]["containers"]:
            given = (name, f"--container={container['name']}", "--tail=1")
            if system.k("logs", *given, check=False).strip():
                found.add((name, container["name"]))
    return found


def test_one_query_has_lines_of_every_pod_on_every_node(alone: DeployedSystem, logs: LogStore):
    wanted = written(alone)
    assert {container for _, container in wanted} >= {SERVICE}
    assert len({pod["spec"]["nodeName"] for pod in alone.pods()}) > 1
    query = f"{of(alone)} | uniq by ({POD}, {CONTAINER})"

    def kept() -> bool:
        return wanted <= {(row[POD], row[CONTAINER]) for row in logs.ask(query)}

    alone.until(kept)


def test_a_requests_lines_are_found_by_its_trace_and_outlive_the_stores_pod(
    alone: DeployedSystem, logs: LogStore
):
    trace = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    request = urllib.request.Request(f"{alone.url(SERVICE)}{PATH}", headers=headers)

    def answered() -> bool:
        # A connection through a pod that was just replaced is closed.
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=30) as answer:
            return bool(answer.status == 200)
        return False

    alone.until(answered)
    query = f'{of(alone)} trace_id:="{trace}" event:="request"'
    alone.until(lambda: bool(logs.ask(query)))
    (line,) = logs.ask(query)
    assert line["kubernetes.pod_labels.app.kubernetes.io/name"] == SERVICE
    assert (line["service"], line["path"], line["status"]) == (SERVICE, PATH, "200")
    counted = f"{of(alone)} | count() lines"
    (before,) = logs.ask(counted)
    logs.replace_pod()
    alone.until(logs.answers)
    alone.until(lambda: bool(logs.ask(query)))
    assert logs.ask(query) == [line]
    (after,) = logs.ask(counted)
    assert int(after["lines"]) >= int(before["lines"]) > 0
