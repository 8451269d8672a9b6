"""Velero in the tests' cluster, as `velero install` writes it, with a store of objects beside it.

Its programs are in stand-ins for their images; versitygw is the store. Of what is rendered for AWS,
the store's address, the namespace, and how often are others here.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import kube_images
import standins
from cluster import Cluster
from cluster_node import HUB
from deployed import DeployedSystem
from docker_here import Docker
from objects import objects_of

GET = "there is no Velero, or no versitygw; run `make tools`"
NAMESPACE, WHERE = "velero", "--namespace=velero"
IMAGE, PLUGIN = "velero/velero:v1.18.3", "velero/velero-plugin-for-aws:v1.14.3"
PROGRAMS = ("velero", "velero-helper", "velero-restore-helper")
REGION, PORT = "us-east-1", 7070
#: What the environment asks for that a test cannot wait for: every six hours is each minute here.
EVERY_MINUTE = "* * * * *"


@dataclass(frozen=True)
class Programs:
    """What `make tools` has brought."""

    velero: Path
    store: Path


def programs() -> Programs | None:
    """Find them."""
    velero, store = built.newest("velero-v*/velero"), built.newest("versitygw-*/versitygw")
    return Programs(velero.parent, store) if velero and store else None


def install(cluster: Cluster, docker: Docker, found: Programs, scratch: Path) -> None:
    """Start the store of objects, and Velero with an agent on each node."""
    _make_images(docker, found, scratch)
    kube_images.deliver(cluster.nodes, docker, [IMAGE, PLUGIN], scratch)
    bucket = rendered("BackupStorageLocation")["spec"]["objectStorage"]["bucket"]
    user, password = "velero", secrets.token_hex(16)
    folder = scratch / "objects"
    (folder / bucket).mkdir(parents=True)
    credentials = scratch / "credentials"
    credentials.touch(0o600)
    credentials.write_text(
        f"[default]\naws_access_key_id={user}\naws_secret_access_key={password}\n"
    )
    cluster.hub.start(
        *("env", f"ROOT_ACCESS_KEY={user}", f"ROOT_SECRET_KEY={password}"),
        *(found.store, f"--port={HUB}:{PORT}", f"--region={REGION}", "posix", folder),
    )
    command = [
        *(found.velero / "velero", "install", "--dry-run", "--output=json"),
        *(f"--plugins={PLUGIN}", f"--image={IMAGE}"),
        *(f"--secret-file={credentials}", "--no-default-backup-location"),
        *("--use-node-agent", "--use-volume-snapshots=false"),
    ]
    env = {"HOME": str(scratch), "KUBECONFIG": str(cluster.kubeconfig), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)["items"]
    for one in made:
        if one["kind"] == "DaemonSet":
            volumes = one["spec"]["template"]["spec"]["volumes"]
            paths = {volume["name"]: volume.get("hostPath", {}) for volume in volumes}
            paths["host-pods"]["path"] = str(_show_pods(cluster))
            paths["host-plugins"]["path"] = str(cluster.folder)
    kinds = [one for one in made if one["kind"] == "CustomResourceDefinition"]
    cluster.apply(kinds)
    names = [f"customresourcedefinition/{kind['metadata']['name']}" for kind in kinds]
    cluster.kubectl("wait", *names, "--for=condition=Established", "--timeout=60s")
    cluster.apply([one for one in made if one["kind"] == "Namespace"])
    cluster.apply([one for one in made if one["kind"] not in ("Namespace", kinds[0]["kind"])])
    for told in ("deployment/velero", "daemonset/node-agent"):
        cluster.kubectl("rollout", "status", told, WHERE, "--timeout=180s")


def _show_pods(cluster: Cluster) -> Path:
    """Have the folder of pods at one path on each node; elsewhere it is each kubelet's own."""
    shown = cluster.folder / "pods"
    shown.mkdir()
    for node in cluster.nodes:
        own = node.machine.folder / "kubelet/pods"
        node.machine.run("mount", "--rbind", own, own)
        node.machine.run("mount", "--make-rshared", own)
        node.machine.run("mount", "--rbind", own, shown)
    return shown


def _make_images(docker: Docker, found: Programs, scratch: Path) -> None:
    root = scratch / "velero"
    for name in PROGRAMS:
        _put(found.velero / name, root / name)
    # Scratch space of the uploader.
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    standins.image(docker, IMAGE, root, "USER 65534", 'ENTRYPOINT ["/velero"]', "ENV HOME=/tmp")
    root, cache = scratch / "plugin", scratch / "packages"
    needed = (
        "libc6",
        "coreutils",
        "libselinux1",
        "libpcre2-8-0",
        "libacl1",
        "libattr1",
        "libgmp10",
    )
    standins.fetch(needed, cache)
    standins.unpack(needed, cache, root)
    _put(found.velero / "velero-plugin-for-aws", root / "plugins/velero-plugin-for-aws")
    entry = json.dumps(["cp", "/plugins/velero-plugin-for-aws", "/target/velero-plugin-for-aws"])
    standins.image(docker, PLUGIN, root, "USER 65534", f"ENTRYPOINT {entry}")


def _put(program: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, place)


def rendered(kind: str) -> dict[str, Any]:
    """Give what the shop's production has rendered for Velero."""
    (found,) = objects_of("shop", "production", kind)
    return dict(found)


def location() -> dict[str, Any]:
    """Give the rendered place of backups, with the address of the store that is here."""
    made = rendered("BackupStorageLocation")
    here = {"s3Url": f"http://{HUB}:{PORT}", "s3ForcePathStyle": "true", "region": REGION}
    spec = {**made["spec"], "config": {**made["spec"]["config"], **here}}
    return {**made, "spec": spec}


def schedule(system: DeployedSystem, *, every: str) -> dict[str, Any]:
    """Give the rendered schedule, of a namespace here; volumes are kept as files."""
    made = rendered("Schedule")
    template = {
        **made["spec"]["template"],
        "includedNamespaces": [system.namespace],
        "snapshotVolumes": False,
        "defaultVolumesToFsBackup": True,
    }
    template.pop("volumeSnapshotLocations", None)
    return {**made, "spec": {**made["spec"], "schedule": every, "template": template}}
