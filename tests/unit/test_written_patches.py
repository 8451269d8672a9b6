"""Patches of a kustomization that was built are still asked for their targets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_system import GATES, TODAY

from tarmac.base.artifact import read
from tarmac.check.gates.subject import Folder

BASE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-web}
spec: {}
"""
OVERLAY = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [web.yaml]
patches:
  - target: {kind: Deployment, name: NAME}
    patch: |-
      - {op: replace, path: /spec/replicas, value: 4}
"""


@pytest.mark.parametrize(("name", "count"), [("web", 1), ("shop-web", 0)])
def test_patches_that_the_build_has_taken_in_are_read_where_they_were_written(
    tmp_path, name, count
):
    texts = {"web.yaml": BASE, "kustomization.yaml": OVERLAY.replace("NAME", name)}
    for path, text in texts.items():
        (tmp_path / path).write_text(text)
    artifacts = [one for path, text in texts.items() for one in read(path, text)]
    # `verify --files` leaves them out of what it built, whose objects have what they set.
    without = {key: value for key, value in artifacts[1].data.items() if key != "patches"}
    judged = Folder((artifacts[0], replace(artifacts[1], content=without)), TODAY, tmp_path)
    found = list(GATES["OBJ017"].of_files(judged))
    assert [one.what.partition(":")[0] for one in found] == [
        "patches Deployment web, which it does not include"
    ] * count
    assert [one.where for one in found] == ["kustomization.yaml:6"] * count
