"""A registry beside the nodes of the tests' cluster, in the place of AWS's."""

from __future__ import annotations

import base64
from pathlib import Path

import cluster_node
import image_registry
from cluster import Cluster
from cluster_node import HUB
from docker_here import Docker
from image_registry import USER, WORD, Registry

PORT = 5443
#: In EKS a node's role and its kubelet's provider of credentials say who pulls.
HOSTS = """server = "https://{name}"
[host."https://{address}"]
  capabilities = ["pull", "resolve"]
  ca = "{ca}"
  [host."https://{address}".header]
    authorization = "Basic {word}"
"""


def begin(cluster: Cluster, home: Path, folder: Path) -> Registry:
    """Start an empty registry that this machine and the nodes reach."""
    address = f"{HUB}:{PORT}"
    made = image_registry.lay_out(
        home, folder, f"localhost:{cluster.hub.forward(HUB, PORT)}", address
    )
    cluster.hub.start(*image_registry.command(home, made), env=image_registry.ENV)
    image_registry.await_answer(made)
    return made


def stand_in(cluster: Cluster, registry: Registry, name: str) -> None:
    """Have all nodes ask this registry for images of another one."""
    word = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
    for node in cluster.nodes:
        folder = cluster_node.registries(node) / name
        folder.mkdir(exist_ok=True)
        (folder / "hosts.toml").touch(0o600)
        (folder / "hosts.toml").write_text(
            HOSTS.format(
                name=name, address=f"{HUB}:{PORT}", ca=registry.folder / "ca.crt", word=word
            )
        )


def push(registry: Registry, docker: Docker, image: str, repository: str, tag: str) -> None:
    """Push an image of the daemon."""
    argv = (
        "copy", f"--src-daemon-host=unix://{docker.socket}", f"--dest-creds={USER}:{WORD}",
        f"docker-daemon:{image}", f"docker://{registry.host}/{repository}:{tag}",
    )  # fmt: skip
    docker.run(*argv, program=str(registry.programs / "skopeo"), env=registry.env)
