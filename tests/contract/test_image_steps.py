"""scripts/ci scan and push, with programs that note what they are asked and answer as theirs do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from rendered import artifacts_of

from tarmac.base.artifact import write

TRIVY = """#!/bin/sh
echo "trivy $*" >>"$CALLS"
[ ! -e "$STATE/vulnerable" ] || { echo 'CVE-2021-0000 CRITICAL'; exit 1; }
"""
COSIGN = """#!/bin/sh
echo "cosign $*" >>"$CALLS"
[ -z "$DOCKER_CONFIG" ] || cat "$DOCKER_CONFIG/config.json" >>"$CALLS"
[ "$1" != verify ] || [ -e "$STATE/signed" ] || { echo 'no signatures found' >&2; exit 10; }
"""
SKOPEO = """#!/bin/sh
echo "skopeo $*" >>"$CALLS"
case $1 in
inspect)
    [ ! -e "$STATE/away" ] || { echo 'no such host' >&2; exit 1; }
    cat "$STATE/pushed" 2>/dev/null || { echo 'manifest unknown' >&2; exit 1; } ;;
copy)
    while [ "$1" != --digestfile ]; do shift; done
    echo sha256:1111 | tee "$STATE/pushed" >"$2" ;;
esac
"""


class Steps:
    """The rendered scripts, a PATH of fakes, and what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder / "code", folder / "state"
        for artifact in artifacts_of("shop", "repository"):
            path = self.folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, "Rendered by a test."))
            path.chmod(0o755 if artifact.executable else 0o644)
        self.state.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        for name, text in (("trivy", TRIVY), ("skopeo", SKOPEO), ("cosign", COSIGN)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.env = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STATE": str(self.state),
            "CALLS": str(self.state / "calls"),
        }
        self.image = self.folder / ".tarmac/ci/order-service.tar"
        self.image.parent.mkdir(parents=True)

    def run(self, *argv: str, code: int = 0, **env: str) -> str:
        done = subprocess.run(
            ["scripts/ci", *argv],
            cwd=self.folder,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def calls(self) -> list[str]:
        return (self.state / "calls").read_text().splitlines()


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    made = Steps(tmp_path)
    made.image.write_text("an image")
    return made


def test_what_is_pushed_is_what_was_scanned(steps):
    image = steps.image.with_suffix(".oci")
    image.mkdir()
    steps.run("scan", "order-service", CI_BUILDER="ci")
    said = steps.run("push", "order-service", "registry.example.com/shop", "sha-1", CI_BUILDER="ci")
    assert said == "sha256:1111\n"
    scan, listing, look, copy = steps.calls()
    assert f"--input {image}" in scan
    assert "--severity CRITICAL,HIGH --exit-code 1" in scan
    assert f"--input {image} --format cyclonedx" in listing
    assert look.endswith("docker://registry.example.com/shop/order-service:sha-1")
    assert f" oci:{image} docker://registry.example.com/shop/order-service" in copy
    assert "--all --preserve-digests" in copy, "attestations and digest are those of the build"


def test_a_tag_that_is_there_is_never_moved(steps):
    for _ in range(2):
        said = steps.run("push", "order-service", "registry.example.com/shop", "sha-1")
        assert said == "sha256:1111\n"
    assert [call.split()[1] for call in steps.calls()] == ["inspect", "copy", "inspect"]


def test_a_registry_that_does_not_answer_is_not_pushed_to(steps):
    (steps.state / "away").touch()
    steps.run("push", "order-service", "registry.example.com/shop", "sha-1", code=1)
    assert [call.split()[1] for call in steps.calls()] == ["inspect"]


def test_a_finding_ends_the_step_and_an_image_that_is_not_there_is_not_scanned(steps):
    (steps.state / "vulnerable").touch()
    steps.run("scan", "order-service", code=1)
    steps.run("scan", "cart", code=1)
    steps.image.unlink()
    (steps.state / "vulnerable").unlink()
    steps.run("scan", "order-service", code=1)
    assert len(steps.calls()) == 1


PLACE = ("order-service", "registry.example.com/shop")
PUSHED = "registry.example.com/shop/order-service@sha256:1111"


@pytest.fixture
def pushed(steps: Steps) -> Steps:
    steps.image.with_suffix(".digest").write_text("sha256:1111\n")
    return steps


def test_the_digest_that_was_pushed_is_signed_by_the_runners_identity(pushed):
    pushed.run("sign", *PLACE)
    assert pushed.calls() == [f"cosign sign --yes {PUSHED}"]


def test_a_key_of_ones_own_signs_without_a_public_log(pushed):
    pushed.run("sign", *PLACE, COSIGN_KEY="awskms:///alias/images")
    config = pushed.image.parent / "signing.json"
    by = f"--key awskms:///alias/images --signing-config {config}"
    assert pushed.calls() == [f"cosign sign --yes {by} {PUSHED}"]
    assert "rekorTlogUrls" not in config.read_text()


def test_an_image_passes_with_the_pipelines_signature_alone(pushed):
    pushed.run("verify", *PLACE, code=1)
    (pushed.state / "signed").touch()
    pushed.run("verify", *PLACE)
    pushed.run("verify", *PLACE, "sha256:2222")
    first, again, other = pushed.calls()
    assert first == again
    assert "--certificate-oidc-issuer https://token.actions.githubusercontent.com" in first
    assert r"^https://github\.com/tarmac\-examples/ecommerce\-platform/" in first
    assert first.endswith(PUSHED)
    assert other.endswith("@sha256:2222")


def test_cosign_has_the_login_that_skopeo_has(pushed, tmp_path):
    login = tmp_path / "auth.json"
    login.write_text('{"auths": "skopeo wrote this"}')
    pushed.run("sign", *PLACE, REGISTRY_AUTH_FILE=str(login))
    assert pushed.calls()[1] == login.read_text()


def test_an_image_that_was_not_pushed_is_not_signed(steps):
    steps.run("sign", *PLACE, code=1)
    assert not (steps.state / "calls").exists()
