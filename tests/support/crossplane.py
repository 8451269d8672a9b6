"""Crossplane beside a control plane of tests, and a function that it calls, as processes.

No package is installed, since that takes a registry of containers: a revision of the function is
written by hand, with the address of the process here, and Crossplane leaves it as it is.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import built
import pytest
from apiserver import HOST, ControlPlane
from authority import certificate, new_authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from free_ports import free_port, free_ports

NAMESPACE = "crossplane-system"
GET = "no Crossplane here: run .ci/crossplane and .ci/patch-and-transform"


def program() -> Path:
    """Find Crossplane; a test without it is skipped."""
    return built.newest("crossplane-*/crossplane") or pytest.skip(GET)


def definitions() -> Path:
    """Return the folder of the definitions of Crossplane's own kinds."""
    return program().with_name("crds")


@contextlib.contextmanager
def started(plane: ControlPlane, folder: Path) -> Iterator[None]:
    """Start it; the definitions of its kinds are there already."""
    webhooks, metrics, health = free_ports(3)
    write_keys(folder)
    with _run(
        plane,
        program(),
        "core",
        "start",
        f"--namespace={NAMESPACE}",
        f"--webhook-port={webhooks}",
        f"--metrics-port={metrics}",
        f"--health-probe-port={health}",
        f"--tls-client-certs-dir={folder}",
        f"--tls-server-certs-dir={folder}",
        f"--xpkg-cache-dir={folder}",
        "--package-runtime=External",
        "--sync-interval=2s",
        "--poll-interval=2s",
    ):
        yield


@contextlib.contextmanager
def function(plane: ControlPlane, folder: Path) -> Iterator[str]:
    """Start the function of the composition; yield its address."""
    found = built.newest("patch-and-transform-*/patch-and-transform") or pytest.skip(GET)
    address = f"{HOST}:{free_port()}"
    with _run(plane, found, "--address", address, "--tls-certs-dir", str(folder)):
        yield address


@contextlib.contextmanager
def _run(plane: ControlPlane, program: Path, *argv: str) -> Iterator[None]:
    process = plane.run(program, *argv, kubeconfig=plane.kubeconfig)
    try:
        yield
    finally:
        process.kill()
        process.wait()
        plane.processes.remove(process)


def revision(function: dict[str, Any]) -> dict[str, Any]:
    """Return the revision that Crossplane would make of a package, and leaves alone."""
    name = function["metadata"]["name"]
    return {
        "apiVersion": "pkg.crossplane.io/v1",
        "kind": "FunctionRevision",
        "metadata": {
            "name": f"{name}-here",
            "labels": {"pkg.crossplane.io/package": name},
            "annotations": {"crossplane.io/paused": "true"},
        },
        "spec": {
            "desiredState": "Active",
            "image": function["spec"]["package"],
            "revision": 1,
        },
    }


def write_keys(folder: Path) -> None:
    """Write one key that both sides show each other, and the authority that they trust."""
    authority, trusted = new_authority()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    own = (
        certificate(name, trusted.subject, key.public_key(), authority)
        .add_extension(here, critical=False)
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(trusted.public_bytes(pem))
    (folder / "tls.crt").write_bytes(own.public_bytes(pem))
    (folder / "tls.key").touch(0o600)
    (folder / "tls.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
