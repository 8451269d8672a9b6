"""Stores that programs look for by themselves: a port of this machine and a login, here alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from demo_system import KINDS, demo, facts_for, problems

from tarmac import render
from tarmac.base import registry
from tarmac.base.artifact import write
from tarmac.base.errors import BadInput
from tarmac.base.launch import redact
from tarmac.plan import ports, rotatable
from tarmac.plan.deploy import deploy
from tarmac.plan.facts import RunShape
from tarmac.plan.resolve import bound, planned, resolve

MODEL = """
    tarmac: 1
    system: demo
    services:
      web: {{run: [node, web.js], port: 8080, stores: {{db: db}}, publishes: [a.b]}}
      api: {{run: [node, api.js], port: 8081, env: {{DB: "${{stores.db.url}}"}}}}
    stores:
      db: {{kind: {kind}, local: {local}}}
    broker: {{kind: rabbitmq, local: {{port: 5672, user: guest, password: guest}}}}
    environments:
      production: {{target: compose, registry: registry.example.com/demo}}
    """
LOGIN = "{port: 5432, user: notes, password: 12345}"


def model(local: str = LOGIN, kind: str = "postgres") -> str:
    return MODEL.format(local=local, kind=kind)


def bindings_of(text: str, **facts):
    system = demo(text)
    return bound(system, replace(facts_for(system), **facts), KINDS)


def wires(bindings):
    return {wire.id: (wire.listen, wire.named) for wire in planned(bindings, "local").wires}


def said(launch) -> str:
    parts = [content for file in launch.files for content in file.content]
    parts += [p for sql in launch.setup for statement in sql.statements for p in statement]
    return redact(tuple(parts))


def test_the_wire_of_the_first_user_listens_where_programs_look():
    found = wires(bindings_of(model()))
    assert found["web->db:main"] == (5432, (("::1", 5432),))
    assert found["api->db:main"][0] != 5432
    assert found["api->db:main"][1] == ()
    assert found["web->broker:main"] == (5672, (("::1", 5672),))


def test_without_wires_or_users_the_server_itself_listens_there():
    system = demo(model())
    here = {"db": KINDS["postgres"], "broker": KINDS["rabbitmq"]}
    needs = {need.key: need for need in ports.needs(system, here, RunShape(direct=True))}
    assert needs["stores/db/main"] == ports.PortNeed("stores/db/main", 5432, True, store="db")
    alone = demo(
        model().replace(", stores: {db: db}", "").replace('DB: "${stores.db.url}"', "A: b")
    )
    needs = {need.key: need for need in ports.needs(alone, here, RunShape())}
    assert (needs["stores/db/main"].preferred, needs["stores/db/main"].fixed) == (5432, True)


def test_the_first_user_logs_in_as_programs_do_and_the_others_as_before():
    bindings = bindings_of(model())
    url = redact(bindings.store_outputs("db", "web")["url"])
    assert url == "postgresql://notes:<secret stores/db/web>@127.0.0.1:5432/db"
    assert bindings.known_passwords() == {
        "stores/db/web": "12345",
        "stores/broker/web": "guest",
    }
    assert "//api:" in redact(bindings.store_outputs("db", "api")["url"])
    text = said(planned(bindings, "local").node("db").launch)
    assert 'ALTER ROLE "notes" LOGIN' in text
    assert "12345" not in text, "a secret stands in a plan by its path"


def test_a_program_that_knows_the_administrator_alone_is_let_in_as_it_and_nothing_is_taken_away():
    shared = model("{user: postgres, password: pw}").replace(
        "kind: postgres,", "kind: postgres, shared: true,"
    )
    bindings = bindings_of(shared)
    assert redact(bindings.store_outputs("db", "web")["url"]).startswith(
        "postgresql://postgres:<secret stores/db/admin>@"
    )
    assert bindings.known_passwords()["stores/db/admin"] == "pw"
    text = said(planned(bindings, "local").node("db").launch)
    assert 'ROLE "postgres"' not in text
    assert 'FOR ROLE postgres IN SCHEMA public GRANT ALL ON TABLES TO "tarmac.shared"' in text


@pytest.mark.parametrize("kind", ["postgres", "mysql", "redis", "mongodb"])
def test_no_environment_has_the_port_or_the_login(kind):
    text = model("{port: 5999, user: notes, password: known.by.all}", kind)
    system = demo(text)
    plan = deploy(system, "production", KINDS)
    rendered = "\n".join(
        write(artifact, "")
        for renderer in registry.load(render, "RENDERER").values()
        if "compose" in renderer.targets
        for artifact in renderer.render(plan)
        if isinstance(artifact.content, str) or artifact.data is not None
    )
    assert "compose" in rendered
    for word in ("5999", "notes", "known.by.all", "guest"):
        assert word not in rendered, word


def test_what_a_program_knows_is_not_rotated():
    bindings = bindings_of(model())
    with pytest.raises(BadInput, match=r"stores/db/web: `local` of db has it"):
        rotatable.find(bindings, "db/web", ())
    assert rotatable.find(bindings, "db/api", ())
    rotated = bindings_of(model(), rotated={("db", "web"): 3, ("db", "api"): 3})
    paths = {user.service: user.password.path for user in rotated.views["db"].users}
    assert paths == {"web": "stores/db/web", "api": "stores/db/api/password-3"}


@pytest.mark.parametrize(
    ("local", "where", "what"),
    [
        ("{}", "7:31", "is empty; write `port`, `host`, `user` or `password`"),
        ("{port: 8080}", "7:38", "db and web.http (tarmac.yaml:4:36) both use port 8080"),
        ("{port: 5672}", "8:40", "the broker and db (tarmac.yaml:7:38) both use port 5672"),
        ("{user: a b}", "7:38", "use up to 32 letters"),
        ('{password: "a\'b"}', "7:42", "use letters, digits and the signs ._~!*+=,-"),
        ("{password: true}", "7:42", "true"),
        ("{pasword: x}", "7:32", "did you mean 'password'?"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(local, where, what):
    found = problems(model(local))
    assert any(line.startswith(f"tarmac.yaml:{where}") and what in line for line in found), found


@pytest.mark.parametrize(
    ("kind", "local", "what"),
    [
        ("mysql", "{user: tarmac}", "'tarmac' is the administrator of MySQL here"),
        ("s3", "{user: tarmac}", "'tarmac' is the administrator"),
        ("postgres", '{password: ""}', "PostgreSQL takes no empty password of a user; write one"),
        ("redis", '{password: ""}', "write `passwordless: true` instead"),
    ],
)
def test_a_login_that_a_kind_cannot_have_is_refused_by_the_plan(kind, local, what):
    system = demo(model(local, kind))
    with pytest.raises(BadInput, match=what) as refused:
        resolve(system, "local", facts_for(system), KINDS)
    assert "tarmac.yaml:7:" in refused.value.problems[0].where


def test_a_user_of_mysql_may_have_no_password():
    bindings = bindings_of(model('{port: 3306, user: root, password: ""}', "mysql"))
    assert bindings.known_passwords()["stores/db/web"] == ""
    assert "'root'@'%'" in said(planned(bindings, "local").node("db").launch)


def test_a_note_says_that_one_copy_runs_here():
    plan = resolve(demo(model()), "local", facts_for(demo(model())), KINDS)
    assert "db: localhost:5432 leads to it, so one copy of this system runs here" in plan.notes
    assert plan.node("db").about.endswith(", for programs at localhost:5432")


@pytest.mark.parametrize("kind", ["nats", "kafka"])
def test_a_broker_without_a_password_is_one_on_this_machine_alone(kind):
    text = model().replace("kind: rabbitmq, local:", f"kind: {kind}, passwordless: true, local:")
    text = text.replace(", user: guest, password: guest", "")
    launch = planned(bindings_of(text), "local").node("broker").launch
    assert ("no_auth_user" in said(launch)) or ("User:ANONYMOUS" in said(launch))
    away = bindings_of(text, environment="production")
    assert [view.passwordless for view in away.views.values()] == [False, False]


def test_a_mongodb_without_a_password_gives_an_address_without_a_login_here_alone():
    text = model("{port: 5432}", "mongodb").replace(
        "kind: mongodb,", "kind: mongodb, passwordless: true,"
    )
    here, away = bindings_of(text), bindings_of(text, environment="production")
    assert redact(here.store_outputs("db", "web")["url"]).startswith("mongodb://127.0.0.1:5432/db")
    assert "mongodb://web:" in redact(away.store_outputs("db", "web")["url"])


def test_a_broker_that_always_asks_is_refused_without_a_password():
    text = model().replace("kind: rabbitmq,", "kind: rabbitmq, passwordless: true,")
    system = demo(text)
    with pytest.raises(BadInput, match="a broker of kind rabbitmq always requires a password"):
        resolve(system, "local", facts_for(system), KINDS)
