"""What runs to its end: set-up of stores, migrations and tasks."""

from __future__ import annotations

import pytest
from demo_system import DEMO, demo
from objects import objects, objects_of, pods_of
from rendered import KINDS, RENDERERS, TYPICAL, plan_of

from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

every = pytest.mark.parametrize(("system", "environment"), TYPICAL)

TASKS = """        port: 8080
        tasks:
          prices: {run: [bin/load, --all]}
          nightly: {run: [bin/clean], schedule: 0 3 * * *}
        volumes: {uploads: uploads}
"""


def jobs(system: str, version: str = "0.1.0"):
    more = f"\n    environments: {{kind: {{version: {version}}}}}\n"
    plan = deploy(demo(system + more), "kind", KINDS)
    found = objects(artifacts(plan, RENDERERS, ["k8s-jobs"]))
    return {manifest["metadata"]["name"].rsplit("-", 1)[0]: manifest for manifest in found}


@every
def test_every_service_with_tables_has_a_migration_and_every_store_its_set_up(system, environment):
    plan = plan_of(system, environment)
    made = {
        (pods.name, pods.labels["app.kubernetes.io/component"])
        for pods in pods_of(system, environment)
        if pods.of["kind"] == "Job"
    }
    migrated = {
        (f"{service.name}-migration", "migration") for service in plan.services if service.migrates
    }
    stores = (*plan.stores, *plan.setups)
    set_up = {(f"{store.name}-setup", "setup") for store in stores if store.once}
    assert made == migrated | set_up
    for service in plan.services:
        tables = [e for e in plan.allowed if e.source == service.name and "db" in e.target]
        # Who only reads a log of changes keeps no tables.
        capture = service.parts == ("tarmac_capture",)
        documents = service.parts == ("tarmac_profiles",)
        assert service.migrates is (bool(tables) and not capture and not documents)


@every
def test_a_job_ends_and_is_given_what_its_workload_is_given(system, environment):
    for pods in pods_of(system, environment):
        if pods.of["kind"] != "Job":
            continue
        assert pods.spec["restartPolicy"] == "Never"
        assert pods.of["spec"]["activeDeadlineSeconds"] > 0
        assert "ttlSecondsAfterFinished" not in pods.of["spec"], "its name says what was done"
        (container,) = pods.spec["containers"]
        if container["name"] == "migration":
            (same,) = [
                p.spec["containers"][0]
                for p in pods_of(system, environment)
                if p.name == pods.name.removesuffix("-migration")
            ]
            assert container["env"] == same["env"]
            assert container["envFrom"] == same["envFrom"]
            assert container["image"] == same["image"]
            assert container["command"][:3] == ["python3", "-m", "tarmac_kit.migrate"]


def test_a_jobs_name_changes_with_what_it_does_and_only_then():
    first, again = jobs(DEMO), jobs(DEMO)
    assert first == again
    later = jobs(DEMO, version="0.2.0")
    name = "order-service-migration"
    assert first[name]["metadata"]["name"] != later[name]["metadata"]["name"]
    # A store's set-up is the same for the next version of a service, and is not done again.
    assert first["orders-db-setup"] == later["orders-db-setup"]


def test_a_new_user_of_a_store_is_a_new_set_up():
    fewer = DEMO.replace("STORE: ${stores.orders-db.url}", "STORE: none")
    assert fewer != DEMO
    before, after = jobs(fewer)["orders-db-setup"], jobs(DEMO)["orders-db-setup"]
    assert before["metadata"]["name"] != after["metadata"]["name"]
    assert before["spec"] == after["spec"], "only what its secret file says is another"


def test_a_new_user_of_a_server_whose_files_name_its_users_replaces_its_pod():
    def annotations(system: str, store: str) -> str:
        plan = deploy(demo(system + "\n    environments: {kind: {}}\n"), "kind", KINDS)
        found = objects(artifacts(plan, RENDERERS, ["k8s-stores"]))
        (server,) = [
            o for o in found if o["kind"] == "StatefulSet" and o["metadata"]["name"] == store
        ]
        return str(server["spec"]["template"]["metadata"]["annotations"])

    fewer = DEMO.replace("cache: cache}", "}").replace(
        "STORE: ${stores.orders-db", "X: ${stores.cache"
    )
    assert annotations(DEMO, "cache") != annotations(fewer, "cache")
    # A database is told by its set-up, and stays up.
    assert annotations(DEMO, "orders-db") == annotations(fewer, "orders-db")


def test_tasks_run_once_for_a_version_or_by_the_clock():
    found = jobs(DEMO.replace("        port: 8080\n", TASKS, 1))
    task = found["web-prices"]["spec"]["template"]["spec"]
    assert task["containers"][0]["command"] == ["bin/load", "--all"]
    assert task["serviceAccountName"] == "web"
    clock = next(manifest for manifest in found.values() if manifest["kind"] == "CronJob")
    assert clock["metadata"]["name"] == "web-nightly"
    assert clock["spec"]["schedule"] == "0 3 * * *"
    assert clock["spec"]["concurrencyPolicy"] == "Forbid"
    container = clock["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["bin/clean"]
    # One disk is on one node: what runs by the clock goes where the service is.
    pod = clock["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (near,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert near["labelSelector"]["matchLabels"] == {"app.kubernetes.io/name": "web"}
    for spec in (task, pod):
        claims = [v["persistentVolumeClaim"] for v in spec["volumes"] if v["name"] == "uploads"]
        assert claims == [{"claimName": "web-uploads"}]
        assert "uploads" in {m["name"] for m in spec["containers"][0]["volumeMounts"]}


def test_pods_that_run_to_their_end_are_no_services_pods():
    for environment in ("kind", "production"):
        selectors = [
            manifest["spec"]["selector"] for manifest in objects_of("shop", environment, "Service")
        ]
        for pods in pods_of("shop", environment):
            if pods.of["kind"] == "Job":
                assert not [s for s in selectors if s.items() <= pods.labels.items()]
