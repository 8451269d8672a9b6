"""A new version in the registry becomes a commit in the GitOps repository, and Argo CD applies it.

Argo CD, its Image Updater and the registry are real, and follow what is rendered for the shop's
production, for one of its services. No node runs the pods, so they never become ready: what is
looked at is the image that the pods are to run. The registry's image has nothing in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apiserver
import argo_processes
import image_registry
import image_updater
import kube_trees
import pytest
import yaml
from apiserver import ControlPlane
from argo_processes import NAMESPACE
from cluster_argo import GIT_SERVER
from free_ports import free_ports
from git_repository import clone, git, push, remote
from image_registry import USER, WORD, Registry
from rendered import artifacts_of

from tarmac.base.artifact import write

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

SERVICE = "notification-service"
APPLICATION = f"{SERVICE}-production"
SPACE = "ecommerce-prod"
PLACE = Path("environments/production")
#: What the updater writes beside the source, where Argo CD looks for it.
OVERRIDE = PLACE / f"kustomize/overlays/production/{SERVICE}/.argocd-source-{APPLICATION}.yaml"
ECR, GITOPS = (
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "https://github.com/tarmac-examples/ecommerce-gitops",
)
WITHIN_S = 120.0
#: What the controllers of others' kinds would say, and Argo CD waits for.
READY = {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Valid"}]}}


def until(true: Callable[[], Any], told: Callable[[], str]) -> Any:
    """Wait until something is so, and return it; where it never is, say what is instead."""
    end = time.monotonic() + WITHIN_S
    while not (found := true()):
        assert time.monotonic() < end, told()
        time.sleep(0.2)
    return found


def image(tag: str) -> bytes:
    """Make an image that has nothing in it, and is another for each tag."""
    empty = io.BytesIO()
    with tarfile.open(fileobj=empty, mode="w"):
        pass
    layer = hashlib.sha256(empty.getvalue()).hexdigest()
    config = {"architecture": "amd64", "os": "linux", "config": {"Labels": {"version": tag}}}
    config |= {"rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]}, "history": [{}]}
    files = {"config.json": json.dumps(config).encode(), "layer.tar": empty.getvalue()}
    listed = [{"Config": "config.json", "RepoTags": None, "Layers": ["layer.tar"]}]
    files["manifest.json"] = json.dumps(listed).encode()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


@dataclass(frozen=True)
class Production:
    """What follows the shop's production, and where it is looked at."""

    plane: ControlPlane
    registry: Registry
    origin: Path
    clone: Path
    log: Path

    def k(self, *words: str) -> str:
        """Run kubectl."""
        done = self.plane.kubectl(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def push(self, tag: str) -> None:
        """Push an image under a tag, as the pipeline does."""
        file = self.clone.parent / f"{tag}.tar"
        file.write_bytes(image(tag))
        target = f"docker://{self.registry.host}/ecommerce/{SERVICE}:{tag}"
        argv = (
            "skopeo",
            "copy",
            "--dest-creds",
            f"{USER}:{WORD}",
            f"docker-archive:{file}",
            target,
        )
        done = subprocess.run(
            argv, env=self.registry.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def commits(self) -> list[str]:
        """List the subjects of the repository's commits, the newest first."""
        return git(self.origin, "log", "--format=%an: %s", "main").splitlines()

    def running(self) -> str:
        """Say which image the service's pods are to run."""
        path = "{.spec.template.spec.containers[0].image}"
        named = ("get", "deployment", SERVICE, f"--namespace={SPACE}", "--ignore-not-found")
        return self.k(*named, f"--output=jsonpath={path}").rpartition(":")[2]

    def until_runs(self, tag: str) -> None:
        """Wait until the pods are to run an image."""
        until(lambda: self.running() == tag, self.told)

    def until_asked(self) -> None:
        """Wait until the updater has looked at the registry twice more."""
        done = re.compile("Processing results")
        was = len(done.findall(self.log.read_text()))
        until(lambda: len(done.findall(self.log.read_text())) > was + 1, self.told)

    def told(self) -> str:
        """Say how it is, for a test that failed."""
        named = ("get", "applications.argoproj.io", APPLICATION, f"--namespace={NAMESPACE}")
        status = self.plane.kubectl(*named, "--output=jsonpath={.status}").stdout
        return f"{status[-3000:]}\n{self.commits()}\n{self.log.read_text()[-4000:]}"


def rendered(registry: Registry, url: str, login: Path) -> dict[Path, str]:
    """Render the shop's production, with the registry and the repository that are here."""
    here = {ECR: registry.host, GITOPS: url, "/scripts/login.sh": str(login)}
    found = {}
    for artifact in artifacts_of("shop", "production"):
        text = write(artifact, "Rendered by a test.")
        for there, instead in here.items():
            text = text.replace(there, instead)
        found[PLACE / artifact.path] = text
    return found


@pytest.fixture(scope="module")
def production(tmp_path_factory) -> Iterator[Production]:
    """Start all that follows production, beside a control plane, with nothing in the registry."""
    homes = {
        image_registry.GET: image_registry.home(),
        argo_processes.GET: argo_processes.home(),
        image_updater.GET: image_updater.home(),
        apiserver.GET: apiserver.home(),
    }
    for get, home in homes.items():
        if home is None:
            pytest.skip(get)
    images, argo, updater, server = homes.values()
    folder = tmp_path_factory.mktemp("production")
    (folder / "plane").mkdir()
    (folder / "registry").mkdir()
    with contextlib.ExitStack() as stack:
        registry = stack.enter_context(image_registry.registry(images, folder / "registry"))
        plane = stack.enter_context(apiserver.control_plane(server, folder / "plane"))
        plane.start_controllers()
        redis, repositories, port = free_ports(3)
        argo_processes.write_certificates(folder)
        origin = remote(folder / "git/gitops")
        git(origin, "config", "http.receivepack", "true")
        pair = (folder / "tls.crt", folder / "tls.key")
        start(stack, folder, sys.executable, GIT_SERVER, folder / "git", str(port), *pair)
        login = folder / "login.sh"
        login.write_text(f"#!/bin/sh\necho {USER}:{WORD}\n")
        login.chmod(0o755)
        files = rendered(registry, f"https://localhost:{port}/gitops", login)
        checkout = clone(origin, folder / "clone")
        for path, text in files.items():
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout / path).write_text(text)
        push(checkout, "feat: what is rendered")

        values = yaml.safe_load(files[PLACE / "argocd/values/argocd-image-updater.yaml"])
        # The whole of it: what is written beside the source is given to `kustomize edit`.
        (folder / "bin").mkdir()
        (folder / "bin/kustomize").symlink_to(updater / "kustomize")
        apply(plane, folder, installed(argo, updater, files, f"https://localhost:{port}/gitops"))
        env = argo_processes.env(argo, folder, plane.kubeconfig, "/usr/bin:/bin")
        for argv in argo_processes.commands(argo, plane.kubeconfig, redis, repositories):
            start(stack, folder, *argv, env=env)
        config = values["config"]["registries"]
        trusted = folder / "registry/ca.crt"
        log = stack.enter_context(image_updater.updater(updater, plane, folder, config, trusted))
        made = Production(plane, registry, origin, checkout, log)
        apply(plane, folder, values["extraObjects"])
        applications = PLACE / "argocd/applications"
        for name in ("project.yaml", f"{SERVICE}.yaml"):
            apply(plane, folder, [yaml.safe_load(files[applications / name])])
        lead(made)
        yield made


def start(stack: contextlib.ExitStack, folder: Path, *argv: str | Path, **more: Any) -> None:
    """Start a program, which ends with the test; it logs to a file of its name."""
    log = stack.enter_context((folder / f"{Path(argv[0]).name}.log").open("wb"))
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **more)
    stack.callback(process.wait)
    stack.callback(process.kill)


def apply(plane: ControlPlane, folder: Path, objects: list[Any]) -> None:
    """Apply objects as they are: a member that a kind does not know is refused."""
    file = folder / "applied.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    argv = ("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", str(file))
    until(lambda: plane.kubectl(*argv).returncode == 0, lambda: plane.kubectl(*argv).stderr)


def installed(argo: Path, updater: Path, files: dict[Path, str], url: str) -> list[Any]:
    """Make what is there before: others' kinds, the namespaces, and the right to push."""
    tree = [text for path, text in files.items() if "kustomize" in path.parts]
    kinds = {
        (one["apiVersion"].partition("/")[0], one["kind"])
        for text in tree
        for one in yaml.safe_load_all(text)
        if one and "kind" in one
    }
    known = kube_trees.definitions()
    push_right = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "gitops",
            "namespace": NAMESPACE,
            "labels": {"argocd.argoproj.io/secret-type": "repository"},
        },
        "stringData": {"type": "git", "url": url, "username": "updater", "password": "pushes"},
    }
    return [
        *argo_processes.objects(argo),
        yaml.safe_load(image_updater.definition(updater).read_text()),
        *(known[kind] for kind in sorted(kinds & known.keys())),
        push_right,
    ]


def lead(production: Production) -> None:
    """Write what External Secrets would, once its objects are there."""
    for kind, name in (("secretstore", SERVICE), ("externalsecret", f"{SERVICE}-secrets")):
        one = (f"{kind}s.external-secrets.io", name, f"--namespace={SPACE}")
        named = ("get", *one, "--ignore-not-found", "--output=name")
        until(lambda: production.plane.kubectl(*named).stdout, production.told)  # noqa: B023
        patch = ("--type=merge", f"--patch={json.dumps(READY)}", "--subresource=status")
        production.k("patch", *one, *patch)


def test_a_new_version_is_committed_and_applied_and_no_other_tag_is(production):
    production.until_runs("0.1.0")  # as it is rendered
    rendered = production.commits()

    # What runs is in the registry, too: the highest version there is taken, also a lower one.
    for tag in ("0.1.0", "0.0.9", "sha-0123456789ab", "latest", "1.1.0-rc.1"):
        production.push(tag)
    production.until_asked()
    assert production.commits() == rendered

    production.push("1.0.0")
    production.until_runs("1.0.0")
    (made, *before) = production.commits()
    assert before == rendered
    assert made.startswith("argocd-image-updater: ")
    changed = git(production.origin, "show", "--format=", "--name-only", "main")
    assert changed == str(OVERRIDE)
    written = yaml.safe_load(git(production.origin, "show", f"main:{OVERRIDE}"))
    name = f"{production.registry.host}/ecommerce/{SERVICE}"
    assert written == {"kustomize": {"images": [f"{SERVICE}={name}:1.0.0"]}}

    # The highest version, whichever was pushed last.
    production.push("1.10.0")
    production.until_runs("1.10.0")
    production.push("1.9.0")
    production.until_asked()
    assert production.running() == "1.10.0"
    assert len(production.commits()) == len(rendered) + 2
