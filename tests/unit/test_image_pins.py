"""Stores and the bases of our own images are named by content where the model has digests."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo

from tarmac.base.errors import BadInput
from tarmac.check.gates.images.img001_tags import _split
from tarmac.model.promotion import ImageVersions, promoted
from tarmac.plan.deploy import deploy
from tarmac.render.assets import asset
from tarmac.render.packaging import dockerfile

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def environments(text: str):
    return demo(f"{DEMO}\n    environments:\n{text}")


def test_the_image_of_a_store_has_its_tag_and_the_digest():
    system = environments(f"      kind: {{images: {{orders-db: {DIGEST}, broker: {OTHER}}}}}\n")
    plan = deploy(system, "kind", KINDS)
    without = deploy(environments("      kind: {}\n"), "kind", KINDS)
    for name, digest in (("orders-db", DIGEST), ("broker", OTHER)):
        assert plan.workload(name).image == f"{without.workload(name).image}@{digest}"
        assert all(_split(plan.workload(name).image))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("oders-db: 1.2.0", r"no such service or store; did you mean 'orders-db'\?"),
        ("orders-db: '17'", "is a store, whose tag is its `version`; write the digest"),
    ],
)
def test_an_entry_that_names_nothing_here_is_told_at_its_line(entry, words):
    with pytest.raises(BadInput, match=rf"tarmac.yaml:\d+:\d+: `images` has .*{words}"):
        environments(f"      kind: {{images: {{{entry}}}}}\n")


def test_a_promotion_takes_the_digests_of_stores_but_never_that_of_another_broker():
    system = environments(
        f"      stg: {{images: {{orders-db: {DIGEST}, broker: {DIGEST}}}}}\n"
        f"      same: {{}}\n"
        f"      prod: {{broker: {{kind: rabbitmq}}, images: {{broker: {OTHER}}}}}\n"
    )
    assert promoted(system, "stg", "same", {}) == ImageVersions(
        "0.1.0", {"orders-db": DIGEST, "broker": DIGEST}
    )
    assert promoted(system, "stg", "prod", {}).images == {"orders-db": DIGEST, "broker": OTHER}


def test_the_dockerfile_begins_with_the_digests_of_the_model():
    path = "containers/Dockerfile"
    assert dockerfile.pinned(asset(path), {}) == asset(path)
    lines = dockerfile.pinned(asset(path), {"runtime": DIGEST}).splitlines()
    changed = [line for line in lines if line not in asset(path).splitlines()]
    assert len(changed) == 1
    assert changed[0].startswith("ARG RUNTIME=")
    assert changed[0].endswith(f":nonroot@{DIGEST}")
