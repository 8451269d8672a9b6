"""Services on a database of RDS, by what Terraform or Pulumi writes about it.

Terraform writes the entries of trading and starter to moto; hello-dd's are those that its Pulumi
program asks for when it is run against mocks. External Secrets composes the Secrets of them in the
cluster, the set-up's Job makes the user, and a service migrates and is ready. In the place of RDS
there is a PostgreSQL in a pod, whose administrator is not a superuser; its name is in the pods'
hosts files, as the VPC's DNS is not here, and it has no TLS. moto asks no policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import cluster_external_secrets
import cluster_helm
import emulated_aws
import kube_images
import kube_trees
import pulumi_mocked
import pytest
from cluster import Cluster
from cluster_node import HUB
from deployed import DeployedSystem
from emulated_aws import ACCOUNT, EmulatedAws
from objects import objects_of
from rendered import plan_of
from terraformed import Terraform, tree

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

ENVIRONMENT, PORT = "production", 5556
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
class Managed:
    """A service of a system, and the store that RDS has for it."""

    system: str
    store: str
    service: str

    @property
    def under(self) -> str:
        """Where the server's entries are."""
        return f"{self.system}/{ENVIRONMENT}/servers/rds"

    @property
    def server(self) -> str:
        """The namespace and the pod of what stands for RDS."""
        return f"rds-of-{self.system}"

    def rendered(self, kind: str, of: str) -> list[dict[str, Any]]:
        """List the objects of a kind that belong to a workload."""
        return [
            json.loads(json.dumps(one))
            for one in objects_of(self.system, ENVIRONMENT, kind)
            if one["metadata"]["labels"]["app.kubernetes.io/name"] == of
        ]


BY_TERRAFORM = (
    Managed("trading", "portfolio-db", "portfolio-service"),
    Managed("starter", "orders-db", "order-service"),
)
BY_PULUMI = Managed("hello-dd", "gateway-db", "api-gateway")


@dataclass(frozen=True)
class OnManaged:
    """The namespace, and where the endpoint's name leads."""

    of: Managed
    system: DeployedSystem
    host: str
    address: str

    def led(self, found: dict[str, Any]) -> dict[str, Any]:
        """Have an object's pods find the endpoint, and their images as they are called here."""
        pod = found["spec"]["template"]["spec"]
        pod["hostAliases"] = [{"ip": self.address, "hostnames": [self.host]}]
        here = {self.of.service: plan_of(self.of.system, "kind").workload(self.of.service).image}
        for container in pod["containers"]:
            container["image"] = here.get(pod["serviceAccountName"], container["image"])
            for variable in container.get("env", ()):
                if variable["name"] == "PGSSLMODE":
                    variable["value"] = "prefer"
        return found


def server(name: str, image: str) -> list[dict[str, Any]]:
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
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "readinessProbe": {"exec": {"command": ["pg_isready", "--quiet", "--host=127.0.0.1"]}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    spec = {
        "securityContext": {"runAsUser": 999, "fsGroup": 999},
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    metadata = {"name": name, "namespace": name}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return [kube_trees.namespace(name, {}), pod]


@pytest.fixture(scope="module")
def secrets_manager(nodes: Cluster, docker, tmp_path_factory) -> EmulatedAws:
    """Have moto beside the nodes, and External Secrets in the cluster that asks it."""
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
    endpoints = [
        {"name": f"AWS_{name}_ENDPOINT", "value": f"http://{HUB}:{PORT}"}
        for name in ("SECRETSMANAGER", "STS")
    ]
    leads = f"--set-json=extraEnv={json.dumps(endpoints)}"
    scratch = tmp_path_factory.mktemp("external-secrets")
    cluster_external_secrets.install(nodes, docker, found.home, found.helm, scratch, leads)
    return aws


def applied(system: str, aws: EmulatedAws, folder: Path) -> None:
    """Have Terraform make a system's database and write its entries."""
    root = tree(system, ENVIRONMENT, folder)
    emulated_aws.fit(root, state_here=True)
    terraform = Terraform.of(root, **aws.env)
    terraform.run("init", "-input=false")
    terraform.run("apply", "-input=false", "-auto-approve", "-var=protected=false", *ONLY)


def asked_by_pulumi(system: str, aws: EmulatedAws, folder: Path) -> None:
    """Write the entries that a Pulumi program asks for."""
    preview = pulumi_mocked.preview_of(system, ENVIRONMENT, folder)
    aws.ask(
        *(
            (
                "secretsmanager",
                "create_secret",
                {"Name": name, "SecretString": pulumi_mocked.plain(value["secretString"])},
            )
            for name, value in preview.of("secretsmanager/secretVersion:SecretVersion").items()
        )
    )


@pytest.fixture(scope="module", params=(*BY_TERRAFORM, BY_PULUMI), ids=lambda one: one.system)
def managed(
    request, nodes: Cluster, docker, images, secrets_manager: EmulatedAws, tmp_path_factory
) -> Iterator[OnManaged]:
    """Have the entries written, the server there, and what comes before a pod applied."""
    of: Managed = request.param
    secrets_manager.empty()
    write = asked_by_pulumi if of == BY_PULUMI else applied
    write(of.system, secrets_manager, tmp_path_factory.mktemp("entries"))
    host, password = (
        held["SecretString"]
        for held in secrets_manager.ask(
            ("secretsmanager", "get_secret_value", {"SecretId": f"{of.under}/host"}),
            ("secretsmanager", "get_secret_value", {"SecretId": f"{of.under}/admin-1"}),
        )
    )
    scratch = tmp_path_factory.mktemp("images")
    kube_images.of(images, of.system, "kind")
    own = {one: plan_of(of.system, "kind").workload(one).image for one in (of.store, of.service)}
    kube_images.deliver(nodes.nodes, docker, own.values(), scratch)
    nodes.apply(server(of.server, own[of.store]))
    k = f"--namespace={of.server}"
    nodes.kubectl(k, "wait", f"pod/{of.server}", "--for=condition=Ready", "--timeout=120s")
    psql = ("psql", "--host=127.0.0.1", "--username=rdsadmin", "--dbname=rdsadmin")
    inside = ("exec", "--stdin", of.server, "--", "env", "PGPASSWORD=of-amazon")
    nodes.kubectl(k, *inside, *psql, given=ADMINISTRATOR.format(password=password))
    address = nodes.read(k, "pod", of.server)["status"]["podIP"]
    folder = tmp_path_factory.mktemp(of.system)
    system = DeployedSystem.lay_out(nodes, of.system, folder, ENVIRONMENT)
    first = [
        one
        for owner in (of.store, of.service)
        for kind in FIRST
        for one in of.rendered(kind, owner)
    ]
    nodes.apply([kube_trees.namespace(system.namespace, {}), *first])
    yield OnManaged(of, system, host, address)
    nodes.kubectl("delete", "namespace", system.namespace, of.server, "--wait=false")


def test_the_set_up_makes_the_user_and_the_service_migrates_and_is_ready(managed: OnManaged):
    system, of = managed.system, managed.of
    system.k("wait", "externalsecret", "--all", "--for=condition=Ready", "--timeout=120s")
    for owner in (of.store, of.service):
        [job] = of.rendered("Job", owner)
        system.cluster.apply([managed.led(job)])
        name = f"job/{job['metadata']['name']}"
        system.k("wait", name, "--for=condition=Complete", "--timeout=180s")
    [service] = of.rendered("Deployment", of.service)
    service["spec"]["replicas"] = 1
    system.cluster.apply([managed.led(service)])
    system.k("rollout", "status", f"deployment/{of.service}", "--timeout=180s")
