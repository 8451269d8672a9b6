"""A file is an object of a cluster where its renderer says so, and not by what is in it."""

from __future__ import annotations

import json

import pytest
import yaml
from gated import TODAY
from rendered import RENDERERS, TYPICAL, artifacts_of, plan_of, system_of

from tarmac.base import registry
from tarmac.base.artifact import Artifact, Format, read, write
from tarmac.change.compare.objects import rendered_files
from tarmac.check import gates
from tarmac.check.gates.subject import Subject
from tarmac.check.verify.running import Suppressions, run
from tarmac.render.collect import artifacts
from tarmac.render.renderer import Renderer

#: Files of tools that look like objects and that no API server takes.
LOOKALIKES = {
    "catalog-info.yaml": {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "spec": {}},
    "kubeconfig.yaml": {"apiVersion": "v1", "kind": "Config", "clusters": []},
    "overlay/bases.yaml": {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [],
    },
    "kind/second.yaml": {"apiVersion": "kind.x-k8s.io/v1alpha4", "kind": "Cluster"},
    "app.yaml": {"apiVersion": "v1", "kind": "Deployment", "metadata": {"name": "not-applied"}},
}


def _lookalikes(plan):
    for path, content in LOOKALIKES.items():
        yield Artifact(path, content, place=plan.model)


EXTRA = Renderer("lookalikes", "portal", "Files of tools", _lookalikes)


def judged(files):
    """Ask every gate that needs no program, and return what came of each."""
    subject = Subject(system_of("shop"), plan_of("shop", "production"), files, TODAY)
    catalogue = registry.load(gates, "GATE").values()
    return {r.what: (r.status, r.findings) for r in run(subject, catalogue, Suppressions())}


def test_a_renderer_whose_files_have_an_api_version_changes_no_verdict():
    plan = plan_of("shop", "production")
    before = artifacts(plan, RENDERERS)
    after = artifacts(plan, {**RENDERERS, EXTRA.id: EXTRA})
    assert {a.path for a in after} - {a.path for a in before} == set(LOOKALIKES)
    assert judged(after) == judged(before)


def test_one_that_declares_an_object_is_judged():
    plan = plan_of("shop", "production")
    wrong = LOOKALIKES["app.yaml"]
    declared = Artifact("k8s/app.yaml", wrong, place=plan.model, format=Format.OBJECT)
    files = (*artifacts(plan, RENDERERS), declared)
    found = judged(files)
    assert any(f.where.startswith("k8s/app.yaml") for _, said in found.values() for f in said)


def test_it_is_compared_as_a_file_and_not_as_an_object():
    plan = plan_of("shop", "production")
    found = rendered_files(plan, _lookalikes(plan))
    assert {format_.kind for format_ in found.values()} == {""}


def test_a_file_on_disk_that_nobody_declared_is_recognised_by_what_is_in_it():
    text = "apiVersion: v1\nkind: Service\n---\nservices: {}\n"
    assert [artifact.format for artifact in read("a.yaml", text)] == [Format.OBJECT, None]


@pytest.mark.parametrize(("form", "parse"), [(Format.JSON, json.loads), (None, yaml.safe_load)])
def test_data_is_written_in_its_format(form, parse):
    content = {"b": [1, "2"], "a": {"c": None}}
    assert parse(write(Artifact("x.json", content, format=form), "made")) == content


@pytest.mark.parametrize(("system", "environment"), TYPICAL)
def test_every_object_of_a_cluster_tree_is_declared(system, environment):
    """What is below k8s/ is applied as it stands, so all of it is."""
    below = [a for a in artifacts_of(system, environment) if a.path.startswith("k8s/")]
    assert below
    assert [a.path for a in below if not a.is_object] == []
    assert [a.path for a in below if not {"apiVersion", "kind"} <= a.data.keys()] == []
