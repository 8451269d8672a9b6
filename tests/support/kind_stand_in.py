"""What the scripts for Kind call, with the tests' cluster in the place of one that Kind makes.

kubectl, curl and Docker's daemon are real. `kind` answers for the cluster that is there, and gives
images to its nodes; `docker build` begins with the stand-ins of the public images.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import standins
from cluster import Cluster
from cluster_node import TAKE
from docker_here import Docker

KIND = """#!/bin/bash
# What it is asked is noted: a script that makes a second cluster is seen.
set -euo pipefail
echo "$*" >>{calls}
case "$1 $2" in
"get clusters") echo {name} ;;
"export kubeconfig")
    [ "$5" = --kubeconfig ]
    cp {kubeconfig} "$6"
    ;;
"load docker-image")
    {docker} save --output {scratch}/image.tar "$3"
    {take}
    rm {scratch}/image.tar
    ;;
*)
    echo "kind $*: the cluster of the tests cannot do this" >&2
    exit 1
    ;;
esac
"""
DOCKER = """#!/bin/bash
{exports}
if [ "$1" = build ]; then
    shift
    set -- build --network host --build-arg {builder} --build-arg {runtime} "$@"
fi
exec {client} "$@"
"""


def lay_out(folder: Path, name: str, cluster: Cluster, docker: Docker) -> dict[str, str]:
    """Write the programs that a script finds first.

    Args:
        name: what the cluster is called there.

    Returns:
        The variables of a user who runs the scripts.
    """
    programs, scratch = folder / "bin", folder / "scratch"
    for made in (programs, scratch):
        made.mkdir()
    imports = [
        f"{_with(node.machine.env)} {shlex.join(node.machine.inside(*TAKE, scratch / 'image.tar'))}"
        for node in cluster.nodes
    ]
    client = shutil.which(docker.client, path=docker.env.get("PATH", os.environ["PATH"]))
    written = {
        "kind": KIND.format(
            calls=folder / "calls",
            name=name,
            kubeconfig=cluster.kubeconfig,
            docker=programs / "docker",
            scratch=scratch,
            take="\n    ".join(f"{line} >/dev/null" for line in imports),
        ),
        "docker": DOCKER.format(
            exports="\n".join(f"export {k}={shlex.quote(v)}" for k, v in docker.env.items()),
            builder=f"BUILDER={standins.BUILDER}",
            runtime=f"RUNTIME={standins.RUNTIME}",
            client=client,
        ),
    }
    for program, text in written.items():
        (programs / program).write_text(text)
        (programs / program).chmod(0o755)
    (programs / "kubectl").symlink_to(cluster.programs / "kubectl")
    (folder / "calls").touch()
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}


def _with(env: Mapping[str, str]) -> str:
    return shlex.join(["env", "-i", *(f"{name}={value}" for name, value in env.items())])
