"""Secrets are composed from the cloud's store, in a language that must leave the rest alone."""

from __future__ import annotations

import re

import pytest
from demo_system import DEMO, demo
from objects import named, objects_of
from rendered import KINDS, TYPICAL, artifacts_of, plan_of

from tarmac.base.launch import Secret, reveal, text
from tarmac.plan.deploy import deploy
from tarmac.render.kubernetes import secrets
from tarmac.render.kubernetes.parts import configs, external_secrets, identity
from tarmac.render.kubernetes.parts.secret_script import key_of

every = pytest.mark.parametrize(("system", "environment"), TYPICAL)

ACTION = re.compile(r"\{\{ (?:index \. )?\"([^\"]*)\" \}\}")


def execute(template: str, values: dict[str, str]) -> str:
    """Carry out the little of Go's templates that is used: a value by its name, quoted text."""

    def put(found: re.Match[str]) -> str:
        return values[found[1]] if "index" in found[0] else found[1]

    out, at = "", 0
    while (begin := template.find("{{", at)) >= 0:  # as Go's lexer does: the leftmost opening
        found = ACTION.match(template, begin)
        assert found, template[begin : begin + 40]
        out += template[at:begin] + put(found)
        at = found.end()
    return out + template[at:]


@every
def test_each_secret_is_composed_to_what_the_plan_says(system, environment):
    plan = plan_of(system, environment)
    for manifest in objects_of(system, environment, "ExternalSecret"):
        name = manifest["metadata"]["labels"]["app.kubernetes.io/name"]
        (workload,) = (one for one in plan.with_setups if one.name == name)
        leased = manifest["metadata"]["name"] == configs.leased_name(workload.name)
        held = (configs.leased_in if leased else configs.secrets_in)(workload)
        parts = {p for text in held.values() for p in text if isinstance(p, Secret)}
        values = {p.path: f"value of {p.path}" for p in parts}
        asked = {d["secretKey"]: d["remoteRef"]["key"] for d in manifest["spec"].get("data", [])}
        prefix = f"{system}/{environment}/"
        fetched = {key: values[path.removeprefix(prefix)] for key, path in asked.items()}
        fetched |= {key_of(part): values[part.path] for part in parts if part.is_leased}
        made = {
            key: execute(template, fetched)
            for key, template in manifest["spec"]["target"]["template"]["data"].items()
        }
        assert made == {k: reveal(v, values) for k, v in held.items()}


@every
def test_who_has_secrets_has_one_way_to_get_them(system, environment):
    plan = plan_of(system, environment)
    wanted = {configs.secret_name(w.name) for w in plan.with_setups if configs.secrets_in(w)}
    leased = {configs.leased_name(w.name) for w in plan.workloads if configs.leased_in(w)}
    external = {o["metadata"]["name"] for o in objects_of(system, environment, "ExternalSecret")}
    scripts = [a for a in artifacts_of(system, environment) if a.path == "scripts/secrets.sh"]
    if plan.settings.secrets == "script":
        assert external == leased
        (script,) = scripts
        assert script.executable
        assert {name for name in wanted if f"\nsecret {name} " in script.content} == wanted
    else:
        assert (external, scripts) == (wanted | leased, [])


@pytest.mark.parametrize(
    "value",
    [
        text("{", Secret("a/b"), "}"),
        text("{{", Secret("a/b"), "}}"),
        text("{{{ .x }} {", Secret("a/b"), "}", Secret("a/b")),
        text('{"a": {"b": "', Secret("a/b"), '"}}'),
        text("{{ not a template }}{"),
    ],
)
def test_braces_of_a_text_stay_what_they_are(value):
    made = execute(external_secrets._template(value), {"a.b": "VALUE"})
    assert made == reveal(value, {"a/b": "VALUE"})


def test_a_part_that_several_texts_hold_is_fetched_once():
    data = named("travel", "prod", "ExternalSecret", "broker-secrets")["spec"]["data"]
    keys = [entry["secretKey"] for entry in data]
    assert len(keys) == len(set(keys)) > 3


def test_without_a_known_cloud_the_store_is_the_clusters_own():
    plan = deploy(demo(DEMO + "\n    environments: {kind: {}}\n"), "kind", KINDS)
    made = list(secrets.render(plan))
    assert {artifact.data["kind"] for artifact in made} == {"ExternalSecret"}
    assert made[0].data["spec"]["secretStoreRef"]["kind"] == "ClusterSecretStore"


def test_an_account_that_nothing_names_is_asked_for():
    more = "\n    environments: {prod: {cloud: aws, region: eu-west-1}}\n"
    plan = deploy(demo(DEMO + more), "prod", KINDS)
    name = next(iter(plan.roles))
    account = identity.account(plan, plan.workload(name))
    role = account.data["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
    assert role == f"arn:aws:iam::ACCOUNT:role/demo-prod-{name}"
    assert "ACCOUNT" in account.notes[0]


def test_the_address_of_a_mongodb_of_others_is_a_secret_of_its_service_alone():
    holding = {
        artifact.data["metadata"]["name"]: artifact.data["spec"]["data"]
        for artifact in artifacts_of("starter", "production")
        if artifact.data and isinstance(artifact.data, dict)
        if artifact.data.get("kind") == "ExternalSecret"
    }
    key = "starter/production/stores/users-db/user-service/url"
    having = {
        name
        for name, entries in holding.items()
        if any(entry["remoteRef"]["key"] == key for entry in entries)
    }
    assert len(having) == 1
    assert next(iter(having)).startswith("user-service")
    assert not any(
        "users-db" in workload.name for workload in plan_of("starter", "production").stores
    )


@pytest.mark.parametrize(("rotate", "every"), [("30d", "1h"), ("1d", "1h"), ("2h", "5m")])
def test_a_secret_that_is_rotated_is_read_often_enough_and_says_so(rotate, every):
    own = f"secrets: [{{SIGNING: {{rotate: {rotate}, also: SIGNING_ALSO}}}}]"
    changed = DEMO.replace("        port: 8080\n", f"        port: 8080\n        {own}\n", 1)
    assert own in changed
    more = "\n    environments: {prod: {secrets: external}}\n"
    plan = deploy(demo(changed + more), "prod", KINDS)
    made = [one for one in secrets.render(plan) if one.data["kind"] == "ExternalSecret"]
    (rotated,) = (one.data for one in made if "annotations" in one.data["metadata"])
    assert rotated["metadata"]["annotations"]["tarmac.dev/rotate"] == f"SIGNING={rotate}"
    assert rotated["spec"]["refreshInterval"] == every
    read = {entry["remoteRef"]["key"].rpartition("/")[2] for entry in rotated["spec"]["data"]}
    assert {"SIGNING", "SIGNING_ALSO"} <= read
