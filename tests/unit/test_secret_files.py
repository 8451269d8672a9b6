"""A secret that a program opens as a file is one: here, in a cluster and under Compose."""

from __future__ import annotations

import subprocess

import pytest
from demo_system import KINDS, demo, facts_for, problems

from tarmac.base.artifact import write
from tarmac.base.errors import BadInput
from tarmac.base.launch import redact
from tarmac.plan.deploy import deploy
from tarmac.plan.resolve import resolve
from tarmac.render.compose import compose
from tarmac.render.compose.parts.secret_script import script
from tarmac.render.kubernetes import services as kubernetes_services

MODEL = """
    tarmac: 1
    system: vault
    services:
      web:
        run: [npm, start]
        port: 8080
        env: {DB_PASSWORD_FILE: "${stores.db.password_file}"}
        secrets: [PLAIN, {API_KEY_FILE: {as: file}}]
        tasks: {once: {run: [npm, run, once]}}
    stores: {db: postgres}
    environments: {kind: {}, compose: {}}
    """
IN_A_CONTAINER = {
    "API_KEY_FILE": "/run/secrets/API_KEY_FILE",
    "DB_PASSWORD_FILE": "/run/secrets/db.password",
}


def test_here_each_is_a_file_of_the_copy_that_only_its_owner_reads():
    system = demo(MODEL)
    facts = facts_for(system)
    plan = resolve(system, "local", facts, KINDS)
    for node in (plan.node("web"), plan.node("web.once")):
        folder = f"{facts.home}/secret-files/web"
        assert {file.path: (redact(file.content), file.mode) for file in node.launch.files} == {
            f"{folder}/API_KEY_FILE": ("<secret services/web/API_KEY>", 0o600),
            f"{folder}/db.password": ("<secret stores/db/web>", 0o600),
        }
        env = node.launch.env
        assert redact(env["API_KEY_FILE"]) == f"{folder}/API_KEY_FILE"
        assert redact(env["DB_PASSWORD_FILE"]) == f"{folder}/db.password"
        assert redact(env["PLAIN"]) == "<secret services/web/PLAIN>"


def test_in_a_cluster_each_is_mounted_from_the_services_secret():
    plan = deploy(demo(MODEL), "kind", KINDS)
    (found,) = [
        artifact
        for artifact in kubernetes_services.render(plan)
        if artifact.path.endswith("web/deployment.yaml")
    ]
    pod = found.data["spec"]["template"]["spec"]
    mounted = {
        mount["subPath"]: mount["mountPath"]
        for mount in pod["containers"][0]["volumeMounts"]
        if mount["name"] == "secret-files"
    }
    assert mounted == {path.rpartition("/")[2]: path for path in IN_A_CONTAINER.values()}
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "secret-files"]
    assert volume["secret"] == {"secretName": "web-secrets", "defaultMode": 0o440}


def test_under_compose_each_is_a_secret_whose_file_the_script_writes(tmp_path):
    plan = deploy(demo(MODEL), "compose", KINDS)
    content = compose.base(plan).data
    web = content["services"]["web"]
    assert IN_A_CONTAINER.items() <= web["environment"].items()
    assert {one["target"] for one in web["secrets"]} == {*IN_A_CONTAINER.values()}
    assert "configs" not in web
    (tmp_path / "secrets.sh").write_text(write(script(plan), ""))
    for _ in range(2):  # it is run again when something is new
        subprocess.run(["sh", "secrets.sh", "/src"], cwd=tmp_path, check=True)
    values = dict(
        line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines() if "=" in line
    )
    written = {one["source"]: content["secrets"][one["source"]]["file"] for one in web["secrets"]}
    texts = {name: (tmp_path / path).read_text() for name, path in written.items()}
    assert texts == {
        "web-api-key-file": values["SERVICES_WEB_API_KEY"].strip("'"),
        "web-db-password": values["STORES_DB_WEB"].strip("'"),
    }
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("[A, A]", "secrets has 'A' twice; remove one of the two"),
        ("{A: {as: folder}}", "as is 'folder'"),
    ],
)
def test_a_list_of_secrets_that_is_wrong_is_an_error_at_its_place(line, wrong):
    (found,) = problems(MODEL.replace("[PLAIN, {API_KEY_FILE: {as: file}}]", line))
    assert wrong in found


def test_what_a_store_does_not_keep_secret_is_not_offered_as_a_file():
    system = demo(MODEL.replace("password_file", "host_file"))
    with pytest.raises(BadInput, match="has no output 'host_file'"):
        deploy(system, "kind", KINDS)
