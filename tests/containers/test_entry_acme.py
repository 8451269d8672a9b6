"""The entry of one machine gets its certificates by ACME, from an authority that asks the host.

Pebble in Let's Encrypt's place; on stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import acme_authority
import behind_entry
import pytest
import store_images
from acme_authority import AcmeAuthority
from behind_entry import HOST, VisitedMachine
from cryptography.hazmat.primitives import serialization
from docker_here import Docker

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

THERE = ("--target", "compose")


@pytest.fixture
def shop(docker, tmp_path_factory) -> Iterator[VisitedMachine]:
    """Give the system, nothing of it up."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    if acme_authority.program() is None:
        pytest.skip(acme_authority.GET)
    scratch = tmp_path_factory.mktemp("proxy")
    if lacking := store_images.make(docker, [store_images.TRAEFIK], scratch):
        pytest.skip(lacking[store_images.TRAEFIK])
    yield from behind_entry.visited(docker, tmp_path_factory.mktemp("machine"))


@pytest.fixture
def authority(docker, shop, tmp_path) -> Iterator[AcmeAuthority]:
    """Give an authority that the entry's image trusts."""
    docker.run("network", "create", "authority")
    try:
        (found,) = docker.read("/networks/authority")["IPAM"]["Config"]
        address = found["Gateway"]  # this machine's own, which every container reaches
        with acme_authority.serving(tmp_path, address, shop.http, shop.https) as started:
            trust(docker, started, tmp_path / "image")
            yield started
    finally:
        docker.run("network", "rm", "authority")


def trust(docker: Docker, one: AcmeAuthority, folder: Path) -> None:
    """Add the authority to those that the entry's image knows."""
    folder.mkdir()
    text = one.trusted.public_bytes(serialization.Encoding.PEM)
    (folder / "known.crt").write_bytes(text)
    lines = (
        f"FROM {store_images.TRAEFIK}",
        "COPY known.crt /etc/ssl/certs/ca-certificates.crt",
    )
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    docker.run("build", "--tag", store_images.TRAEFIK, str(folder))


def test_a_host_gets_its_certificate_once_it_leads_here_and_keeps_it(shop, authority):
    given = f"email: ops@visited.example.com, issuer: {authority.directory}"
    shop.model("0.1.0", certificate=given)
    said = shop.machine("deploy", code=1)  # the host leads nowhere yet
    assert f"entry is not ready: it has no certificate of {HOST}" in said, said
    assert f"{HOST} has to lead to this machine" in said
    assert "going back" not in said
    authority.addresses[HOST] = "127.0.0.1"
    shop.machine("restart", "entry", *THERE)
    shop.model("0.1.0", "[/, /a]", given)
    said = shop.machine("deploy")
    assert "waits for the certificates of the entry" in said
    visited = replace(shop, root=authority.root())
    assert visited.ask("/a")[0] == 200
    assert shop.ask_plain("/a")[0] == 301
    first = visited.shown()
    shop.machine("down", *THERE)
    shop.machine("deploy")
    assert visited.shown() == first
    asked = shop.machine("down", *THERE, "--delete-data", code=2)
    assert "and the certificates of its entry; add --yes to confirm" in asked
