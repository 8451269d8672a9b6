"""The names of the images that tests build."""

from __future__ import annotations

from types import SimpleNamespace

import kit_images


def test_an_image_keeps_a_name_that_no_deployment_takes(monkeypatch):
    content = (("tarmac_offers",), ())
    plan = [SimpleNamespace(image=f"{system}/offers:1") for system in ("first", "second")]
    tagged = []
    docker = SimpleNamespace(run=lambda *argv: tagged.append(argv))
    monkeypatch.setattr(kit_images, "services", lambda: {content: plan})
    monkeypatch.setattr(kit_images, "build", lambda _docker, _workload, tag: tagged.append(tag))
    assert kit_images.Images(docker).of("second") == {content: "kept/first/offers:1"}
    assert tagged == [
        "first/offers:1",
        ("tag", "first/offers:1", "kept/first/offers:1"),
        ("tag", "first/offers:1", "second/offers:1"),
    ]
