"""What Argo CD follows is taken by a real API server, by Argo CD's own definitions of its kinds.

No controller runs: nothing is synced, and a set makes no Applications; what it stands for is read
by Tarmac's own gates and given to the server as well.
"""

from __future__ import annotations

import copy

import pytest
from kube_api import changed, title
from kube_trees import define, namespace, put, take_away
from rendered import ENVIRONMENTS, artifact_of, artifacts_of, plan_of

from tarmac.check.gates.views.argo.sets import expanded

pytestmark = pytest.mark.servers
FOLLOWED = [environment for environment in ENVIRONMENTS if plan_of(*environment).settings.gitops]
every_environment = pytest.mark.parametrize(
    ("system", "environment"), FOLLOWED, ids=["-".join(names) for names in FOLLOWED]
)
#: In the order in which they are applied; what sets stand for comes last.
KINDS = ("AppProject", "Application", "ApplicationSet")
#: Argo CD's own name, which is older than the server's wish for one with a path in it.
FINALIZER = '"resources-finalizer.argocd.argoproj.io\\": prefer a domain-qualified finalizer name'


def followed(system, environment):
    """List what is rendered for Argo CD, its projects first, then what the sets stand for."""
    made = [
        artifact.data
        for artifact in artifacts_of(system, environment)
        if artifact.path.startswith("argocd/") and artifact.data.get("kind") in KINDS
    ]
    of_sets = [
        app
        for manifest in made
        if manifest["kind"] == "ApplicationSet"
        for app in expanded(manifest)
    ]
    api = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
    return [*sorted(made, key=lambda e: KINDS.index(e["kind"])), *({**api, **e} for e in of_sets)]


@pytest.fixture
async def wanted(kube, plane, system, environment):
    """List an environment's objects for Argo CD; whatever of them is there at the end goes."""
    listed = followed(system, environment)
    spaces = sorted({manifest["metadata"]["namespace"] for manifest in listed})
    for name in spaces:
        assert not (taken := await kube.apply(namespace(name))).refused, taken.refused
    await define(kube, listed)
    yield listed
    await take_away(kube, listed)


@every_environment
async def test_what_argo_cd_follows_is_taken_and_kept_as_it_is(kube, wanted):
    said = await put(kube, wanted)
    assert {name: answer.refused for name, answer in said.items() if answer.refused} == {}
    told = {word for answer in said.values() for word in answer.warnings if FINALIZER not in word}
    assert told == set()
    assert len(said) == len(wanted)

    live = {title(manifest): (await kube.get(manifest)).data for manifest in wanted}
    lost = {title(manifest): [*changed(manifest, live[title(manifest)])] for manifest in wanted}
    assert {name: what for name, what in lost.items() if what} == {}
    versions = {name: answer.data["metadata"]["resourceVersion"] for name, answer in said.items()}
    again = await put(kube, wanted)
    assert {n: e.data["metadata"]["resourceVersion"] for n, e in again.items()} == versions


@every_environment
async def test_each_service_has_an_application_of_a_project_that_is_there(
    kube, wanted, system, environment
):
    plan = plan_of(system, environment)
    await put(kube, wanted)
    apps = {
        manifest["metadata"]["name"]: manifest["spec"]
        for manifest in await kube.items("argoproj.io/v1alpha1", "Application", "argocd")
    }
    projects = {
        manifest["metadata"]["name"]: manifest["spec"]
        for manifest in await kube.items("argoproj.io/v1alpha1", "AppProject", "argocd")
    }
    for workload in plan.services:
        [own] = [
            spec
            for name, spec in apps.items()
            if name in (workload.name, f"{workload.name}-{environment}")
        ]
        assert own["destination"]["namespace"] == plan.namespace
        there = {"server": own["destination"]["server"], "namespace": plan.namespace}
        assert there in projects[own["project"]]["destinations"]
    assert {spec["project"] for spec in apps.values()} == projects.keys()


@pytest.fixture
async def spoiled(kube):
    """Copy the shop's root, which a test is going to spoil, into a namespace of its own."""
    copied = copy.deepcopy(dict(artifact_of("shop", "production", "argocd/root.yaml").data))
    copied["metadata"] = {"name": "spoiled", "namespace": "spoiled-argo"}
    within = namespace("spoiled-argo")
    assert not (await kube.apply(within)).refused
    await define(kube, [copied])
    yield copied
    await take_away(kube, [within])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda spec: spec["syncPolicy"]["automated"].update(selfheal=True), "selfheal"),
        (lambda spec: spec.pop("project"), "spec.project: Required value"),
        (lambda spec: spec["source"].pop("repoURL"), "spec.source.repoURL: Required value"),
        (lambda spec: spec["syncPolicy"]["retry"].update(limit="five"), "spec.syncPolicy.retry"),
    ],
    ids=["a misspelt field", "no project", "no repository", "no number"],
)
async def test_an_application_that_is_wrong_is_refused(kube, spoiled, spoil, words):
    assert not (await kube.apply(spoiled, dryRun="All")).refused
    spoil(spoiled["spec"])
    assert words in (await kube.apply(spoiled, dryRun="All")).refused
