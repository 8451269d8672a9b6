"""The steps for images of the rendered pipelines, with a registry, skopeo and Trivy that are real.

What a job runs is run, step by step, until one fails: nothing else decides what reaches the
registry. Trivy's database has the vulnerabilities that a test plants in it and no others.
Signatures are made with a key: Sigstore, which signs for a job's identity, cannot be reached. Base
images are stand-ins (`standins.STAND_IN`), ECR is Debian's registry, and `aws` prints its password.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import image_registry
import pytest
import standins
import yaml
from image_registry import Registry
from pipelines import Clone, cloned

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

#: One service of each system, and where its code is.
SERVICES = {
    "starter": ("order-service", "services/orders"),
    "shop": ("payment-service", "services/payments"),
    "trading": ("market-service", "services/market"),
    "travel": ("catalog", "services/catalog"),
}
BUILD, SCAN, LOGIN, PUSH = "Build", "Scan", "Log in to the registry", "Push what was scanned"
SIGN, SIGNATURE = "Sign it", "Its signature"
IMAGES = "build-and-scan"
#: A package that every image has, and one of its versions that none has.
PLANTED = "aiohttp"
HARMLESS = (f"CVE-2099-0001 {PLANTED} <1.0 1.0 CRITICAL", f"CVE-2099-0002 {PLANTED} <99 99 MEDIUM")
HARMFUL = (*HARMLESS, f"CVE-2099-0003 {PLANTED} <99 99 HIGH")
ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com")
AWS = f"#!/bin/sh\n[ \"$1 $2\" = 'ecr get-login-password' ] && echo {image_registry.WORD}\n"


@dataclass(frozen=True)
class Runner:
    """A clone with a system's pipeline, and what runs the job of one of its services."""

    clone: Clone
    registry: Registry
    service: str
    code: Path
    system: str

    def change(self, what: str) -> str:
        """Change the service, and return the commit."""
        with self.code.open("a", encoding="utf-8") as code:
            code.write(f"\n# {what}\n")
        self.clone.commit(f"fix({self.service}): {what}")
        return self.clone.run("git", "rev-parse", "HEAD").strip()

    def steps(self, job: str = IMAGES) -> dict[str, dict[str, Any]]:
        """Give the scripts of a job by the names of their steps, with this registry."""
        text = (self.clone.folder / ".github/workflows/ci.yml").read_text(encoding="utf-8")
        text = ECR.sub(self.registry.host, text).replace("${{ matrix.service }}", self.service)
        steps = yaml.safe_load(text)["jobs"][job]["steps"]
        return {step["name"]: step for step in steps if "run" in step}

    def run(self, commit: str, *names: str, job: str = IMAGES, **env: str) -> tuple[str, str]:
        """Run steps as a runner does: the name of the one that failed, and what that said."""
        steps = self.steps(job)
        for name in names or (BUILD, SCAN, LOGIN, PUSH):
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", steps[name]["run"]],
                cwd=self.clone.folder,
                env={**self.clone.env, "GITHUB_SHA": commit, **steps[name].get("env", {}), **env},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                return name, done.stdout + done.stderr
        return "", ""

    @property
    def repository(self) -> str:
        """Name the service's repository in the registry."""
        above = self.steps()[PUSH]["env"]["REGISTRY"].partition("/")[2]
        return f"{above}/{self.service}"

    def image(self, suffix: str = "tar") -> Path:
        """Name the file that the steps make of the service."""
        return self.clone.folder / f".tarmac/ci/{self.service}.{suffix}"


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Iterator[Registry]:
    """Start a registry that is empty."""
    programs = image_registry.home()
    if programs is None:
        pytest.skip(image_registry.GET)
    with image_registry.registry(programs, tmp_path_factory.mktemp("registry")) as started:
        (started.programs / "aws").write_text(AWS)
        (started.programs / "aws").chmod(0o755)
        yield started


@pytest.fixture(scope="module", params=SERVICES)
def runner(docker, images, registry, request, tmp_path_factory) -> Runner:
    """Clone the code with a system's pipeline."""
    system: str = request.param
    images.of(system)  # what a runner's cache has
    arguments = f"--network host --build-arg BUILDER={standins.BUILDER}"
    arguments += f" --build-arg RUNTIME={standins.RUNTIME}"
    env = {**os.environ, **docker.env, **registry.env, "DOCKER_BUILD_ARGS": arguments}
    env["PATH"] = f"{registry.programs}:{Path(docker.client).parent}:{os.environ['PATH']}"
    clone = cloned(system, tmp_path_factory.mktemp(system) / "repository", env)
    service, folder = SERVICES[system]
    (code,) = (clone.folder / folder).glob("tarmac_*/app.py")
    return Runner(clone, registry, service, code, system)


def test_the_registry_has_the_image_of_the_commit_that_changed_it(runner, registry):
    registry.know(HARMLESS)
    commit = runner.change("a change")
    touched = runner.clone.run("scripts/changed-services", "--base", "HEAD~1", "--head", "HEAD")
    assert touched.split() == [runner.service]
    assert runner.run(commit) == ("", "")
    tag = f"sha-{commit[:12]}"
    assert registry.tags(runner.repository) == [tag]
    labels = registry.labels(runner.repository, tag)
    assert labels["org.opencontainers.image.revision"] == commit
    kept = runner.image("digest").read_text().strip()
    assert kept == registry.digest(runner.repository, tag)


def test_what_is_in_the_image_is_listed_beside_it(runner):
    listed = json.loads(runner.image("cdx.json").read_text())
    assert listed["bomFormat"] == "CycloneDX"
    urls = {part.get("purl", "") for part in listed["components"]}
    assert any(url.startswith(f"pkg:pypi/{PLANTED}@") for url in urls)


def test_a_tag_that_is_there_is_not_moved(runner, registry):
    commit = runner.clone.run("git", "rev-parse", "HEAD").strip()
    tag = f"sha-{commit[:12]}"
    before = registry.digest(runner.repository, tag)
    runner.image().write_bytes(b"not even an image: nothing reads it")
    assert runner.run(commit, PUSH) == ("", "")
    assert registry.digest(runner.repository, tag) == before
    assert runner.image("digest").read_text().strip() == before


def test_an_image_with_a_package_of_a_high_finding_does_not_reach_the_registry(runner, registry):
    before = registry.tags(runner.repository)
    registry.know(HARMFUL)
    commit = runner.change("a change at a bad moment")
    failed, said = runner.run(commit)
    assert failed == SCAN
    assert "CVE-2099-0003" in said
    assert PLANTED in said
    assert not {"CVE-2099-0001", "CVE-2099-0002"} & set(re.findall(r"CVE-[0-9-]+", said))
    assert registry.tags(runner.repository) == before
    # Once it is known to be harmless the same image passes.
    registry.know(HARMLESS)
    assert runner.run(commit, SCAN, LOGIN, PUSH) == ("", "")
    assert f"sha-{commit[:12]}" in registry.tags(runner.repository)


def test_without_a_database_nothing_passes(runner, registry):
    registry.forget()
    failed, said = runner.run("", SCAN)
    assert failed == SCAN
    assert "FATAL" in said


def test_a_registry_that_is_away_or_refuses_is_no_registry_without_the_tag(runner, registry):
    away = {"REGISTRY": "localhost:1/nowhere"}
    script = runner.steps()[PUSH]["run"]
    nobody = dict.fromkeys(("XDG_RUNTIME_DIR", "DOCKER_CONFIG"), str(runner.registry.folder))
    for env in (away, nobody):
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=runner.clone.folder,
            env={**runner.clone.env, "GITHUB_SHA": "0" * 40, **runner.steps()[PUSH]["env"], **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "does not say whether" in done.stderr


def test_a_layout_as_a_builder_writes_it_is_scanned_and_pushed_with_its_digest(runner, registry):
    """A builder of buildx writes a folder; skopeo writes the same kind here."""
    registry.know(HARMLESS)
    layout, builder = runner.image("oci"), {"CI_BUILDER": "ci"}
    commit = runner.change("a change for a builder")
    assert runner.run(commit, BUILD) == ("", "")
    shutil.rmtree(layout, ignore_errors=True)
    runner.clone.run("skopeo", "copy", f"docker-archive:{runner.image()}", f"oci:{layout}")
    index = json.loads((layout / "index.json").read_text())
    assert runner.run(commit, SCAN, LOGIN, PUSH, **builder) == ("", "")
    tag = f"sha-{commit[:12]}"
    assert registry.digest(runner.repository, tag) == index["manifests"][0]["digest"]
    registry.know(HARMFUL)
    assert runner.run(commit, SCAN, **builder)[0] == SCAN


@pytest.fixture
def keys(registry, tmp_path) -> dict[str, str]:
    """Make a key that signs, with the variables that the steps read."""
    program = built.newest("cosign-*/cosign")
    if program is None:
        pytest.skip("there is no cosign; run .ci/cosign (`make tools`)")
    here = registry.programs / "cosign"
    here.unlink(missing_ok=True)
    here.symlink_to(program)
    env = {**os.environ, "COSIGN_PASSWORD": "of a test"}
    subprocess.run([program, "generate-key-pair"], cwd=tmp_path, env=env, check=True)
    return {
        "COSIGN_PASSWORD": env["COSIGN_PASSWORD"],
        "COSIGN_KEY": str(tmp_path / "cosign.key"),
        "COSIGN_PUBLIC_KEY": str(tmp_path / "cosign.pub"),
    }


@pytest.mark.parametrize("runner", ["shop"], indirect=True)
def test_only_an_image_that_the_pipeline_signed_is_delivered(runner, registry, keys):
    registry.know(HARMLESS)
    commit = runner.change("a change that is signed")
    assert runner.run(commit) == ("", "")
    failed, said = runner.run(commit, SIGNATURE, job="deploy-staging", **keys)
    assert failed == SIGNATURE
    assert "no signature of this repository's pipeline" in said
    assert runner.run(commit, SIGN, **keys) == ("", "")
    for job in ("deploy-staging", "release-production"):
        assert runner.run(commit, SIGNATURE, job=job, **keys) == ("", "")
    # Another image in its place is another digest, whatever its tag says.
    later = runner.change("a change that nobody signed")
    assert runner.run(later) == ("", "")
    assert runner.run(later, SIGNATURE, job="deploy-staging", **keys)[0] == SIGNATURE


@pytest.mark.parametrize("runner", ["shop"], indirect=True)
def test_a_signature_by_another_key_is_none(runner, keys, tmp_path):
    commit = runner.clone.run("git", "rev-parse", "HEAD").strip()
    assert runner.run(commit, SIGN, **keys) == ("", "")
    (tmp_path / "other").mkdir()
    argv = ["cosign", "generate-key-pair"]
    env = {**runner.clone.env, **keys}
    subprocess.run(argv, cwd=tmp_path / "other", env=env, check=True)
    other = {**keys, "COSIGN_PUBLIC_KEY": str(tmp_path / "other/cosign.pub")}
    assert runner.run(commit, SIGNATURE, job="deploy-staging", **other)[0] == SIGNATURE
    assert runner.run(commit, SIGNATURE, job="deploy-staging", **keys) == ("", "")
