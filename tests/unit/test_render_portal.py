"""A system's entities in the portal say what the model says: each edge, each owner, each API."""

from __future__ import annotations

import posixpath
from dataclasses import replace

import pytest
import yaml
from demo_system import DEMO, KINDS, demo, problems
from gated import TODAY
from rendered import RENDERERS, ROOT, artifacts_of, plan_of, system_of

from tarmac.base import registry
from tarmac.check import gates
from tarmac.check.gates.subject import Folder
from tarmac.model.edge import BROKER_KINDS
from tarmac.plan.catalogue import catalogue, team
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

SYSTEMS = ("hello-dd", "shop", "starter", "trading", "travel")
GATE = registry.load(gates, "GATE")["PLT001"]


def entities_of(system: str):
    """Return the entities of a system by `kind:namespace/name`."""
    files = artifacts_of(system, "repository")
    return by_reference(filter(is_entity, files))


def is_entity(artifact):
    """Tell an entity's file from those of the form for a new service."""
    return artifact.path.startswith("catalog/") and "/template/" not in artifact.path


def by_reference(files):
    found = {}
    for artifact in files:
        meta = artifact.data["metadata"]
        kind = artifact.data["kind"].lower()
        found[f"{kind}:{meta['namespace']}/{meta['name']}"] = artifact.data
    return found


def relations(entities, key):
    """List the pairs (entity, what it refers to under a key)."""
    return {(own, to) for own, data in entities.items() for to in data["spec"].get(key, ())}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_edge_of_the_model_is_a_relation_and_no_other_is(name):
    here = entities_of(name)
    declared = {edge for edge in system_of(name).edges if edge.source in plan_services(name)}
    wanted = set()
    for edge in declared:
        source = f"component:{name}/{edge.source}"
        if edge.kind == "call" and edge.target != edge.source:
            wanted.add((source, f"component:{name}/{edge.target}"))
        elif edge.kind in ("store", "external"):
            wanted.add((source, f"resource:{name}/{edge.target}"))
        elif edge.kind in BROKER_KINDS:
            wanted.add((source, f"resource:{name}/broker"))
    assert relations(here, "dependsOn") == wanted
    assert wanted


def plan_services(name):
    return system_of(name).file.services


@pytest.mark.parametrize("name", SYSTEMS)
def test_who_consumes_a_topic_consumes_the_events_of_who_publishes_it(name):
    services, here = plan_services(name), entities_of(name)
    wanted = {
        (f"component:{name}/{consumer}", f"api:{name}/{publisher}.events")
        for consumer, reads in services.items()
        for publisher, writes in services.items()
        if consumer != publisher and {*reads.consumes} & {*writes.publishes}
    }
    found = {pair for pair in relations(here, "consumesApis") if pair[1].endswith(".events")}
    assert found == wanted
    for service, spec in services.items():
        published = here.get(f"api:{name}/{service}.events")
        document = yaml.safe_load(published["spec"]["definition"]) if published else {}
        assert {*document.get("channels", ())} == {*spec.publishes}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_reference_leads_to_an_entity_of_the_tree(name):
    here = entities_of(name)
    keys = ("dependsOn", "providesApis", "consumesApis")
    led = {to for key in keys for _, to in relations(here, key)}
    led |= {data["spec"][key] for data in here.values() for key in ("owner", "system")
            if key in data["spec"]}  # fmt: skip
    assert led <= here.keys()
    apis = {own for own in here if own.startswith("api:")}
    assert {to for _, to in relations(here, "providesApis")} == apis


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_location_names_every_file_and_every_description_is_there(name):
    files = {a.path: a for a in artifacts_of(name, "repository")}
    location = files["catalog-info.yaml"].data
    own = {
        f"./{path}" for path in files if path.startswith("catalog/") and "/skeleton/" not in path
    }
    assert set(location["spec"]["targets"]) == own
    texts = [a for a in files.values() if a.path.startswith("catalog/api/")]
    for artifact in texts:
        definition = artifact.data["spec"]["definition"]
        if isinstance(definition, dict):
            path = posixpath.normpath(posixpath.join("catalog/api", definition["$text"]))
            assert yaml.safe_load((ROOT / path).read_text())["openapi"].startswith("3.")


@pytest.mark.parametrize("name", SYSTEMS)
def test_backstages_own_schemas_take_every_entity(name):
    made = artifacts_of(name, "repository")
    files = tuple(a for a in made if is_entity(a) or a.path == "catalog-info.yaml")
    folder = Folder(files, TODAY)
    assert GATE.scope.of_files(folder) == len(files) > 8
    assert [*GATE.check(folder)] == []


def test_no_two_systems_have_an_entity_of_the_same_name():
    every = [name for system in SYSTEMS for name in entities_of(system)]
    assert len(every) == len({*every})


def test_events_carry_the_schema_that_their_consumers_rely_on():
    published = entities_of("shop")["api:shop/order-service.events"]
    document = yaml.safe_load(published["spec"]["definition"])
    message = document["channels"]["order.placed"]["messages"]["order.placed"]
    lines = message["payload"]["properties"]["lines"]["items"]["$ref"]
    assert lines == "#/components/schemas/order.placed.EventLine"
    assert "name" in document["components"]["schemas"]["order.placed.EventLine"]["properties"]


def test_an_environment_without_a_portal_has_none_of_these_files():
    settings = plan_of("shop", "repository").settings.model_copy(update={"portal": None})
    plan = plan_of("shop", "repository")
    other = artifacts(replace(plan, settings=settings), RENDERERS)
    assert not [a.path for a in other if a.path.startswith("catalog")]


@pytest.mark.parametrize(("groups", "namespace"), [("rendered", "demo"), ("directory", "default")])
def test_owners_are_groups_of_the_system_or_of_a_directory(groups, namespace):
    text = DEMO.replace("      web:\n", "      web:\n        owner: '@acme/front'\n")
    text = text.rstrip() + "\n"
    text += f"    environments: {{repository: {{portal: {{kind: backstage, groups: {groups}}}}}}}\n"
    plan = deploy(demo(text), "repository", KINDS)
    here = by_reference(filter(is_entity, artifacts(plan, RENDERERS)))
    assert here["component:demo/web"]["spec"]["owner"] == f"group:{namespace}/front"
    assert ("group:demo/front" in here) == (groups == "rendered")


@pytest.mark.parametrize(
    ("owner", "name"),
    [("@acme/orders", "orders"), ("orders@acme.com", "orders"), ("a+b", "a-b"), ("shop", "shop")],
)
def test_an_owner_is_a_group_by_the_name_of_its_team(owner, name):
    assert team(owner) == name


def test_labels_have_the_team_of_an_owner_and_code_owners_the_owner_itself():
    text = DEMO.replace("    system: demo\n", "    system: demo\n    owner: '@acme/orders'\n")
    text = text.rstrip() + "\n    delivery: {repository: https://github.com/acme/demo}\n"
    text += "    environments: {production: {}, repository: {target: repository}}\n"
    made = artifacts(deploy(demo(text), "production", KINDS), RENDERERS)
    labels = {a.data["metadata"]["labels"].get("team") for a in made if "metadata" in a.data}
    assert labels == {"orders"}
    made = artifacts(deploy(demo(text), "repository", KINDS), RENDERERS)
    [owners] = [str(a.content) for a in made if a.path == "CODEOWNERS"]
    assert "@acme/orders" in owners
    assert "@@" not in owners


def test_a_portal_in_an_environment_that_runs_something_is_refused_with_where_it_goes():
    text = DEMO.rstrip() + "\n    environments: {kind: {portal: {kind: backstage}}}\n"
    [said] = problems(text)
    assert "`portal` is for an environment of target repository; write it in one" in said


def test_a_service_names_its_own_description_whatever_its_language():
    text = DEMO.replace("      web:\n", "      web:\n        api: web/api.proto\n")
    [web] = [one for one in catalogue(demo(text), KINDS).services if one.name == "web"]
    assert [(api.name, api.kind, api.path) for api in web.apis] == [
        ("web", "grpc", "systems/demo/web/api.proto")
    ]


def test_the_form_links_to_the_change_the_catalogue_and_argo_cd():
    made = {a.path: a for a in artifacts_of("shop", "repository")}
    links = made["catalog/template/new-service.yaml"].data["spec"]["output"]["links"]
    change, repository, entry, followed = links
    assert change["url"] == "${{ steps.publish.output.remoteUrl }}"
    assert repository["url"] == "${{ steps.own.output.remoteUrl }}"
    assert entry["entityRef"] == "component:shop/${{ parameters.name }}"
    assert followed["url"].startswith("https://argocd.ecommerce.example.com/applications?search=")
