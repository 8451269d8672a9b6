"""What `up` refuses of a file is known before it is written, and nothing is started for it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from repository import text_of

from tarmac.adopt.survey.found import KnownPlace, Service, Store, Survey
from tarmac.cli.output.init_result import checked
from tarmac.run.local.supervisor.dry_run import dry_run

MODEL = """\
tarmac: 1
system: demo
services:
  web: {run: [sh, -c, sleep 9], port: 18080WEB}
  api: {run: [sh, -c, sleep 9], port: 18081API}
stores:
  db: {kind: postgresDB}
"""


def model(**parts: str) -> str:
    text = MODEL
    for name in ("WEB", "API", "DB"):
        text = text.replace(name, parts.get(name.lower(), ""))
    return text


@pytest.mark.parametrize(
    ("parts", "where", "what"),
    [
        ({"web": ", calls: [lost]"}, "4:", "lost"),
        ({"web": ", cwd: lost"}, "4:", "cwd of web is not there"),
        ({"web": ', env: {A: "${stores.db.bucket}"}'}, "4:", "bucket"),
        ({"web": ", calls: [api]", "api": ", calls: [web]"}, "5:", "a cycle"),
        ({"db": ", init: [lost.sql]", "web": ", stores: {db: db}"}, "7:", "lost.sql"),
        ({"db": ", local: {user: a, password: ''}", "web": ", stores: {db: db}"}, "7:", "no empty"),
    ],
)
def test_what_the_model_or_the_plan_refuses_is_named_with_its_place(tmp_path, parts, where, what):
    (problem, *_), _ = dry_run(str(tmp_path / "tarmac.yaml"), model(**parts))
    assert f"tarmac.yaml:{where}" in problem.where
    assert what in problem.what
    assert list(tmp_path.iterdir()) == []


def test_a_good_file_is_refused_nothing_and_leaves_nothing_behind(tmp_path):
    file = str(tmp_path / "tarmac.yaml")
    assert dry_run(file, model(web=", stores: {db: db}")) == ((), ())
    assert list(tmp_path.iterdir()) == []


def test_what_this_machine_lacks_or_has_in_use_is_no_fault_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = model(db=f", local: {{port: {port}}}", web=", stores: {db: db}, listen: fixed")
        text += "  other: mysql\n"
        problems, lacks = dry_run(str(tmp_path / "tarmac.yaml"), text.replace("sh,", "yarn,"))
    assert problems == ()
    said = "\n".join(lacks)
    assert f"db: port {port} is taken by pid" in said
    assert "other: " in said
    assert "yarn" in said


def found(**changes) -> Survey:
    web = Service("web", run="sh web.sh", ports={"http": 18080}, **changes)
    db = Store("db", "postgres", known=KnownPlace(18080, "me", "x"))
    return Survey(services=(web,), stores=(db,))


def test_what_would_be_refused_is_not_in_the_file_and_its_reason_is(tmp_path: Path):
    file = tmp_path / "tarmac.yaml"
    asked = found(env={"A": "1", "B": "${stores.db.bucket}"}, stores=("db",))
    written, text, complaints, _ = checked(asked, file, "demo")
    assert complaints == ()
    assert written.services[0].env == {"A": "1"}
    assert "# left out, B: ${stores.db.bucket}: " in text
    assert "# left out, `local`: db and web.http" in text
    assert text == text_of(written)
    assert dry_run(str(file), text).problems == ()


def test_one_after_the_other_goes_what_leads_to_a_service_that_is_not_there(tmp_path: Path):
    lost = Service("api", run="sh api.sh", folder="lost", ports={"http": 18081})
    asked = found(env={"API": "${services.api.url}"}, calls=("api",))
    both = Survey(services=(*asked.services, lost))
    written, text, complaints, _ = checked(both, tmp_path / "tarmac.yaml", "demo")
    assert complaints == ()
    assert [(service.name, service.env, service.calls) for service in written.services] == [
        ("web", {}, ())
    ]
    assert "# - api (`sh api.sh`): cwd of api is not there ('lost')" in text
