"""tests/security-controls.yaml speaks of every requirement once, and names what is there."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections import Counter

import pytest
import yaml

KEYS = {"ids", "title", "status", "control", "where", "tests", "note"}
API = [f"API{n}" for n in range(1, 11)]
#: The requirements of levels 1 and 2 in OWASP ASVS 5.0.0.
ASVS_REQUIREMENTS = 253


@pytest.fixture(scope="module")
def controls(root):
    return yaml.safe_load((root / "tests/security-controls.yaml").read_text())


@pytest.fixture(scope="module")
def security_controls(root):
    """Return docs/security_controls.py as a module: docs/ is no package."""
    path = root / "docs/security_controls.py"
    spec = importlib.util.spec_from_file_location("security_controls", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mistakes(root, row):
    """Return what is wrong with a row: its members, or a file or test that is not there."""
    found = [f"unknown member {name}" for name in sorted(row.keys() - KEYS)]
    if row["status"] not in {"met", "partly", "not met", "not applicable"}:
        found.append(f"no such status: {row['status']}")
    if row["status"] == "met" and not row.get("tests"):
        found.append("met without a test")
    if (row["status"] in {"partly", "not met"}) != ("note" in row):
        found.append("a note says what is missing where something is, and only there")
    found += [f"{path} is not there" for path in row.get("where", ()) if not (root / path).exists()]
    for target in row.get("tests", ()):
        path, _, name = target.partition("::")
        if not (root / path).is_file() or name not in functions(root / path):
            found.append(f"{target} is not there")
    return found


@functools.cache
def functions(path):
    return {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_requirement_of_both_lists_has_one_row(controls, security_controls):
    required = security_controls.required(controls["requirements"])
    assert len(required) == len(set(required)) == ASVS_REQUIREMENTS
    rows = Counter(n for row in controls["asvs"] for n in security_controls.expanded(row["ids"]))
    assert rows == Counter(required)
    assert [row["ids"] for row in controls["api"]] == API


def test_every_row_names_files_and_tests_that_are_there(root, controls):
    wrong = {row["ids"]: mistakes(root, row) for row in [*controls["asvs"], *controls["api"]]}
    assert {ids: found for ids, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("row", "mistake"),
    [
        ({"status": "met"}, "met without a test"),
        ({"status": "fine"}, "no such status: fine"),
        ({"status": "partly"}, "a note says what is missing where something is, and only there"),
        ({"status": "not met", "note": "x", "where": ["gone.py"]}, "gone.py is not there"),
        (
            {"status": "met", "tests": ["tests/architecture/test_security_controls.py::test_gone"]},
            "tests/architecture/test_security_controls.py::test_gone is not there",
        ),
        ({"status": "not met", "note": "x", "proof": "y"}, "unknown member proof"),
    ],
)
def test_a_row_that_claims_too_much_is_recognised(root, row, mistake):
    assert mistakes(root, row) == [mistake]


def test_ranges_of_requirements_are_read(security_controls):
    assert security_controls.expanded("1.2.6-1.2.8, 1.3.8") == ["1.2.6", "1.2.7", "1.2.8", "1.3.8"]
    assert security_controls.required({"2.4": "1", "3.3": "2-3"}) == ["2.4.1", "3.3.2", "3.3.3"]
