"""trading's portfolio-service on a database whose address and password came from Terraform.

Terraform writes its entries to moto, External Secrets composes the Secrets of them in the cluster,
the set-up's Job makes the user, and the service migrates and is ready. In the place of RDS there is
a PostgreSQL in a pod, whose administrator is not a superuser; its name is in the pods' hosts files,
as the VPC's DNS is not here, and it has no TLS. moto asks no policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import built
import cluster_external_secrets
import cluster_helm
import emulated_aws
import kube_images
import kube_trees
import pytest
from cluster import Cluster
from cluster_node import HUB
from deployed import DeployedSystem
from emulated_aws import ACCOUNT, EmulatedAws
from objects import objects_of
from rendered import plan_of
from terraformed import Terraform, tree

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

PORT = 5556
STORE, SERVICE, SERVER = "portfolio-db", "portfolio-service", "stands-for-rds"
UNDER = "trading/production/servers/rds"
#: What is there before a pod is.
FIRST = ("ServiceAccount", "ConfigMap", "SecretStore", "ExternalSecret")
ONLY = ("-target=module.postgres", "-target=module.password", "-target=module.address")
#: What RDS is at first, but for its names: an administrator who makes databases and roles.
ADMINISTRATOR = """
CREATE ROLE postgres LOGIN CREATEDB CREATEROLE PASSWORD '{password}';
ALTER DATABASE postgres OWNER TO postgres;
ALTER DATABASE template1 OWNER TO postgres;
COPY (SELECT 'host all all all scram-sha-256') TO PROGRAM 'cat >> "$PGDATA/pg_hba.conf"';
SELECT pg_reload_conf();
"""


@dataclass(frozen=True)
class OnManaged:
    """The namespace, and where the endpoint's name leads."""

    system: DeployedSystem
    host: str
    address: str

    def led(self, found: dict[str, Any]) -> dict[str, Any]:
        """Have an object's pods find the endpoint, and their images as they are called here."""
        pod = found["spec"]["template"]["spec"]
        pod["hostAliases"] = [{"ip": self.address, "hostnames": [self.host]}]
        here = {SERVICE: plan_of("trading", "kind").workload(SERVICE).image}
        for container in pod["containers"]:
            container["image"] = here.get(pod["serviceAccountName"], container["image"])
            for variable in container.get("env", ()):
                if variable["name"] == "PGSSLMODE":
                    variable["value"] = "prefer"
        return found


def rendered(kind: str, of: str) -> list[dict[str, Any]]:
    """List the objects of a kind that belong to a workload."""
    return [
        json.loads(json.dumps(one))
        for one in objects_of("trading", "production", kind)
        if one["metadata"]["labels"]["app.kubernetes.io/name"] == of
    ]


def server(image: str) -> list[dict[str, Any]]:
    """Make what stands for RDS: its superuser is not the administrator that is known outside."""
    env = {
        "POSTGRES_USER": "rdsadmin",
        "POSTGRES_PASSWORD": "of-amazon",
        "POSTGRES_DB": "rdsadmin",
        "POSTGRES_INITDB_ARGS": "--locale=C.UTF-8 --encoding=UTF8",
        "PGDATA": "/data/own",
    }
    container = {
        "name": "server",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-c", "unix_socket_directories=/tmp"],
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "readinessProbe": {"exec": {"command": ["pg_isready", "--quiet", "--host=127.0.0.1"]}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    spec = {
        "securityContext": {"runAsUser": 999, "fsGroup": 999},
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    metadata = {"name": SERVER, "namespace": SERVER}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return [kube_trees.namespace(SERVER, {}), pod]


@pytest.fixture(scope="module")
def managed(nodes: Cluster, docker, images, tmp_path_factory) -> Iterator[OnManaged]:
    """Have the entries written, the server there and External Secrets beside it."""
    found = cluster_helm.programs(built.newest(cluster_external_secrets.PROGRAM))
    if found is None:
        pytest.skip("there is no External Secrets, or no Helm; run `make tools`")
    python = emulated_aws.program()
    moto = nodes.hub.start(
        *emulated_aws.served(python, HUB, PORT),
        env={"MOTO_ACCOUNT_ID": ACCOUNT, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
    )
    aws = EmulatedAws(python, f"http://127.0.0.1:{nodes.hub.forward(HUB, PORT)}")
    emulated_aws.wait(moto, aws.url, nodes.hub.folder / f"{python.name}.log")
    root = tree("trading", "production", tmp_path_factory.mktemp("terraform"))
    emulated_aws.fit(root)
    with (root / "emulator_override.tf").open("a") as more:
        more.write('terraform {\n  backend "local" {}\n}\n')
    terraform = Terraform.of(root, **aws.env)
    terraform.run("init", "-input=false")
    terraform.run("apply", "-input=false", "-auto-approve", "-var=protected=false", *ONLY)
    host, password = (
        held["SecretString"]
        for held in aws.ask(
            ("secretsmanager", "get_secret_value", {"SecretId": f"{UNDER}/host"}),
            ("secretsmanager", "get_secret_value", {"SecretId": f"{UNDER}/admin-1"}),
        )
    )
    scratch = tmp_path_factory.mktemp("external-secrets")
    endpoints = [
        {"name": f"AWS_{name}_ENDPOINT", "value": f"http://{HUB}:{PORT}"}
        for name in ("SECRETSMANAGER", "STS")
    ]
    leads = f"--set-json=extraEnv={json.dumps(endpoints)}"
    cluster_external_secrets.install(nodes, docker, found.home, found.helm, scratch, leads)
    kube_images.deliver(nodes.nodes, docker, kube_images.of(images, "trading", "kind"), scratch)
    image = plan_of("trading", "kind").workload(STORE).image
    nodes.apply(server(image))
    inside = (f"--namespace={SERVER}", "exec", "--stdin", SERVER, "--")
    nodes.kubectl(
        f"--namespace={SERVER}", "wait", f"pod/{SERVER}", "--for=condition=Ready", "--timeout=120s"
    )
    psql = ("psql", "--host=127.0.0.1", "--username=rdsadmin", "--dbname=rdsadmin")
    said = ADMINISTRATOR.format(password=password)
    nodes.kubectl(*inside, "env", "PGPASSWORD=of-amazon", *psql, given=said)
    address = nodes.read(f"--namespace={SERVER}", "pod", SERVER)["status"]["podIP"]
    folder = tmp_path_factory.mktemp("trading")
    system = DeployedSystem.lay_out(nodes, "trading", folder, "production")
    nodes.apply(
        [
            kube_trees.namespace(system.namespace, {}),
            *(one for of in (STORE, SERVICE) for kind in FIRST for one in rendered(kind, of)),
        ]
    )
    yield OnManaged(system, host, address)
    nodes.kubectl("delete", "namespace", system.namespace, SERVER, "--wait=false")


def test_the_set_up_makes_the_user_and_the_service_migrates_and_is_ready(managed: OnManaged):
    system = managed.system
    system.k("wait", "externalsecret", "--all", "--for=condition=Ready", "--timeout=120s")
    for of in (STORE, SERVICE):
        [job] = rendered("Job", of)
        system.cluster.apply([managed.led(job)])
        name = f"job/{job['metadata']['name']}"
        system.k("wait", name, "--for=condition=Complete", "--timeout=180s")
    [service] = rendered("Deployment", SERVICE)
    service["spec"]["replicas"] = 1
    system.cluster.apply([managed.led(service)])
    system.k("rollout", "status", f"deployment/{SERVICE}", "--timeout=180s")
