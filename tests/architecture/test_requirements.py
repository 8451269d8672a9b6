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
#: How far a proof may reach and at what, and where the tests stand that reach so far: a test's path
#: begins so. `gate` is any gate. A level that is not here has no place where it could be proven.
PROVEN_IN = {
    "rendered@tree": ("tests/contract/", "tests/golden/", "tests/unit/"),
    "valid@tree": ("gate",),
    "tested@tree": ("tests/unit/", "tests/contract/", "tests/runtime/", "gate"),
    "tested@repository": ("tests/architecture/", "tests/docs/", "services/"),
    "tested@dry-run": ("tests/contract/test_kind_scripts.py",),
    "tested@local": ("tests/contract/", "tests/containers/"),
    "valid@compose": ("tests/containers/test_compose.py",),
    "valid@botocore": ("tests/unit/test_experiments.py::test_fis_takes",),
    "valid@helm": ("tests/contract/test_packages.py",),
    "tested@promtool": ("tests/contract/test_slo_rules.py", "tests/observability/test_alerts.py"),
    "tested@alertmanager": ("tests/observability/test_alertmanager.py",),
    "planned@aws-provider": (
        "tests/infrastructure/test_planned.py", "tests/infrastructure/test_modules.py",
        "tests/infrastructure/test_second_region.py",
        "tests/infrastructure/test_other_systems.py", "tests/infrastructure/test_organization.py",
    ),
    "valid@terragrunt": ("tests/infrastructure/test_terragrunt.py",),
    "valid@eksctl-schema": ("tests/infrastructure/test_eksctl.py",),
    "tested@pulumi-mocks": ("tests/infrastructure/test_pulumi.py",),
    "applied@moto": (
        "tests/infrastructure/test_applied.py", "tests/infrastructure/test_organization.py",
    ),
    "applied@apiserver": ("tests/apiserver/",),
    "observed@docker": ("tests/containers/",),
    "observed@cluster": ("tests/cluster/",),
    "observed@calico": ("tests/cluster/test_under_policies.py",),
    "observed@traefik": ("tests/cluster/test_traefik.py",),
    # Each of these starts what it speaks of, and asks it.
    "observed@local": (
        "tests/e2e/", "tests/runtime/", "tests/browser/", "tests/crash/", "tests/containers/",
        "tests/observability/test_panels.py", "tests/observability/test_live_alerts.py",
        "tests/docs/test_system_pages.py", "kit/tests/servers/",
        "tests/contract/test_capture.py", "tests/contract/test_faults.py",
        "tests/contract/test_kafka.py",
    ),
}  # fmt: skip


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
        gates = root.glob("src/tarmac/gates/*/*.py")
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


def unreached_level(entry):
    """Return why an entry's level is more than its proofs show, or None where one reaches it."""
    if (stands := PROVEN_IN.get(entry["level"])) is None:
        return f"no such level: {entry['level']}; use one of {', '.join(PROVEN_IN)}"
    proofs = [
        ("gate" if kind == "gate" else path) for p in entry["proofs"] for kind, path in p.items()
    ]
    if any(proof.startswith(stands) for proof in proofs):
        return None
    return f"{entry['level']} is proven in {', '.join(stands)}, and no proof stands there"


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
    wrong = [e["id"] for e in entries if (e["status"] == "open") != ("level" not in e)]
    assert wrong == []


def test_every_level_has_a_proof_that_reaches_so_far(entries):
    levels = {e["id"]: unreached_level(e) for e in entries if "level" in e}
    assert {name: reason for name, reason in levels.items() if reason} == {}


@pytest.mark.parametrize(
    ("level", "proof", "reason"),
    [
        (
            "applied@apiserver",
            {"test": "tests/unit/test_render_network.py::test_everything_is_closed"},
            "applied@apiserver is proven in tests/apiserver/, and no proof stands there",
        ),
        ("applied@apiserver", {"gate": "NET002"}, "applied@apiserver is proven in tests/apiserver"),
        (
            "observed@local",
            {"test": "tests/unit/test_plan.py::test_it"},
            "observed@local is proven",
        ),
        (
            "observed@docker",
            {"test": "tests/e2e/test_shop.py::test_it"},
            "observed@docker is prove",
        ),
        ("observed@moon", {"test": "tests/e2e/test_shop.py::test_it"}, "no such level"),
        ("applied@apiserver", {"test": "tests/apiserver/test_applied.py::test_it"}, None),
        ("observed@local", {"test": "tests/crash/test_shop.py::test_it"}, None),
        ("tested@tree", {"gate": "NET002"}, None),
    ],
)
def test_a_level_that_no_proof_reaches_is_recognised(level, proof, reason):
    found = unreached_level({"level": level, "proofs": [proof]})
    assert found is None if reason is None else found.startswith(reason)


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
