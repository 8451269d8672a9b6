"""Signatures of images in rendered pipelines: who signs, and what is asked before a delivery."""

from __future__ import annotations

import json
import re

import pytest
from demo_system import DEMO, KINDS, demo
from rendered import artifact_of

from tarmac import render
from tarmac.base import registry
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

RENDERERS = registry.load(render, "RENDERER")
CI = ".github/workflows/ci.yml"


def scripts(job):
    return "\n".join(step.get("run", "") for step in job["steps"])


def order_of(job, *names):
    return [step["name"] for step in job["steps"] if step["name"] in names]


def test_the_shops_images_are_signed_once_pushed_and_asked_for_before_they_are_delivered():
    pushed, signed, asked = "Push what was scanned", "Sign it", "Its signature"
    found = artifact_of("shop", "repository", CI).data["jobs"]
    assert order_of(found["build-and-scan"], pushed, signed) == [pushed, signed]
    assert order_of(found["deploy-staging"], asked, "Commit") == [asked, "Commit"]
    name = "Name it by the version"
    assert order_of(found["release-production"], "Check out", asked, name) == [
        "Check out", asked, name,
    ]  # fmt: skip
    for job in found.values():
        text = scripts(job)
        brings = "sigstore/cosign-installer" in json.dumps(job)
        assert brings == ("ci sign" in text or "ci verify" in text)


@pytest.mark.parametrize(
    ("identity", "counts"),
    [
        ("ecommerce-platform/.github/workflows/ci.yml@refs/heads/main", True),
        ("ecommerce-platform/.github/workflows/ci.yml@refs/tags/v1.4.0", True),
        ("ecommerce-platform/.github/workflows/ci.yml@refs/heads/mains", False),
        ("ecommerce-platform/.github/workflows/ci.yml@refs/pull/7/merge", False),
        ("ecommerce-platform/.github/workflows/other.yml@refs/heads/main", False),
        ("ecommerce-platform/.github/workflows/ciXyml@refs/heads/main", False),
        ("ecommerce-platform-fork/.github/workflows/ci.yml@refs/heads/main", False),
    ],
)
def test_only_this_repositorys_pipeline_on_what_it_delivers_counts_as_a_signer(identity, counts):
    content = artifact_of("shop", "repository", "ci/services.json").content
    (signer,) = json.loads(content)["signers"]
    assert signer["issuer"] == "https://token.actions.githubusercontent.com"
    whole = f"https://github.com/tarmac-examples/{identity}"
    assert bool(re.search(signer["identity"], whole)) is counts
    assert not re.search(signer["identity"], f"https://evil.example/{whole}")


SIGNED = (
    DEMO
    + """
    environments:
      repository: {}
      stg: {registry: registry.example.com/stg, gitops: {}}
      prod: {registry: registry.example.com/prod, gitops: {}}
    delivery:
      repository: https://gitlab.com/acme/demo
      gitops: https://gitlab.com/acme/gitops
      pipelines: [github, gitlab]
      signatures: cosign
"""
)


@pytest.mark.parametrize("own", [False, True])
def test_what_is_promoted_has_its_signatures_asked_for_before_it_is_copied(own):
    text = SIGNED if own else SIGNED.replace("com/prod", "com/stg")
    found = {a.path: a for a in artifacts(deploy(demo(text), "repository", KINDS), RENDERERS)}
    job = found[CI].data["jobs"]["deploy-prod"]
    login, asked, copy = "Log in to the registry", "Their signatures", "Copy the images"
    wanted = [login, asked, *([copy] if own else []), "Commit"]
    assert order_of(job, *wanted) == wanted
    assert '"$REGISTRY" "$digest"' in scripts(job)


HELM = """
    environments:
      repository: {}
      prod: {registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/demo}
    delivery:
      repository: https://github.com/acme/demo
      signatures: cosign
"""


def test_a_role_that_deploys_may_read_the_signatures_that_its_job_asks_for():
    made = artifacts(deploy(demo(DEMO + HELM), "repository", KINDS), RENDERERS)
    found = {artifact.path: artifact for artifact in made}
    job = found[CI].data["jobs"]["deploy-prod"]
    assert order_of(job, "Its signature", "Deploy") == ["Its signature", "Deploy"]
    role = json.loads(found["infra/github-oidc/ci-deploy-prod.permissions.json"].content)
    allowed = {action for one in role["Statement"] for action in one["Action"]}
    assert {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} <= allowed
    assert not any(action.startswith("ecr:Put") for action in allowed)


def test_gitlab_signs_by_its_own_identity_and_asks_for_the_signature_first():
    made = artifacts(deploy(demo(SIGNED), "repository", KINDS), RENDERERS)
    found = next(a.data for a in made if a.path == ".gitlab-ci.yml")
    assert found[".images"]["id_tokens"]["SIGSTORE_ID_TOKEN"] == {"aud": "sigstore"}
    name = "order-service"
    place = f"{name} registry.example.com/stg"
    assert found[f"build:{name}"]["script"][-1] == f"scripts/ci sign {place}"
    assert found[f"stg:{name}"]["script"][0] == f"scripts/ci verify {place}"
    known = next(json.loads(a.content) for a in made if a.path == "ci/services.json")
    (signer,) = known["signers"]
    assert re.search(
        signer["identity"], "https://gitlab.com/acme/demo//.gitlab-ci.yml@refs/heads/main"
    )
