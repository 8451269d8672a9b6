"""Stores on servers that Terraform makes: what of their URLs is rendered, and what makes users."""

from __future__ import annotations

import pytest
from demo_system import KINDS, demo

from tarmac.base.launch import redact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.plan.deploy import deploy
from tarmac.render.kubernetes import jobs, vault
from tarmac.render.kubernetes.parts import configs

MODEL = """
    tarmac: 1
    system: demo
    services:
      web:
        run: [npm, start]
        port: 8080
        env:
          DB: "${{stores.db.{output}}}"
          CACHE: "${{stores.cache.url}}"
          AT: "${{stores.db.host}}"
      api: {{run: [npm, start], port: 8081, env: {{DB: "${{stores.db.{output}}}"}}}}
    stores: {{db: {{kind: postgres{store}}}, cache: redis}}
    environments:
      prod:
        cloud: aws
        region: eu-west-1
        zones: 2
        registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/demo
        servers: {{rds: [db], elasticache: [cache]}}
        infrastructure:
          servers: {{rds: {{instance: db.t4g.small}}, elasticache: {{instance: cache.t4g.small}}}}
          passwords: {passwords}
        {more}
    """


def planned(
    passwords: int = 1, more: str = "secrets: external", store: str = "", output: str = "url"
) -> ClusterPlan:
    model = MODEL.format(passwords=passwords, more=more, store=store, output=output)
    return deploy(demo(model), "prod", KINDS)


def sql(setup: Workload) -> str:
    """Read what a set-up says to the server."""
    [once] = setup.once
    return redact(once.files[0].content)


def test_of_a_url_only_host_and_password_are_secret():
    held = {
        key: redact(value) for key, value in configs.secrets_in(planned().workload("web")).items()
    }
    host = "<secret servers/rds/host>"
    assert held == {
        "db": f"postgresql://web.db:<secret stores/db/web/password-1>@{host}:5432/db",
        "cache": "rediss://<secret servers/elasticache/host>:6379/0",
        "at": host,
    }


def test_each_service_has_a_user_of_its_own_and_the_administrator_is_no_superuser():
    [setup] = planned().setups
    said = sql(setup)
    for user in ("web.db", "api.db"):
        assert f'ALTER ROLE "{user}" LOGIN NOCREATEDB NOCREATEROLE PASSWORD' in said
    # Only a superuser may say it, even to deny it.
    assert "SUPERUSER" not in said
    assert "REPLICATION" not in said
    assert said.index("CREATE DATABASE") < said.index("\\connect") < said.index("CREATE ROLE")
    assert said.index("pg_advisory_lock") < said.index("CREATE DATABASE")


def test_what_users_share_is_the_stores_alone():
    [setup] = planned(store=", shared: true").setups
    assert '"tarmac.shared.db"' in sql(setup)
    assert '"tarmac.shared"' not in sql(setup)


def test_another_number_names_other_entries_another_job_and_other_pods():
    first, second = planned(1), planned(2)
    names = [
        {artifact.data["metadata"]["name"] for artifact in jobs.render(plan)}
        for plan in (first, second)
    ]
    assert names[0].isdisjoint(names[1])
    files = [plan.setups[0].once[0].files[0].path for plan in (first, second)]
    assert files == ["/setup/admin-1.sql", "/setup/admin-2.sql"]
    sums = [
        configs.checksums(plan.workload("web"))["tarmac.dev/sealed"] for plan in (first, second)
    ]
    assert sums[0] != sums[1]
    read = [set(plan.roles["web"].secrets) for plan in (first, second)]
    assert read[0] & read[1] == {"demo/prod/servers/rds/host", "demo/prod/servers/elasticache/host"}


@pytest.mark.parametrize("more", ["secrets: script", "secrets: vault"])
def test_where_nothing_reads_what_terraform_writes_a_person_says_it(more):
    plan = planned(more=more)
    assert plan.setups == ()
    assert not any(store.made for store in plan.managed)
    held = {redact(value) for value in configs.secrets_in(plan.workload("web")).values()}
    assert "<secret stores/db/web/url>" in held


def test_vault_finds_the_administrator_in_the_secret_of_the_set_up():
    plan = planned(more="vault: {lease: 1h}", output="url_file")
    [script] = [a for a in vault.render(plan) if a.path == "vault/configure.sh"]
    assert "server db postgresql-database-plugin" in str(script.content)
    assert "@SERVER:5432/db?sslmode=prefer' postgres pgpassword pghost" in str(script.content)
    assert "server_elsewhere db" not in str(script.content)
    [setup] = plan.setups
    assert 'ALTER ROLE "web.db" NOLOGIN' in sql(setup), "it owns what users for a while make"
