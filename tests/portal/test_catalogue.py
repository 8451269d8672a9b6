"""A real Backstage takes the catalogue of each system, follows it, and forgets what goes."""

from __future__ import annotations

from collections import Counter

import pytest
from portal_trees import SYSTEMS, changed, write_tree
from rendered import artifacts_of, plan_of, system_of

from tarmac.model.edge import BROKER_KINDS

#: Real processes: a test that fails is tried once more, and then listed.
pytestmark = pytest.mark.servers


def own(name, found):
    """Choose what belongs to a system, its Location left out."""
    return {r: e for r, e in found.items() if f":{name}/" in r or r == f"system:default/{name}"}


def rendered(name):
    files = artifacts_of(name, "repository")
    return [a.data for a in files if a.path.startswith("catalog/") and a.data]


def settled(portal, name):
    """Wait until Backstage has read every entity of a system and knows its relations."""
    wanted = len(rendered(name))

    def is_whole(found):
        here = own(name, found)
        return len(here) == wanted and all(entity.get("relations") for entity in here.values())

    return own(name, portal.wait(is_whole))


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_entity_is_in_the_catalogue_without_a_complaint(portal, name):
    found = settled(portal, name)
    assert len(found) == len(rendered(name)) >= 8
    problems = [
        item for entity in found.values() for item in entity.get("status", {}).get("items", [])
    ]
    assert problems == []
    assert [line for line in portal.complaints() if f"/{name}" in line] == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_its_relations_are_the_edges_of_the_model(portal, name):
    found = settled(portal, name)
    counted = Counter(r["type"] for entity in found.values() for r in entity["relations"])
    services = plan_of(name, "repository").catalogue.services
    apis = {s.name: len(s.apis) for s in services}
    edge_pairs = {
        (edge.source, "broker" if edge.kind in BROKER_KINDS else edge.target)
        for edge in system_of(name).edges
        if edge.source in apis and edge.target != edge.source and edge.kind != "entry"
    }
    events = {
        (reader.name, writer.name)
        for reader in services
        for writer in services
        if reader is not writer and {*reader.consumes} & {*writer.publishes}
    }
    calls = sum(apis[callee] for service in services for callee in service.calls)
    provided = sum(apis.values()) + sum(bool(service.publishes) for service in services)
    assert counted["dependsOn"] == counted["dependencyOf"] == len(edge_pairs)
    assert counted["providesApi"] == counted["apiProvidedBy"] == provided
    assert counted["consumesApi"] == counted["apiConsumedBy"] == calls + len(events)
    owned = [r for r in found if not r.startswith("group:")]
    parts = [r for r in owned if not r.startswith(("system:", "template:"))]
    assert counted["partOf"] == counted["hasPart"] == len(parts)
    assert counted["ownedBy"] == counted["ownerOf"] == len(owned)


@pytest.mark.parametrize("name", SYSTEMS)
def test_backstage_validates_each_entity_and_refuses_one_without_an_owner(portal, forge, name):
    places = {
        a.data["metadata"]["name"] + a.data["kind"]: f"{forge.url}/{name}/{a.path}"
        for a in artifacts_of(name, "repository")
        if a.path.startswith("catalog/") and a.data
    }
    for entity in rendered(name):
        place = places[entity["metadata"]["name"] + entity["kind"]]
        body = {"entity": entity, "location": f"url:{place}"}
        status, said = portal.ask("/api/catalog/validate-entity", body)
        assert status == 200, (entity["metadata"], said)
    wrong = next(e for e in rendered(name) if e["kind"] == "Component")
    spec = {key: value for key, value in wrong["spec"].items() if key != "owner"}
    body = {"entity": {**wrong, "spec": spec}, "location": f"url:{forge.url}/x.yaml"}
    status, said = portal.ask("/api/catalog/validate-entity", body)
    assert status == 400
    assert "owner" in said


@pytest.mark.parametrize("name", SYSTEMS)
def test_an_api_shows_the_document_that_the_service_answers_with(portal, name):
    found = settled(portal, name)
    apis = [e for e in found.values() if e["kind"] == "API" and e["spec"]["type"] == "openapi"]
    assert apis
    for api in apis:
        assert api["spec"]["definition"].startswith("# Written by `make docs`")
        assert "\nopenapi: 3." in api["spec"]["definition"]


def grown(model):
    """Give starter another owner and one more store, which a service uses."""
    model["owner"] = "growth-team"
    model["stores"]["sessions"] = "redis"
    model["services"]["user-service"]["env"]["SESSIONS"] = "${stores.sessions.url}"


def test_a_changed_model_is_picked_up_and_what_it_lost_goes(portal, forge):
    before = settled(portal, "starter")
    team, store = "group:starter/growth-team", "resource:starter/sessions"
    assert not {team, store} & before.keys()
    write_tree(forge.folder / "starter", changed("starter", grown))
    more = portal.wait(lambda found: store in found and found[store].get("relations"))
    assert ("dependencyOf", "component:starter/user-service") in {
        (relation["type"], relation["targetRef"]) for relation in more[store]["relations"]
    }
    assert team in more
    gone = portal.wait(lambda found: "group:starter/platform-team" not in found)
    assert "group:starter/platform-team" not in gone
    write_tree(forge.folder / "starter", artifacts_of("starter", "repository"))
    again = own("starter", portal.wait(lambda found: not {team, store} & found.keys()))
    assert again.keys() == before.keys()


def test_a_wrong_entity_is_left_out_and_the_log_names_it(portal, forge):
    """So the log of the others, in which no entity is named, says something."""
    made = artifacts_of("starter", "repository")
    write_tree(forge.folder / "starter", made)
    file = forge.folder / "starter/catalog/resource/orders-db.yaml"
    file.write_text(file.read_text().replace("owner: ", "possessor: "))
    said = portal.wait(
        lambda _: any("resource:starter/orders-db" in c for c in portal.complaints())
    )
    assert any("must have required property 'owner'" in line for line in portal.complaints())
    assert "component:starter/order-service" in said
    write_tree(forge.folder / "starter", made)
