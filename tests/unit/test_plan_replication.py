"""A part that reads a store's log of changes gets a role that may, and the store a log to read."""

from __future__ import annotations

from demo_system import DEMO, KINDS, demo, facts_for, problems

from tarmac.base.launch import redact
from tarmac.plan.cluster import Scale
from tarmac.plan.deploy import deploy
from tarmac.plan.resolve import resolve

CAPTURE = """
    part: capture
    package: tarmac_capture
    slots:
      db: {kind: postgres, env: DATABASE_URL, replication: true}
    """
WITH_CAPTURE = DEMO.replace(
    "    stores:\n      orders-db: postgres",
    "      orders-capture: {source: services/capture, stores: {db: orders-db}}\n"
    "    stores:\n      orders-db: postgres",
)


def store_of(main: str):
    system = demo(main, capture=CAPTURE)
    return resolve(system, "local", facts_for(system), KINDS).node("orders-db").launch


def statements(launch) -> str:
    return "\n".join(redact(text) for text in launch.setup[0].statements)


def test_only_the_reader_of_the_log_may_read_it():
    sql = statements(store_of(WITH_CAPTURE))
    assert 'ALTER ROLE "orders_capture" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE REPL' in sql
    assert 'ALTER ROLE "order_service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPL' in sql


def test_the_reader_of_the_log_may_read_what_each_other_user_makes_and_write_nothing_of_it():
    sql = statements(store_of(WITH_CAPTURE))
    granted = 'FOR ROLE "{}" IN SCHEMA public GRANT SELECT ON TABLES TO "{}"'
    assert granted.format("order_service", "orders_capture") in sql
    assert granted.format("web", "orders_capture") in sql
    assert granted.format("orders_capture", "order_service") not in sql


def test_a_store_keeps_a_log_of_changes_only_if_a_service_reads_it():
    assert "wal_level=logical" in store_of(WITH_CAPTURE).argv
    assert any(part.startswith("max_slot_wal_keep_size=") for part in store_of(WITH_CAPTURE).argv)
    plain = store_of(DEMO)
    assert not [part for part in plain.argv if "wal_level" in part]
    assert "GRANT SELECT" not in statements(plain)


def test_the_reader_of_the_log_makes_nothing_in_the_database():
    sql = statements(store_of(WITH_CAPTURE))
    assert 'GRANT CONNECT ON DATABASE "orders" TO "orders_capture"' in sql
    assert 'GRANT USAGE ON SCHEMA public TO "orders_capture"' in sql
    assert 'GRANT ALL ON SCHEMA public TO "orders_capture"' not in sql
    assert 'GRANT ALL ON SCHEMA public TO "order_service"' in sql


def test_who_reads_the_log_may_publish_the_changes_of_tables_and_nobody_else():
    bound = "orders-capture: {source: services/capture, stores: {db: orders-db}"
    tables = WITH_CAPTURE.replace(bound, f"{bound}, publishes: [orders.public.orders]")
    assert problems(tables, capture=CAPTURE) == []
    (wrong,) = problems(tables, capture=CAPTURE.replace(", replication: true", ""))
    assert "orders-capture publishes 'orders.public.orders'" in wrong


def test_in_a_shared_store_the_reader_of_the_log_acts_as_itself_and_reads_what_is_shared():
    shared = "orders-db: {kind: postgres, shared: true}"
    sql = statements(store_of(WITH_CAPTURE.replace("orders-db: postgres", shared)))
    acting = 'ALTER ROLE "{}" IN DATABASE "orders" SET role'
    assert acting.format("order_service") in sql
    assert acting.format("orders_capture") not in sql
    assert 'FOR ROLE "tarmac.shared" IN SCHEMA public GRANT SELECT ON TABLES TO "orders_c' in sql


def scale_of(environment: str, part: str = CAPTURE) -> Scale:
    system = demo(f"{WITH_CAPTURE}\n    environments: {{it: {environment}}}\n", capture=part)
    return deploy(system, "it", KINDS).workload("orders-capture").scale


def test_a_reader_of_a_log_has_one_standby_and_no_autoscaler():
    many = scale_of("{replicas: {min: 3, max: 12, cpu: 70}}")
    assert (many.least, many.most, many.stay, many.automatic) == (2, 2, 1, False)
    # Where nothing has a second, it has none either.
    assert scale_of("{}") == Scale(1, 1)
    assert scale_of("{replicas: {min: 1, max: 12, cpu: 70}}") == Scale(1, 1)


def test_another_frameworks_reader_of_a_log_is_alone():
    foreign = CAPTURE.replace("package: tarmac_capture", "run: [python3, start.py]")
    assert scale_of("{replicas: {min: 3, max: 12, cpu: 70}}", foreign) == Scale(1, 1)
