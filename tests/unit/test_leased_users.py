"""Users of databases that Vault makes for a while: what services read, and what Vault is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from demo_system import KINDS, demo
from objects import objects_of

from tarmac.base.artifact import Artifact, write
from tarmac.base.errors import BadInput
from tarmac.plan.cluster import secrets_of
from tarmac.plan.deploy import deploy
from tarmac.render.kubernetes import leased_users, network, secrets, services, vault

MODEL = """
    tarmac: 1
    system: demo
    services:
      web:
        run: [npm, start]
        port: 8080
        env: {{DATABASE_FILE: "${{stores.db.url_file}}", CACHE: "${{stores.cache.url}}"{more}}}
        secrets: [KEY]
    stores: {{db: postgres, cache: redis}}
    environments:
      prod: {settings}
    """
LEASED = "{secrets: vault, vault: {lease: 20m}}"


def rendered(settings: str = LEASED, more: str = "") -> dict[str, Artifact]:
    """Render what Secrets are filled by, pods and what Vault is told, by path."""
    plan = deploy(demo(MODEL.format(settings=settings, more=more)), "prod", KINDS)
    return {
        artifact.path: artifact
        for module in (leased_users, network, secrets, services, vault)
        for artifact in module.render(plan)
    }


def text_of(artifact: Artifact) -> str:
    """Give a file's text."""
    return write(artifact, "")


def test_the_url_is_in_a_file_of_a_folder_that_is_renewed_four_times_in_a_users_life():
    made = rendered()
    filled = made["k8s/web/externalsecret-leased.yaml"].data["spec"]
    assert filled["refreshInterval"] == "5m"
    assert filled["target"]["template"]["data"] == {
        "db.url": 'postgresql://{{ index . "leased.db.web.username" }}:'
        '{{ index . "leased.db.web.password" }}@db:5432/db'
    }
    (source,) = filled["dataFrom"]
    assert source["rewrite"] == [{"regexp": {"source": "^(.*)$", "target": "leased.db.web.$1"}}]
    made_by = made["k8s/web/vaultdynamicsecret-db.yaml"].data
    assert source["sourceRef"]["generatorRef"]["name"] == made_by["metadata"]["name"]
    assert made_by["spec"]["path"] == "database/creds/demo.prod.web.db"
    pod = made["k8s/web/deployment.yaml"].data["spec"]["template"]["spec"]
    mounted = {mount["mountPath"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert "subPath" not in mounted["/run/secrets/leased"]
    (volume,) = [one for one in pod["volumes"] if one["name"] == "leased-files"]
    assert volume["secret"]["secretName"] == filled["target"]["name"]


def test_flagger_copies_no_user_that_goes():
    of = objects_of("shop", "production", "ExternalSecret")
    metadata = {
        one["metadata"]["name"]: one["spec"]["target"]["template"].get("metadata") for one in of
    }
    untracked = {"annotations": {"flagger.app/config-tracking": "disabled"}}
    assert metadata["product-service-leased"] == untracked
    assert metadata["product-service-secrets"] is None
    assert metadata["order-service-leased"] is None


def test_the_rest_comes_from_vault_too_each_account_its_own():
    made = rendered()
    filled = made["k8s/web/externalsecret-secrets.yaml"].data["spec"]
    read = [one["remoteRef"] for one in filled["data"]]
    paths = ["demo/prod/services/web/KEY", "demo/prod/stores/cache/web"]
    assert read == [{"key": path, "property": "value"} for path in paths]
    store = made["k8s/web/secretstore.yaml"].data["spec"]["provider"]["vault"]
    assert store["auth"]["kubernetes"]["role"] == "demo.prod.web"
    policy = text_of(made["vault/policies/web.hcl"])
    granted = {line.split('"')[1] for line in policy.splitlines() if line.startswith("path")}
    assert granted == {
        *(f"secret/data/{path}" for path in paths),
        "database/creds/demo.prod.web.db",
    }
    assert "stores/db/web" not in str([text_of(artifact) for artifact in made.values()])


def test_a_login_lasts_as_long_as_the_user_that_hangs_on_it():
    made = rendered()
    account = json.loads(text_of(made["vault/accounts/web.json"]))
    user = json.loads(text_of(made["vault/users/web.db.json"]))
    assert account["token_ttl"] == user["default_ttl"] == user["max_ttl"] == "1200s"
    assert account["bound_service_account_namespaces"] == ["demo"]


def test_vault_reaches_the_databases_and_nothing_else():
    made = rendered()
    vaults = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "vault"}}}
    let_in = {
        name
        for name in ("db", "cache", "web")
        for rule in made[f"k8s/{name}/networkpolicy.yaml"].data["spec"]["ingress"]
        if vaults in rule["from"]
    }
    assert let_in == {"db"}


def test_with_passwords_of_another_keeper_vault_makes_the_users_alone():
    made = rendered("{secrets: script, vault: {lease: 20m}}")
    assert "k8s/web/externalsecret-secrets.yaml" not in made
    assert "k8s/web/secretstore.yaml" not in made
    assert "secretStoreRef" not in made["k8s/web/externalsecret-leased.yaml"].data["spec"]
    assert "stores.db.web" not in text_of(made["scripts/secrets.sh"])
    told = text_of(made["vault/configure.sh"])
    assert "part " not in told.partition("enable auth")[2]
    assert "server db postgresql-database-plugin" in told


def test_a_vault_elsewhere_is_asked_there_and_not_installed():
    settings = "{secrets: vault, vault: {address: 'https://vault.example.com'}}"
    made = rendered(settings, ', DATABASE_URL: "${stores.db.url}"')
    store = made["k8s/web/secretstore.yaml"].data["spec"]["provider"]["vault"]
    assert store["server"] == "https://vault.example.com"
    assert "caProvider" not in store
    assert not {path for path in made if path.startswith(("vault/values", "vault/users"))}


def test_a_role_in_the_cloud_is_not_given_users_that_nothing_keeps():
    cloud = (
        "{cloud: aws, region: eu-west-1, registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/x"
    )
    settings = f"{cloud}, servers: {{rds: [db]}}, vault: {{lease: 1h}}}}"
    plan = deploy(demo(MODEL.format(settings=settings, more="")), "prod", KINDS)
    held = {secret.path for secret in secrets_of(plan.workload("web"))}
    assert held == {
        *("services/web/KEY", "stores/cache/web"),
        *(f"stores/db/web/{output}" for output in ("host", "port", "database")),
    }
    told = text_of(next(a for a in vault.render(plan) if a.path == "vault/configure.sh"))
    assert "server_elsewhere db postgresql-database-plugin" in told


@pytest.mark.parametrize(
    ("settings", "more", "said"),
    [
        (
            LEASED,
            ', URL: "${stores.db.url}"',
            r"tarmac\.yaml:7:86: web keeps the user of 'db' .* lives for 20m; use .*_file",
        ),
        ("{vault: {lease: 4m}}", "", r"lease is '4m'; it must be at least 5m"),
        ("{vault: {}}", "", r"`vault` is used for nothing here; write `secrets: vault` beside it"),
        (
            "{secrets: vault, vault: {address: 'http://vault'}}",
            "",
            r"address is 'http://vault'; write an address, e\.g\. https://",
        ),
    ],
)
def test_what_cannot_be_so_is_said_with_its_place(settings: str, more: str, said: str):
    with pytest.raises(BadInput, match=said):
        rendered(settings, more)


def test_a_lease_without_a_postgresql_is_refused():
    model = MODEL.format(settings=LEASED, more="").replace("db: postgres", "db: mysql")
    with pytest.raises(BadInput, match=r"no service logs into a PostgreSQL; remove `lease`"):
        deploy(demo(model), "prod", KINDS)


def test_the_script_ends_at_once_where_vault_does_not_know_its_caller(tmp_path: Path):
    made = rendered()
    (tmp_path / "configure.sh").write_text(text_of(made["vault/configure.sh"]))
    for program in ("vault", "kubectl"):
        (tmp_path / program).write_text("#!/bin/sh\necho asked >&2\nexit 2\n")
        (tmp_path / program).chmod(0o755)
    command = ["bash", str(tmp_path / "configure.sh")]
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "Vault does not know you" in done.stderr
    assert yaml.safe_load(text_of(made["vault/tls.yaml"]).partition("---")[0])["kind"] == "Issuer"
