"""No service reaches into another one: not its code, and not its database (FND-07)."""

from __future__ import annotations

import re

import pytest
import yaml

#: Kinds whose server holds one service's own rows. A cache or a mail sink may be shared: each
#: service has credentials of its own there, and a prefix of its own.
DATABASES = {"postgres", "mongodb"}


def reads_logs(spec, folder):
    """Tell whether a service only reads a database's log of changes, for who writes there."""
    sources = spec.get("source") or []
    for source in [sources] if isinstance(sources, str) else sources:
        part = yaml.safe_load((folder / source / "service.yaml").read_text())
        if any(slot.get("replication") for slot in (part.get("slots") or {}).values()):
            return True
    return False


def shared_databases(system, folder=None):
    """Return {store: services} for the databases that more than one service is bound to."""
    kinds = {
        name: spec if isinstance(spec, str) else spec["kind"]
        for name, spec in (system.get("stores") or {}).items()
    }
    users = {}
    for service, spec in (system.get("services") or {}).items():
        if folder is not None and reads_logs(spec, folder):
            continue
        for store in (spec.get("stores") or {}).values():
            if kinds.get(store) in DATABASES:
                users.setdefault(store, []).append(service)
    return {store: services for store, services in users.items() if len(services) > 1}


def literal_urls(system):
    """Return the environment values that name a store's server by hand instead of by a binding."""
    found = []
    for service, spec in (system.get("services") or {}).items():
        for key, value in (spec.get("env") or {}).items():
            text = str(value)
            if "://" in text and "@" in text and "${" not in text:
                found.append(f"{service}: {key}")
    return found


@pytest.fixture(scope="module")
def systems(root):
    found = {
        p.parent.name: yaml.safe_load(p.read_text()) for p in root.glob("systems/*/tarmac.yaml")
    }
    assert "shop" in found
    return found


def test_a_database_that_two_services_open_is_recognised():
    system = {
        "services": {
            "orders": {"stores": {"db": "orders-db", "cache": "cache"}},
            "reports": {"stores": {"db": "orders-db", "cache": "cache"}},
        },
        "stores": {"orders-db": {"kind": "postgres"}, "cache": "redis"},
    }
    assert shared_databases(system) == {"orders-db": ["orders", "reports"]}


def test_a_connection_string_written_by_hand_is_recognised():
    by_hand = {"services": {"reports": {"env": {"DB": "postgresql://u:p@orders-db/orders"}}}}
    by_name = {"services": {"reports": {"env": {"DB": "${stores.reports-db.url}"}}}}
    assert literal_urls(by_hand) == ["reports: DB"]
    assert literal_urls(by_name) == []


def test_each_database_of_a_system_is_opened_by_one_service_only(systems, root):
    # Who reads a log of changes has a user that writes nothing there.
    assert {
        name: shared_databases(system, root / "systems" / name) for name, system in systems.items()
    } == {name: {} for name in systems}


def test_no_system_writes_a_connection_string_by_hand(systems):
    assert {name: literal_urls(system) for name, system in systems.items()} == {
        name: [] for name in systems
    }


CREATED = re.compile(r"\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?\"?(\w+)", re.IGNORECASE)


def touched(sql, table):
    """Tell whether a text of SQL reads or writes a table."""
    return re.search(rf"\b(from|join|into|update)\s+\"?{table}\b", sql, re.IGNORECASE)


def test_a_statement_that_touches_a_table_is_recognised():
    assert CREATED.findall("CREATE TABLE IF NOT EXISTS stock (id uuid)") == ["stock"]
    assert touched("SELECT * FROM products p LEFT JOIN stock s ON ...", "stock")
    assert not touched("SELECT stock FROM products", "stock")


def test_no_service_reads_another_parts_tables(root):
    owners = {}
    for migration in root.glob("services/*/tarmac_*/migrations/*.sql"):
        for table in CREATED.findall(migration.read_text()):
            owners.setdefault(table.lower(), set()).add(migration.parts[-4])
    assert owners
    assert {table: parts for table, parts in owners.items() if len(parts) > 1} == {}
    found = [
        f"{source.relative_to(root)} touches {table} of {part}"
        for source in root.glob("services/*/tarmac_*/repository.py")
        for table, parts in owners.items()
        for part in parts - {source.parts[-3]}
        if touched(source.read_text(), table)
    ]
    assert found == []
