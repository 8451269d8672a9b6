"""From one root Application to every object: nothing is left out, nothing is applied twice.

Read from a fresh clone, as Argo CD reads it: by the paths that stand in the files.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
import yaml
from git_repository import clone, git, push, remote
from packed import built, templated, written
from rendered import KINDS, RENDERERS, ROOT, artifacts_of, plan_of, system_of

from tarmac.check.gates.views.argo.applications import wave_of
from tarmac.check.gates.views.argo.sets import expanded
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.assets import asset
from tarmac.render.collect import artifacts
from tarmac.render.gitops import argocd
from tarmac.render.gitops.parts import environment as of_environment
from tarmac.render.gitops.parts import projects, waves

FOLLOWED = (("shop", "production"), ("starter", "production"), ("travel", "prod"))
SETS = ("dev", "stg", "prod")
ROADMAP = {"auth", "catalog", "cart", "orders", "payments", "notifications", "frontend"}


@pytest.fixture(scope="module", params=FOLLOWED, ids=["-".join(names) for names in FOLLOWED])
def cloned(request, tmp_path_factory):
    """Push an environment's tree into a repository and clone it again."""
    system, environment = request.param
    top = tmp_path_factory.mktemp("gitops")
    origin = remote(top / "origin.git")
    work = clone(origin, top / "work")
    written(artifacts_of(system, environment), work / "environments" / environment)
    push(work, "feat: the environment")
    return plan_of(system, environment), clone(origin, top / "cluster")


@pytest.fixture(scope="module")
def followed(cloned):
    """List each Application with its wave and all objects that it applies."""
    plan, repository = cloned
    apps = apps_of(repository, plan)
    return [(wave, app, tuple(objects_of(repository, app))) for wave, app in apps]


def read(path):
    return yaml.safe_load(path.read_text())


def apps_of(repository, plan):
    """Follow the root; a set stands for all that it makes, in its own wave."""
    root = read(repository / f"environments/{plan.environment}/argocd/root.yaml")
    found = []
    for path in sorted((repository / root["spec"]["source"]["path"]).glob("*.yaml")):
        data = read(path)
        if data["kind"] == "Application":
            found.append((wave_of(data), data))
        if data["kind"] == "ApplicationSet":
            found += [(wave_of(data), application) for application in expanded(data)]
    return found


def takes(directory, name):
    """Read include and exclude: `{a,b}` is either."""

    def fits(pattern):
        return any(fnmatchcase(name, alternative) for alternative in pattern.strip("{}").split(","))

    included = "include" not in directory or fits(directory["include"])
    return included and not ("exclude" in directory and fits(directory["exclude"]))


def objects_of(repository, app):
    spec = app["spec"]
    for source in [spec["source"]] if "source" in spec else spec["sources"]:
        folder = repository / source["path"]
        assert folder.is_dir(), source["path"]
        if (folder / "kustomization.yaml").exists():
            yield from built(folder)
        elif helm := source.get("helm"):
            files = [arg for f in helm["valueFiles"] for arg in ("--values", str(folder / f))]
            space = spec["destination"]["namespace"]
            yield from templated(folder, helm["releaseName"], *files, namespace=space)
        else:
            directory = source.get("directory", {})
            for path in folder.glob("**/*.yaml" if directory.get("recurse") else "*.yaml"):
                if takes(directory, path.relative_to(folder).as_posix()):
                    yield read(path)


def identity(data):
    metadata = data["metadata"]
    return data["kind"], metadata.get("namespace", ""), metadata["name"]


def test_every_object_is_reached_from_the_root_exactly_once(cloned, followed):
    plan, repository = cloned
    tree = repository / f"environments/{plan.environment}/k8s"
    wanted = Counter(identity(read(path)) for path in tree.glob("**/*.yaml"))
    assert len(wanted) > 20
    reached = Counter(identity(manifest) for _, _, objects in followed for manifest in objects)
    assert reached == wanted


def leads_in(data):
    """Tell whether it lets the world in, and not from one version of a service to the other."""
    parents = [parent_ref.get("kind") for parent_ref in data.get("spec", {}).get("parentRefs", ())]
    plain = data["kind"] in ("Ingress", "HTTPRoute") and "Service" not in parents
    return plain or (data["kind"] == "Gateway" and "gateway.networking" in data["apiVersion"])


def test_the_order_follows_the_graph(cloned, followed):
    plan, _ = cloned
    wave = {}
    for number, _, objects in followed:
        for manifest in objects:
            wave[identity(manifest)[0], identity(manifest)[2]] = number
    pods = {name: number for (kind, name), number in wave.items() if kind == "Deployment"}
    stores = [n for (kind, _), n in wave.items() if kind == "StatefulSet"]
    assert pods.keys() >= {service.name for service in plan.services}
    assert wave["Namespace", plan.namespace] < min([*stores, *pods.values()])
    assert max(stores, default=0) < min(pods.values())
    ways_in = [n for n, _, objects in followed for manifest in objects if leads_in(manifest)]
    assert min(ways_in) > max(pods.values())


def test_what_reads_changes_of_tables_comes_after_the_service_that_makes_them():
    wave = waves.waves(plan_of("travel", "prod"))
    assert wave["orders-cdc"] > wave["orders"]
    assert wave["payments-cdc"] > wave["payments"]


def test_a_job_runs_before_the_pods_and_is_made_anew_in_each_sync(cloned, followed):
    plan, _ = cloned
    jobs = 0
    for _, _, found in followed:
        pods = [wave_of(manifest) for manifest in found if manifest["kind"] == "Deployment"]
        for job in (manifest for manifest in found if manifest["kind"] == "Job"):
            said = job["metadata"]["annotations"]
            assert said["argocd.argoproj.io/hook"] == "Sync"
            assert "BeforeHookCreation" in said["argocd.argoproj.io/hook-delete-policy"]
            needs = [wave_of(e) for e in found if e["kind"] in ("ConfigMap", "ExternalSecret")]
            assert max(needs, default=0) < wave_of(job)
            assert all(wave_of(job) < number for number in pods)
            jobs += 1
    assert jobs or plan.system == "starter"


def test_the_project_allows_what_is_applied_or_may_have_been_and_not_a_kind_more(cloned, followed):
    plan, repository = cloned
    folder = repository / f"environments/{plan.environment}/argocd/applications"
    spec = read(folder / "project.yaml")["spec"]
    wide, own = (
        {(manifest["group"], manifest["kind"]) for manifest in spec[f"{where}ResourceWhitelist"]}
        for where in ("cluster", "namespace")
    )
    applied, spaces = set(), set()
    for _, app, objects in followed:
        assert app["spec"]["project"] == read(folder / "project.yaml")["metadata"]["name"]
        for manifest in objects:
            applied.add((manifest["apiVersion"].rpartition("/")[0], manifest["kind"]))
            spaces.add(manifest["metadata"].get("namespace", plan.namespace))
    listed = yaml.safe_load(asset(projects.KINDS))
    run = projects.RUN if plan.settings.gitops.updater else set()
    assert own == {(group, kind) for group, kinds in listed.items() for kind in kinds} | run
    assert applied - own == wide
    assert spec["sourceRepos"] == [plan.delivery.gitops]
    # A Gateway is with its ingress, backups are with Velero; all else is in the system's own.
    assert {destination["namespace"] for destination in spec["destinations"]} == spaces
    assert spaces <= {plan.namespace, plan.settings.ingress.namespace, "velero"}


def test_the_root_can_make_applications_and_nothing_else(cloned):
    plan, repository = cloned
    folder = repository / f"environments/{plan.environment}/argocd"
    spec = read(folder / "project.yaml")["spec"]
    kinds = {manifest["kind"] for manifest in spec["namespaceResourceWhitelist"]}
    assert kinds <= {"Application", "ApplicationSet", "AppProject"}
    assert spec["clusterResourceWhitelist"] == []
    assert git(repository, "ls-files", str(folder / "root.yaml"))


def test_the_shop_has_its_roadmaps_application():
    made = {artifact.path: artifact.data for artifact in artifacts_of("shop", "production")}
    app = made["argocd/applications/user-service.yaml"]
    assert app["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]
    spec = app["spec"]
    assert (spec["project"], spec["source"]["targetRevision"]) == ("ecommerce", "main")
    assert spec["destination"]["namespace"] == "ecommerce-prod"
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    options = spec["syncPolicy"]["syncOptions"]
    assert {"CreateNamespace=true", "PrunePropagationPolicy=foreground"} <= set(options)
    backoff = {"duration": "5s", "factor": 2, "maxDuration": "3m"}
    assert spec["syncPolicy"]["retry"] == {"limit": 5, "backoff": backoff}


def names_of(made):
    sets = [artifact.data for artifact in made if artifact.data.get("kind") == "ApplicationSet"]
    return [app["metadata"]["name"] for data in sets for app in expanded(data)]


def test_travels_seven_services_are_in_three_environments():
    """The roadmap's seven; the two that read the databases' logs of changes are two more."""
    found = {e: names_of(artifacts_of("travel", e)) for e in SETS}
    for environment, names in found.items():
        services = [name.removesuffix(f"-{environment}") for name in names]
        assert set(services) == ROADMAP | {"orders-cdc", "payments-cdc"}
        assert len(services) == 9
    assert len({name for names in found.values() for name in names}) == 27


def test_a_new_service_is_one_application_more_and_changes_no_other():
    text = (ROOT / "systems/travel/tarmac.yaml").read_text()
    new = "services:\n  reviews: {run: [npm, start], port: 4010}\n"
    files = {"systems/travel/tarmac.yaml": text.replace("services:\n", new, 1).encode()}
    system = load("systems/travel/tarmac.yaml", lambda p: files.get(p) or (ROOT / p).read_bytes())
    before, after = (
        {
            app["metadata"]["name"]: app
            for artifact in made
            if artifact.data.get("kind") == "ApplicationSet"
            for app in expanded(artifact.data)
        }
        for made in (
            artifacts_of("travel", "prod"),
            artifacts(deploy(system, "prod", KINDS), RENDERERS),
        )
    )
    assert after.keys() - before.keys() == {"reviews-prod"}
    assert {name: after[name] for name in before} == before


def test_services_that_call_each_other_come_at_once():
    plan = plan_of("starter", "production")
    assert waves.waves(plan) == {"user-service": 0, "order-service": 0}
    alone = replace(plan, allowed=tuple(e for e in plan.allowed if e.source != "user-service"))
    assert waves.waves(alone) == {"user-service": 0, "order-service": 1}


def test_services_and_an_entry_whose_requests_rollouts_divide_come_at_once():
    plan = plan_of("travel", "prod")
    gitops = plan.settings.gitops.model_copy(update={"applications": "each"})
    own = replace(plan, settings=plan.settings.model_copy(update={"gitops": gitops}))
    objects = [a for a in artifacts_of("travel", "prod") if a.path.startswith("k8s/")]
    made = argocd.RENDERER.repack(own, [a for a in objects if a.is_object])
    apps = [a.data for a in made if a.is_object and a.data["kind"] == "Application"]
    wave = {app["metadata"]["name"]: wave_of(app) for app in apps}
    names = {of_environment.named(plan, name) for name in (*ROADMAP, "travel-entry")}
    assert len({wave[name] for name in names}) == 1
    assert (
        wave[of_environment.named(plan, "travel-stores")]
        < wave[of_environment.named(plan, "catalog")]
    )


def test_no_environment_is_followed_that_did_not_ask():
    assert system_of("trading").file.environments["production"].gitops is None
    made = artifacts_of("trading", "production")
    assert [e.path for e in made if e.path.startswith(("argocd/", "bootstrap/"))] == []
    assert not [e for e in made if "argocd.argoproj.io" in str(e.data.get("metadata"))]
