"""The services' folders: the shop's six are there, and each part is laid out like the others."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

SHOP = {
    "api-gateway",
    "user-service",
    "product-service",
    "order-service",
    "payment-service",
    "notification-service",
}
KEYS = {
    "part", "package", "api", "slots", "calls", "publishes", "consumes", "settings", "secrets",
    "routes",
}  # fmt: skip
_SQL = re.compile(r"\s*(SELECT|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|WITH\s+\w+\s+AS)\b")


@pytest.fixture(scope="module")
def parts(root):
    found = sorted(path.parent for path in root.glob("services/*/pyproject.toml"))
    assert found
    return found


def test_the_shop_is_composed_of_its_six_services_from_folders_that_are_there(root, parts):
    system = root / "systems/shop/tarmac.yaml"
    services = yaml.safe_load(system.read_text())["services"]
    assert services.keys() >= SHOP
    for name in SHOP:
        source = services[name]["source"]
        for folder in [source] if isinstance(source, str) else source:
            assert (system.parent / folder).resolve() in parts, f"{name}: {folder}"


def test_every_part_is_laid_out_alike(parts):
    for part in parts:
        name = part.name
        declared = yaml.safe_load((part / "service.yaml").read_text())
        assert declared["part"] == name
        assert declared["package"] == f"tarmac_{name}"
        assert declared.keys() - KEYS == set()
        package = part / f"tarmac_{name}"
        assert (package / "app.py").is_file(), name
        assert (package / "py.typed").is_file(), name
        assert list((part / "tests").glob("test_*.py")), name
        project = tomllib.loads((part / "pyproject.toml").read_text())["project"]
        assert project["name"] == f"tarmac-{name}"


def test_every_part_is_locked_linted_and_checked_for_types(root, parts):
    """What `make lint` and the lock file look at includes each part, by their own word."""
    locked = tomllib.loads((root / "uv.lock").read_text())["package"]
    members = {
        locked_package["source"]["editable"]
        for locked_package in locked
        if "editable" in locked_package["source"]
    }
    ruff = Path(sys.executable).with_name("ruff")
    linted, commands = (
        subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True).stdout
        for argv in ((ruff, "check", "--show-files", "."), ("make", "-n", "-o", "sync", "lint"))
    )
    assert re.search(r"ruff check \.$", commands, re.MULTILINE)
    [types] = re.findall(r"mypy .*", commands)
    for part in parts:
        package = part / f"tarmac_{part.name}"
        assert f"services/{part.name}" in members
        assert str(package / "app.py") in linted.splitlines()
        assert str(package.relative_to(root)) in types.split()
        assert "mypy" not in tomllib.loads((part / "pyproject.toml").read_text()).get("tool", {})


def test_every_topic_that_a_part_publishes_has_a_schema_beside_it(parts):
    missing = []
    for part in parts:
        for topic in yaml.safe_load((part / "service.yaml").read_text()).get("publishes") or []:
            schema = part / f"tarmac_{part.name}" / "schemas" / f"{topic}.json"
            missing += [] if schema.is_file() else [str(schema)]
    assert missing == []


def statements(tree):
    """Return the lines of the strings of a module that are SQL statements."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.match(node.value)
    ]


def test_an_sql_statement_is_recognised():
    code = 'a = "SELECT 1"\nb = "Select a product"\nc = """\n  UPDATE orders SET status = $1"""\n'
    assert statements(ast.parse(code)) == [1, 3]


def test_sql_stands_in_the_repository_file_and_nowhere_else(shipped):
    services = [s for s in shipped if s.name.startswith("services/")]
    assert any(statements(s.tree) for s in services if s.path.name == "repository.py")
    found = [
        f"{s.name}:{line}"
        for s in services
        if s.path.name != "repository.py"
        for line in statements(s.tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    "name_of_env",
    [
        "TRUSTED_PROXIES",  # else all visitors have the entry's address, and share one limit
        "PUBLIC_URL",  # else their cookies may go without https
    ],
)
def test_pages_behind_an_entry_know_their_visitors_and_how_they_come(root, name_of_env):
    systems = [yaml.safe_load(p.read_text()) for p in root.glob("systems/*/tarmac.yaml")]
    pages = {
        (system["system"], name): name_of_env in {**system["env"], **service["env"]}
        for system in systems
        for name, service in system["services"].items()
        if service["source"] == "../../services/web" and service.get("public")
    }
    assert len(pages) >= 3
    assert [page for page, told in pages.items() if not told] == []


def test_accounts_behind_a_proxy_know_where_their_users_are(root):
    """Else all users share the gateway's address, and one limit of logins."""
    systems = [yaml.safe_load(p.read_text()) for p in root.glob("systems/*/tarmac.yaml")]
    accounts = {
        (system["system"], name): "TRUSTED_PROXIES" in service["env"]
        for system in systems
        for name, service in system["services"].items()
        if service["source"] == "../../services/identity"
    }
    assert len(accounts) >= 3
    assert [service for service, told in accounts.items() if not told] == []
