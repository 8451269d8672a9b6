"""cert-manager in the tests' cluster, and the issuer that rendered Certificates there name.

It signs with an authority of the tests: how a public one is asked (ACME) is not shown by it.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import authority
import built
import kube_trees
import yaml
from cluster import Cluster
from cryptography.hazmat.primitives import serialization
from deployed import DeployedSystem

GET = "there is no cert-manager; run .ci/certmanager (`make tools`)"
#: The issuer's name, and where its key is.
ISSUER, NAMESPACE = "tests", "cert-manager"


def home() -> Path | None:
    """Find cert-manager's folder."""
    found = built.newest("certmanager-*/certmanager")
    return found.parent if found else None


def begin(cluster: Cluster, programs: Path) -> bytes:
    """Start it with its issuer; returns the certificate of its authority, as PEM."""
    kinds = [yaml.safe_load(file.read_text()) for file in (programs / "crds").glob("crd-*.yaml")]
    for kind in kinds:
        del kind["metadata"]["labels"]  # they are filled in by its chart
    cluster.apply([*kinds, kube_trees.namespace(NAMESPACE, {})])
    cluster.hub.start(
        programs / "certmanager",
        f"--kubeconfig={cluster.inside_kubeconfig()}",
        f"--cluster-resource-namespace={NAMESPACE}",
        "--leader-elect=false",
        "--v=1",
    )
    names = [f"customresourcedefinition/{kind['metadata']['name']}" for kind in kinds]
    cluster.kubectl("wait", *names, "--for=condition=Established", "--timeout=60s")
    return authorise(cluster)


def authorise(cluster: Cluster) -> bytes:
    """Make its issuer of a new authority; returns the authority's certificate, as PEM."""
    key, root = authority.new_authority()
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = root.public_bytes(pem)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": ISSUER, "namespace": NAMESPACE},
        "stringData": {
            "tls.crt": public.decode(),
            "tls.key": key.private_bytes(pem, *plain).decode(),
        },
    }
    issuer = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": ISSUER},
        "spec": {"ca": {"secretName": ISSUER}},
    }
    cluster.apply([secret, issuer])
    return public


def until_issued(system: DeployedSystem) -> None:
    """Wait until all rendered Certificates of a system are ready."""
    for one in system.rendered("Certificate"):
        name, space = one["metadata"]["name"], one["metadata"]["namespace"]
        what = ("wait", f"certificate/{name}", f"--namespace={space}", "--for=condition=Ready")
        system.cluster.kubectl(*what, "--timeout=120s")


def renew(system: DeployedSystem) -> None:
    """Have Certificates issued again, as cert-manager does after two thirds of their time."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    due = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "due"}
    for one in system.rendered("Certificate"):
        name, space = one["metadata"]["name"], f"--namespace={one['metadata']['namespace']}"
        found = system.cluster.read("certificate", name, space)
        said = [*found["status"]["conditions"], {**due, "lastTransitionTime": now}]
        patch = json.dumps({"status": {"conditions": said}})
        what = ("patch", "certificate", name, space, "--subresource=status", "--type=merge")
        system.cluster.kubectl(*what, f"--patch={patch}")
