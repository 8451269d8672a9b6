"""A registry of images over HTTPS with a login, and the programs that the pipeline has for images.

Brought by `.ci/images`: Debian's docker-registry and skopeo, and Trivy with a database by hand.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import authority
import built
from cryptography.hazmat.primitives import serialization
from free_ports import free_port

GET = "there is no registry of images; run .ci/images (`make tools`)"
UP_WITHIN_S = 30.0
USER, WORD = "AWS", "pushes"
#: That user and word as htpasswd writes them.
LOGIN = f"{USER}:$2b$05$pEDEdXmCjBZRFkN2J5wx0.edZckVdNhWZyb39oygBj18/kDCk4zPW\n"
ACCEPTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ENV = {"OTEL_TRACES_EXPORTER": "none"}
CONFIG = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}/images}}}}
auth: {{htpasswd: {{realm: tests, path: {folder}/users}}}}
http:
  addr: {host}
  tls: {{certificate: {folder}/tls.crt, key: {folder}/tls.key}}
"""
SKOPEO = """\
#!/bin/sh
LD_LIBRARY_PATH={libraries} exec {tree}/usr/bin/skopeo "$@"
"""


@dataclass(frozen=True)
class Registry:
    """A registry that runs, and what its clients need."""

    folder: Path
    host: str
    #: A folder with the programs, as a PATH has it.
    programs: Path

    @property
    def env(self) -> dict[str, str]:
        """Variables of clients: whom they trust, and places of their own for what they keep."""
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "SSL_CERT_FILE": str(self.folder / "ca.crt"),
            "TRIVY_CACHE_DIR": str(self.folder / "trivy"),
            "TRIVY_SKIP_DB_UPDATE": "true",
            "TRIVY_OFFLINE_SCAN": "true",
            "TRIVY_SKIP_VERSION_CHECK": "true",
            "TRIVY_DISABLE_TELEMETRY": "true",
        }

    def ask(self, path: str) -> tuple[dict[str, str], Any]:
        """Ask its API: the answer's headers and content. Raises HTTPError."""
        word = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
        headers = {"Authorization": f"Basic {word}", "Accept": ", ".join(ACCEPTS)}
        asked = urllib.request.Request(f"https://{self.host}/v2/{path}", headers=headers)
        trust = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        with urllib.request.urlopen(asked, timeout=10, context=trust) as answer:
            return dict(answer.headers), json.load(answer)

    def tags(self, repository: str) -> list[str]:
        """List the tags of a repository; none where it is not there."""
        try:
            found: list[str] = self.ask(f"{repository}/tags/list")[1]["tags"]
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return []
        return found

    def digest(self, repository: str, tag: str) -> str:
        """Say the digest of a tag."""
        return self.ask(f"{repository}/manifests/{tag}")[0]["Docker-Content-Digest"]

    def labels(self, repository: str, tag: str) -> Mapping[str, str]:
        """Read the labels of an image."""
        manifest = self.ask(f"{repository}/manifests/{tag}")[1]
        config = self.ask(f"{repository}/blobs/{manifest['config']['digest']}")[1]
        found: Mapping[str, str] = config["config"]["Labels"]
        return found

    def know(self, lines: Iterable[str]) -> None:
        """Let Trivy know vulnerabilities, each "ID PACKAGE VERSIONS FIXED SEVERITY"; no others."""
        self.forget()
        text = "".join(f"{line}\n" for line in lines)
        writer = [str(self.programs / "trivydb"), str(self.folder / "trivy")]
        subprocess.run(writer, input=text, text=True, check=True)

    def forget(self) -> None:
        """Take Trivy's database away, with what it has kept of images."""
        shutil.rmtree(self.folder / "trivy", ignore_errors=True)


def home() -> Path | None:
    """Find the programs."""
    found = built.newest("images-*/trivy")
    return found.parent if found else None


def lay_out(home: Path, folder: Path, host: str, address: str = "") -> Registry:
    """Write the files of an empty registry.

    Args:
        host: where its clients on this machine find it.
        address: where it listens, if that is elsewhere.
    """
    made = Registry(folder, host, folder / "bin")
    _lend(home, made.programs)
    policy = folder / "home/.config/containers/policy.json"
    policy.parent.mkdir(parents=True)
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    (folder / "run").mkdir(mode=0o700)
    _write_certificates(folder, ["localhost", *([address.partition(":")[0]] if address else [])])
    (folder / "users").write_text(LOGIN)
    (folder / "config.yml").write_text(CONFIG.format(folder=folder, host=address or host))
    return made


def command(home: Path, made: Registry) -> list[str]:
    """Say how to start a registry."""
    program = home / "tree/usr/bin/docker-registry"
    return [str(program), "serve", str(made.folder / "config.yml")]


@contextlib.contextmanager
def registry(home: Path, folder: Path) -> Iterator[Registry]:
    """Start an empty registry; it ends with the block."""
    made = lay_out(home, folder, f"localhost:{free_port()}")
    log = folder / "registry.log"
    with (
        log.open("wb") as written,
        subprocess.Popen(
            command(home, made),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env=ENV,
        ) as process,
    ):
        try:
            await_answer(
                made, lambda: log.read_text(errors="replace"), lambda: process.poll() is None
            )
            yield made
        finally:
            process.kill()


def await_answer(
    made: Registry, said: Callable[[], str] = str, running: Callable[[], bool] = lambda: True
) -> None:
    """Wait until a registry answers. Raises AssertionError with what it has said."""
    end = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            made.ask("")
        except OSError:
            assert running(), said()
            assert time.monotonic() < end, said()
            time.sleep(0.05)
        else:
            return


def _lend(home: Path, folder: Path) -> None:
    folder.mkdir()
    for name in ("trivy", "trivydb"):
        (folder / name).symlink_to(home / name)
    tree = home / "tree"
    (libraries,) = (tree / "usr/lib").glob("*-linux-gnu")
    (folder / "skopeo").write_text(SKOPEO.format(libraries=libraries, tree=tree))
    (folder / "skopeo").chmod(0o755)


def _write_certificates(folder: Path, hosts: Sequence[str]) -> None:
    signing, root = authority.new_authority()
    key, signed = authority.of_hosts(hosts, signing, root.subject)
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.crt").write_bytes(root.public_bytes(pem))
    (folder / "tls.crt").write_bytes(signed.public_bytes(pem))
    (folder / "tls.key").touch(0o600)
    (folder / "tls.key").write_bytes(key.private_bytes(pem, *plain))
