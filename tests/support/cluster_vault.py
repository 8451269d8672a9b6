"""Vault and External Secrets in the tests' cluster, by their own charts and the rendered values.

Their programs are in stand-ins for their images: no registry is asked. One person holds all of
Vault's keys here.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import cluster_external_secrets
import cluster_helm
import kube_images
import standins
from deployed import DeployedSystem
from docker_here import Docker

GET = "there is no Vault, no External Secrets or no Helm; run `make tools`"
VAULT = "vault"
WHERE = f"--namespace={VAULT}"
IMAGE = "hashicorp/vault:1.21.4"
#: What the chart's command line needs beside Vault.
SHELL = (*standins.SHELL, "libc6", "sed")
ENTRY = '#!/bin/sh\nexec "$@"\n'
REPLICAS = ("vault-0", "vault-1", "vault-2")
#: Of five keys, so many open a replica.
ENOUGH = 3


@dataclass(frozen=True)
class Programs:
    """What `make tools` has brought."""

    vault: Path
    reader: Path
    helm: Path


def programs() -> Programs | None:
    """Find them."""
    vault, reader = built.newest("vault-*/vault"), cluster_external_secrets.home()
    helm = cluster_helm.program()
    return Programs(vault.parent, reader, helm) if vault and reader and helm else None


@dataclass(frozen=True)
class OpenVault:
    """A Vault that is installed, whose keys and first token are known."""

    system: DeployedSystem
    programs: Programs
    #: The rendered tree of the system.
    tree: Path
    keys: tuple[str, ...]
    token: str

    def unseal(self, pod: str) -> None:
        """Open a replica, once it can be asked."""
        self.system.until(lambda: self.status(pod) is not None)
        for key in self.keys[:ENOUGH]:
            # Over its input: an argument would stand in the list of processes.
            self.exec(pod, "vault", "write", "sys/unseal", "key=-", given=key)

    def status(self, pod: str) -> dict[str, Any] | None:
        """Ask a replica how it is; None: it does not answer."""
        said = self.exec(pod, "vault", "status", "-format=json", check=False)
        found: dict[str, Any] | None = json.loads(said) if said.startswith("{") else None
        return found if found and found["initialized"] else None

    def exec(self, pod: str, *argv: str, given: str | None = None, check: bool = True) -> str:
        """Run something in a replica."""
        stdin = ("--stdin",) if given is not None else ()
        command = ("exec", *stdin, pod, WHERE, "--", *argv)
        return self.system.cluster.kubectl(*command, given=given, check=check)

    def active(self) -> list[str]:
        """Name the replicas that serve."""
        chosen = "--selector=vault-active=true"
        found = self.system.cluster.read("pods", WHERE, chosen)["items"]
        return [pod["metadata"]["name"] for pod in found]

    def env(self, token: str | None = None) -> dict[str, str]:
        """Give the variables of one who asks it from this machine."""
        service = self.system.cluster.read("service", "vault-active", WHERE)["spec"]
        port = self.system.cluster.reach(service["clusterIP"], 8200)
        ca = self.tree / "ca.crt"
        if not ca.exists():
            shown = 'go-template={{index .data "ca.crt" | base64decode}}'
            what = ("get", "secret", "vault-tls", WHERE, f"--output={shown}")
            ca.write_text(self.system.cluster.kubectl(*what))
        env = self.system.env()
        return {
            **env,
            "PATH": f"{self.programs.vault}:{env['PATH']}",
            "HOME": str(self.tree),
            "VAULT_ADDR": f"https://127.0.0.1:{port}",
            "VAULT_CACERT": str(ca),
            "VAULT_TOKEN": self.token if token is None else token,
        }

    def say(self, *argv: str, token: str | None = None, check: bool = True) -> str:
        """Run Vault's command line on this machine; gives what it prints."""
        done = subprocess.run(
            [self.programs.vault / "vault", *argv],
            env=self.env(token),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, f"vault {argv}\n{done.stdout}{done.stderr}"
        return done.stdout if done.returncode == 0 else done.stderr

    def configure(self, *argv: str) -> str:
        """Run the rendered script; gives what it prints."""
        done = subprocess.run(
            [self.tree / "vault/configure.sh", *argv],
            env=self.env(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return done.stdout

    def login(self, account: str) -> str:
        """Log in as an account of the system's namespace; gives the token."""
        own = self.system.k("create", "token", account, "--audience=vault").strip()
        role = f"{self.system.system}.{self.system.environment}.{account}"
        given = ("-field=token", "auth/kubernetes/login", f"role={role}", f"jwt={own}")
        return self.say("write", *given, token="")


def _make_image(docker: Docker, found: Programs, scratch: Path) -> None:
    """Make the stand-in for its image."""
    cache = scratch / "packages"
    root = scratch / VAULT
    standins.fetch(SHELL, cache)
    standins.unpack(SHELL, cache, root)
    _put(found.vault / "vault", root / "usr/bin/vault")
    entry = root / "usr/local/bin/docker-entrypoint.sh"
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text(ENTRY)
    entry.chmod(0o755)
    standins.image(docker, IMAGE, root, "USER 100")


def _put(program: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, place)


def install(system: DeployedSystem, found: Programs, docker: Docker, scratch: Path) -> OpenVault:
    """Install both as the rendered page says; all replicas of Vault are open."""
    cluster = system.cluster
    _make_image(docker, found, scratch)
    kube_images.deliver(cluster.nodes, docker, [IMAGE], scratch)
    tree = scratch / "tree"
    system.tarmac("render", "--env", system.environment, "--out", str(tree))
    cluster.kubectl("create", "namespace", VAULT)
    cluster.kubectl("apply", "--server-side", f"--filename={tree}/vault/tls.yaml")
    values = f"--values={tree}/vault/values/vault.yaml"
    tag = IMAGE.partition(":")[2]
    cluster_helm.install(
        cluster, found.helm, VAULT, found.vault / "chart", values, f"--set=server.image.tag={tag}"
    )
    cluster_external_secrets.install(cluster, docker, found.reader, found.helm, scratch)
    vault = OpenVault(system, found, tree, (), "")
    return _opened(vault)


def _opened(vault: OpenVault) -> OpenVault:
    """Have the first replica make the keys, and open all of them."""
    said = vault.exec(
        REPLICAS[0],
        *("vault", "operator", "init", "-format=json", "-key-shares=5", "-key-threshold=3"),
    )
    made = json.loads(said)
    keys = tuple(made["unseal_keys_b64"])
    own = OpenVault(vault.system, vault.programs, vault.tree, keys, made["root_token"])
    for pod in REPLICAS:
        own.unseal(pod)
    vault.system.until(lambda: bool(own.active()))
    audit = ("audit", "enable", "file", "file_path=/vault/audit/audit.log")
    own.say(*audit)
    return own


@contextlib.contextmanager
def away(vault: OpenVault) -> Iterator[None]:
    """Take all replicas away, as long as the block lasts."""
    cluster = vault.system.cluster
    cluster.kubectl("scale", "statefulset/vault", WHERE, "--replicas=0")
    cluster.kubectl("wait", "pods", "--all", WHERE, "--for=delete", "--timeout=120s")
    try:
        yield
    finally:
        cluster.kubectl("scale", "statefulset/vault", WHERE, f"--replicas={len(REPLICAS)}")
        for pod in REPLICAS:
            vault.unseal(pod)
