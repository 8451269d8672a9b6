"""travel's secrets out of AWS Secrets Manager, by External Secrets and the rendered objects.

moto answers for AWS: it gives credentials for the role of each account, and asks no policy. No pod
of travel runs.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import built
import cluster_external_secrets
import cluster_helm
import emulated_aws
import kube_trees
import pytest
from cluster import Cluster
from cluster_node import HUB
from deployed import DeployedSystem
from emulated_aws import EmulatedAws
from objects import objects_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

ENVIRONMENT, ACCOUNT, REGION, PORT = "dev", "111111111111", "eu-west-1", 5555
KINDS = ("ServiceAccount", "SecretStore", "ExternalSecret")
GET = "there is no External Secrets, or no Helm; run `make tools`"


@dataclass(frozen=True)
class Synced:
    """A namespace whose Secrets come from a Secrets Manager."""

    system: DeployedSystem
    aws: EmulatedAws
    server: subprocess.Popen[bytes]
    #: What was written, by the name of the entry.
    entries: dict[str, str] = field(default_factory=dict)

    def write(self, call: str, entry: str, value: str) -> None:
        """Create an entry, or put another value into it."""
        name = {"create_secret": "Name", "put_secret_value": "SecretId"}[call]
        asked = ("secretsmanager", call, {name: entry, "SecretString": value})
        self.aws.ask(asked, region=REGION)
        self.entries[entry] = value

    def secret(self, name: str) -> dict[str, str]:
        """Read what a Secret holds."""
        held = self.system.read("secret", name)["data"]
        return {key: base64.b64decode(value).decode() for key, value in held.items()}

    def sooner(self, name: str) -> None:
        """Have an ExternalSecret look again after two seconds, and not after an hour."""
        soon = json.dumps({"spec": {"refreshInterval": "2s"}})
        self.system.k("patch", "externalsecret", name, "--type=merge", f"--patch={soon}")


def rendered(kind: str) -> list[dict[str, Any]]:
    """List the objects that are rendered of a kind."""
    return [dict(one) for one in objects_of("travel", ENVIRONMENT, kind)]


@pytest.fixture(scope="module")
def synced(nodes: Cluster, docker, tmp_path_factory) -> Iterator[Synced]:
    """Have External Secrets and what it reads beside the objects, with an entry for each name."""
    found = cluster_helm.programs(built.newest(cluster_external_secrets.PROGRAM))
    if found is None:
        pytest.skip(GET)
    python = emulated_aws.program()
    server = nodes.hub.start(
        *emulated_aws.served(python, HUB, PORT), env={"MOTO_ACCOUNT_ID": ACCOUNT}
    )
    url = f"http://{HUB}:{PORT}"
    endpoints = [
        {"name": f"AWS_{name}_ENDPOINT", "value": url} for name in ("SECRETSMANAGER", "STS")
    ]
    scratch = tmp_path_factory.mktemp("external-secrets")
    leads = f"--set-json=extraEnv={json.dumps(endpoints)}"
    cluster_external_secrets.install(nodes, docker, found.home, found.helm, scratch, leads)
    system = DeployedSystem.lay_out(nodes, "travel", tmp_path_factory.mktemp("travel"), ENVIRONMENT)
    aws = EmulatedAws(python, f"http://127.0.0.1:{nodes.hub.forward(HUB, PORT)}")
    emulated_aws.wait(server, aws.url, nodes.hub.folder / f"{python.name}.log")
    made = Synced(system, aws, server)
    wanted = {
        one["remoteRef"]["key"] for es in rendered("ExternalSecret") for one in es["spec"]["data"]
    }
    for number, entry in enumerate(sorted(wanted)):
        made.write("create_secret", entry, f"value{number}")
    nodes.apply(
        [kube_trees.namespace(system.namespace, {}), *(o for k in KINDS for o in rendered(k))]
    )
    yield made
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


def test_every_secret_is_filled_from_its_entries_by_its_account_s_role(synced: Synced):
    system = synced.system
    system.k("wait", "externalsecret", "--all", "--for=condition=Ready", "--timeout=120s")
    roles = {
        one["metadata"]["name"]: one["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
        for one in rendered("ServiceAccount")
    }
    for one in rendered("ExternalSecret"):
        spec = one["spec"]
        assert f":iam::{ACCOUNT}:role/" in roles[spec["secretStoreRef"]["name"]]
        held = synced.secret(spec["target"]["name"])
        assert held.keys() == spec["target"]["template"]["data"].keys()
        for entry in spec["data"]:
            value = synced.entries[entry["remoteRef"]["key"]]
            used = f'"{entry["secretKey"]}"' in json.dumps(spec["target"]["template"]).replace(
                "\\", ""
            )
            assert any(value in text for text in held.values()) == used


def test_a_value_that_is_rotated_is_in_its_secret_alone_at_the_next_look(synced: Synced):
    before = {one["metadata"]["name"]: one["data"] for one in synced.system.read("secret")["items"]}
    (entry,) = (name for name in synced.entries if name.endswith("/SESSION_SECRET"))
    synced.sooner("frontend-secrets")
    synced.write("put_secret_value", entry, "another-one")
    synced.system.until(
        lambda: synced.secret("frontend-secrets")["session-secret"] == "another-one"
    )
    after = {one["metadata"]["name"]: one["data"] for one in synced.system.read("secret")["items"]}
    assert {name for name in after if after[name] != before[name]} == {"frontend-secrets"}


def test_a_source_that_is_lost_is_told_and_takes_nothing_away(synced: Synced):
    held = synced.secret("frontend-secrets")
    synced.system.cluster.hub.stop(synced.server)
    failed = ("wait", "externalsecret/frontend-secrets", "--for=condition=Ready=False")
    synced.system.k(*failed, "--timeout=120s")
    assert synced.secret("frontend-secrets") == held
