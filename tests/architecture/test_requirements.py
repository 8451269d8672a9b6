"""tests/requirements.yaml speaks of every entry once, and what it says is true."""

from __future__ import annotations

import ast

import pytest
import yaml

#: How many entries each family has: 1 to this number, never fewer, never one twice.
FAMILIES = {
    "FND": 18, "SVC": 32, "ADV": 5, "TEST": 5, "CON": 19, "IAC": 27, "CICD": 16, "K8S": 25,
    "GIT": 10, "OBS": 22, "SEC": 18, "CHA": 12, "MESH": 11, "DR": 12, "FIN": 11, "PLAT": 11,
    "DATA": 6,
}  # fmt: skip
SYSTEMS = {"starter", "shop", "trading", "hello-dd", "travel"}
KEYS = {"id", "phase", "systems", "optional", "title", "status", "level", "proofs", "note"}
LEVELS = {"rendered", "valid", "tested", "applied", "observed"}


@pytest.fixture(scope="module")
def entries(root):
    return yaml.safe_load((root / "tests/requirements.yaml").read_text())


def defined_tests(tree):
    """Return the names of a test module's tests, those in classes as Class::name."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{name}" for name in defined_tests(node)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
    return {name for name in found if name.split("::")[-1].startswith("test_")}


def broken_proof(root, proof):
    """Return why a proof points at nothing, or None for one that is there."""
    [(kind, target)] = proof.items()
    if kind == "gate":
        gates = root.glob("src/tarmac/gates/*.py")
        return None if any(f'id="{target}"' in g.read_text() for g in gates) else "no such gate"
    path, _, name = target.partition("::")
    if not (root / path).is_file():
        return "no such file"
    if kind == "bench":
        return None if path.startswith("bench/bench_") else "not a file of bench/"
    if kind != "test":
        return "not a test, gate or bench"
    name = name.partition("[")[0]
    return None if name in defined_tests(ast.parse((root / path).read_text())) else "no such test"


def test_all_260_entries_are_there_once(entries):
    expected = [
        f"{family}-{n:02}" for family, count in FAMILIES.items() for n in range(1, count + 1)
    ]
    assert len(expected) == 260
    assert sorted(entry["id"] for entry in entries) == sorted(expected)


def test_every_entry_is_well_formed(entries):
    wrong = [
        entry["id"]
        for entry in entries
        if entry.keys() - KEYS
        or entry["status"] not in {"open", "partly", "done"}
        or not entry["systems"]
        or set(entry["systems"]) - SYSTEMS
        or not entry["title"]
        or any(len(proof) != 1 for proof in entry.get("proofs", []))
    ]
    assert wrong == []


def test_what_is_proven_says_how_far_and_where_and_nothing_else_does(entries):
    wrong = []
    for entry in entries:
        level, at, target = entry.get("level", "").partition("@")
        if (entry["status"] == "open") != (level == "") or (level and not (at and target)):
            wrong.append(entry["id"])
        elif level and level not in LEVELS:
            wrong.append(f"{entry['id']}: {level}")
    assert wrong == []


def test_every_proof_points_at_something_that_is_there(root, entries):
    broken = [
        f"{entry['id']}: {proof}: {reason}"
        for entry in entries
        for proof in entry.get("proofs", [])
        if (reason := broken_proof(root, proof))
    ]
    assert broken == []


def test_what_is_done_has_a_proof_and_what_is_partly_done_says_what_is_missing(entries):
    unproven = [e["id"] for e in entries if e["status"] != "open" and not e.get("proofs")]
    unexplained = [e["id"] for e in entries if e["status"] == "partly" and not e.get("note")]
    assert unproven == []
    assert unexplained == []


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ({"test": "tests/architecture/test_requirements.py::test_gone"}, "no such test"),
        ({"test": "tests/architecture/test_gone.py::test_gone"}, "no such file"),
        ({"bench": "tests/requirements.yaml"}, "not a file of bench/"),
        ({"gate": "NONE000"}, "no such gate"),
        ({"hope": "pyproject.toml"}, "not a test, gate or bench"),
    ],
)
def test_a_proof_that_points_nowhere_is_recognised(root, proof, reason):
    assert broken_proof(root, proof) == reason


def test_a_parametrised_test_is_found_by_its_functions_name(root):
    node = "tests/architecture/test_requirements.py::test_a_proof_that_points_nowhere_is_recognised"
    assert broken_proof(root, {"test": f"{node}[proof0-no such test]"}) is None
