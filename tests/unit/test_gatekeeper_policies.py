"""Gatekeeper's policies as they are rendered: the rules of our own gates hold for them, too."""

from __future__ import annotations

import posixpath
from dataclasses import replace

import pytest
from gated import TODAY
from rendered import artifacts_of, plan_of

from tarmac.base.artifact import Artifact, Format, recognised
from tarmac.check.gates.security import pol001_globs, pol002_init_containers
from tarmac.check.gates.subject import Folder
from tarmac.render.kubernetes import gatekeeper

GATES = [pol001_globs.GATE, pol002_init_containers.GATE]


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_policies_read_pods_and_all_their_containers_by_globs_that_match(environment):
    made = [a for a in artifacts_of("shop", environment) if a.path.startswith("policies/")]
    objects = [replace(a, format=Format.OBJECT) for a in made if a.data.get("apiVersion")]
    folder = Folder(tuple(objects), TODAY)
    for gate in GATES:
        assert gate.of_files is not None
        assert gate.scope.of_files is not None
        assert gate.scope.of_files(folder), gate.id
        assert [*gate.of_files(folder)] == [], gate.id


def test_the_suite_names_files_that_are_there_and_pods_of_both_kinds():
    made = {a.path: a for a in artifacts_of("shop", "production") if a.path.startswith("policies/")}
    for test in made["policies/tests/suite.yaml"].data["tests"]:
        named = [test["template"], test["constraint"], *(case["object"] for case in test["cases"])]
        assert {posixpath.normpath(f"policies/tests/{path}") for path in named} <= made.keys()
        wanted = {bool(a["violations"]) for case in test["cases"] for a in case["assertions"]}
        assert wanted == {True, False}


def test_without_a_mesh_nothing_is_exempt_and_no_case_says_so():
    plan = plan_of("hello-dd", "kind")
    held = replace(plan, settings=plan.settings.model_copy(update={"gatekeeper": "dryrun"}))
    made = {artifact.path: artifact for artifact in gatekeeper.render(held)}
    constraint = made["policies/constraints/k8srequirenonroot.yaml"].data["spec"]
    assert constraint["parameters"] == {"exemptImages": []}
    assert constraint["enforcementAction"] == "dryrun"
    assert "policies/tests/k8srequirenonroot/exempt.yaml" not in made


def test_objects_that_only_a_policy_is_tried_with_are_not_judged():
    suite = {
        "apiVersion": "test.gatekeeper.sh/v1alpha1",
        "kind": "Suite",
        "tests": [{"name": "a", "cases": [{"name": "b", "object": "samples/root.yaml"}]}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}}
    made = [("policies/suite.yaml", suite), ("policies/samples/root.yaml", pod), ("root.yaml", pod)]
    folder = Folder(tuple(Artifact(p, d, format=recognised(d)) for p, d in made), TODAY)
    assert [artifact.path for artifact in folder.objects("Pod")] == ["root.yaml"]
    assert len(folder.raw) == 2
