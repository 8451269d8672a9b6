"""tests/requirements.yaml speaks of every entry once, and what it says is true."""

from __future__ import annotations

import ast
import re

import asserted
import book
import pytest

#: How many entries each family has: 1 to this number, never fewer, never one twice.
FAMILIES = {
    "FND": 18, "SVC": 32, "ADV": 5, "TEST": 5, "CON": 19, "IAC": 27, "CICD": 16, "K8S": 25,
    "GIT": 10, "OBS": 22, "SEC": 18, "CHA": 12, "MESH": 11, "DR": 12, "FIN": 11, "PLAT": 11,
    "DATA": 6,
}  # fmt: skip
SYSTEMS = {"starter", "shop", "trading", "hello-dd", "travel"}
KEYS = {
    "id", "phase", "systems", "optional", "title", "status", "level", "lacks", "needs", "most",
    "proofs", "note",
}  # fmt: skip
PROOF_KEYS = {"test", "gate", "bench", "of", "asserts"}
#: The entries whose words ask for numbers: sizes, ports, times, counts.
NUMBERED = {
    "FND-01", "FND-15", "FND-16", "SVC-01", "SVC-02", "SVC-03", "SVC-04", "SVC-06", "SVC-07",
    "SVC-08", "SVC-12", "SVC-17", "SVC-18", "CON-08", "CON-09", "CON-10", "CON-13", "IAC-03",
    "IAC-04", "IAC-07", "IAC-10", "IAC-11", "IAC-20", "K8S-05", "K8S-06", "K8S-09", "K8S-11",
    "GIT-02", "OBS-03", "OBS-04", "OBS-05", "OBS-06", "OBS-07", "OBS-08", "FIN-06", "FIN-07",
}  # fmt: skip
KINDS = ("test", "gate", "bench")
NEEDS = {"cluster", "cloud", "person", "later phase"}
#: With which systems the tests of a file run, where it starts or plans some: they prove nothing of
#: another system.
RAN_WITH = {
    r"tests/cluster/test_usage\.py": {"hello-dd", "shop"},
    r"tests/cluster/test_(hello_dd|hello_suite|scripts|with_rollouts)\.py": {"hello-dd"},
    r"tests/cluster/test_pulled\.py": {"shop", "starter", "trading", "travel"},
    r"tests/cluster/test_with_gatekeeper\.py": {"shop"},
    r"tests/cluster/test_(logs|restarts|suites)\.py": {"starter"},
    r"tests/cluster/test_with_argo_cd\.py": {"hello-dd", "shop", "travel"},
    r"tests/cluster/test_(shop|with_litmus|with_prometheus|with_vault)\.py": {"shop"},
    r"tests/cluster/test_with_velero\.py": {"shop", "travel"},
    r"tests/cluster/test_(signals|with_routes|with_secrets_manager)\.py": {"travel"},
    r"tests/cluster/test_(new_service|with_istio|with_opencost)\.py": {"shop"},
    r"tests/cluster/test_with_meshes\.py": {"hello-dd", "travel"},
    r"tests/cluster/test_chaos\.py": {"hello-dd", "starter", "trading", "travel"},
    r"tests/cluster/test_(traefik|under_policies)\.py": {"shop", "hello-dd"},
    r"tests/(e2e|crash|containers|browser)/test_(shop\w*|storefront|pipeline)\.py": {"shop"},
    r"tests/(e2e|crash|containers)/test_hello_\w+\.py": {"hello-dd"},
    r"tests/(e2e|crash|containers)/test_starter\.py": {"starter"},
    r"tests/(e2e|crash|browser)/test_trading\.py": {"trading"},
    r"tests/(e2e|crash|browser)/test_travel(_debezium)?\.py": {"travel"},
    r"tests/containers/test_trading_\w+\.py": {"trading"},
    r"tests/containers/test_compose_stores\.py": {"shop", "trading"},
    r"tests/containers/test_image_steps\.py": {"shop", "starter", "trading", "travel"},
    r"tests/infrastructure/test_(planned|applied|name_failover)\.py": {"shop"},
    r"tests/infrastructure/test_second_region\.py": {"shop", "travel"},
    r"tests/infrastructure/test_other_systems\.py": {"starter", "trading", "travel"},
    r"tests/infrastructure/test_(organization|terragrunt)\.py": {"travel"},
    r"tests/infrastructure/test_(eksctl|recovery_steps|store_users)\.py": {"trading"},
    r"tests/cluster/test_with_managed_stores\.py": {"hello-dd", "starter", "trading"},
    r"tests/infrastructure/test_pulumi\.py": {"hello-dd"},
    r"tests/observability/test_live_alerts\.py": {"shop"},
    r"tests/observability/test_datadog\w*\.py": {"hello-dd"},
    r"tests/observability/test_three_stores\.py": {"travel"},
    r"tests/portal/test_catalogue\.py": {"hello-dd", "shop", "starter", "trading", "travel"},
    r"tests/portal/test_template\.py": {"shop", "starter"},
    r"tests/forge/test_(protection|portal)\.py": {"shop"},
    r"tests/forge/test_runs\.py": {"shop", "starter", "trading", "travel"},
    r"tests/forge/test_schedule\.py": {"starter"},
    r"tests/portal/test_pages\.py": {"shop"},
    r"tests/apiserver/test_(claims|crossplane|image_updater)\.py": {"shop"},
    r"tests/nodes/test_karpenter\.py": {"shop", "travel"},
    r"tests/mesh/test_installation\.py": {"shop", "travel"},
    r"tests/mesh/test_sidecars\.py": {"shop"},
}
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
    "valid@eksctl": ("tests/infrastructure/test_eksctl.py",),
    "tested@pulumi-mocks": ("tests/infrastructure/test_pulumi.py",),
    "applied@moto": (
        "tests/infrastructure/test_recovery_steps.py", "tests/infrastructure/test_store_users.py",
        "tests/infrastructure/test_applied.py", "tests/infrastructure/test_organization.py",
        "tests/cluster/test_with_managed_stores.py",
    ),
    "observed@moto": ("tests/infrastructure/test_aws_login.py",),
    "applied@apiserver": ("tests/apiserver/",),
    "tested@istioctl": ("tests/mesh/test_installation.py",),
    "observed@envoy": ("tests/mesh/test_sidecars.py",),
    "observed@crossplane": ("tests/apiserver/test_crossplane.py",),
    "observed@argocd": (
        "tests/apiserver/test_application_sets.py", "tests/apiserver/test_image_updater.py",
    ),
    "observed@externaldns": ("tests/apiserver/test_dns_records.py",),
    "observed@powerdns": ("tests/infrastructure/test_name_failover.py",),
    "observed@kwok": ("tests/nodes/",),
    "observed@docker": ("tests/containers/",),
    "observed@cluster": ("tests/cluster/",),
    "observed@backstage": ("tests/portal/",),
    "observed@gitea": ("tests/forge/",),
    "observed@calico": ("tests/cluster/test_under_policies.py",),
    "observed@traefik": ("tests/cluster/test_traefik.py",),
    # Each of these starts what it speaks of, and asks it.
    "observed@local": (
        "tests/e2e/", "tests/drills/", "tests/runtime/", "tests/browser/", "tests/crash/",
        "tests/containers/", "tests/observability/test_panels.py",
        "tests/observability/test_live_alerts.py",
        "tests/observability/test_live_systems.py", "tests/observability/test_datadog.py",
        "tests/observability/test_three_stores.py",
        "tests/docs/test_system_pages.py", "kit/tests/servers/", "tests/golden_path/",
        "tests/contract/test_capture.py", "tests/contract/test_faults.py",
        "tests/contract/test_kafka.py",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def entries():
    return book.entries()


@pytest.fixture(scope="module")
def record():
    return book.read()


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
    [(kind, target)] = [(kind, proof[kind]) for kind in KINDS if kind in proof]
    if kind == "gate":
        gates = root.glob("src/tarmac/check/gates/*/*.py")
        return None if any(f'id="{target}"' in g.read_text() for g in gates) else "no such gate"
    path, _, name = target.partition("::")
    if not (root / path).is_file():
        return "no such file"
    if kind == "bench":
        return None if path.startswith("bench/bench_") else "not a file of bench/"
    name = name.partition("[")[0]
    return None if name in defined_tests(ast.parse((root / path).read_text())) else "no such test"


def ran_with(test):
    """Name the systems that a test ran with; None: it runs with those that it is named for."""
    path = test.partition("::")[0]
    return next((of for place, of in RAN_WITH.items() if re.fullmatch(place, path)), None)


def unreached_level(entry, system):
    """Say why a system's level is more than its own proofs show; None where one reaches it."""
    level = book.levels(entry)[system]
    if (stands := PROVEN_IN.get(level)) is None:
        return f"no such level: {level}; use one of {', '.join(PROVEN_IN)}"
    proofs = [
        "gate" if "gate" in proof else proof.get("test") or proof["bench"]
        for proof in book.proofs(entry, system)
    ]
    if any(proof.startswith(stands) for proof in proofs):
        return None
    return f"{level} is proven in {', '.join(stands)}, and no proof of {system} stands there"


def ill_formed(entry):
    """Say what is wrong with an entry's form; None where nothing is."""
    several, lacks = len(entry["systems"]) > 1, entry.get("lacks", {})
    checks = {
        "unknown keys": entry.keys() <= KEYS,
        "status": entry["status"] in {"open", "partly", "done"},
        "systems": entry["systems"] and set(entry["systems"]) <= SYSTEMS,
        "title": entry["title"],
        "levels of its systems": not isinstance(entry.get("level"), dict)
        or entry["level"].keys() == set(entry["systems"]),
        "lacks, by system": lacks.keys() <= set(entry["systems"])
        and bool(lacks) == (several and entry["status"] == "partly"),
        "needs": (entry.get("needs") in NEEDS) == (entry["status"] != "done"),
        "most, by system": entry.get("most", {}).keys() <= set(entry["systems"]),
        "proofs": all(
            len(proof.keys() & set(KINDS)) == 1
            and proof.keys() <= PROOF_KEYS
            and set(book.systems_of(proof)) <= SYSTEMS
            for proof in entry.get("proofs", [])
        ),
    }
    return next((what for what, holds in checks.items() if not holds), None)


def test_all_260_entries_are_there_once(entries):
    expected = [
        f"{family}-{n:02}" for family, count in FAMILIES.items() for n in range(1, count + 1)
    ]
    assert len(expected) == 260
    assert sorted(entry["id"] for entry in entries) == sorted(expected)


def test_every_entry_is_well_formed(entries):
    wrong = {entry["id"]: ill_formed(entry) for entry in entries}
    assert {name: what for name, what in wrong.items() if what} == {}


def test_what_is_proven_says_how_far_and_where_and_nothing_else_does(entries):
    wrong = [e["id"] for e in entries if (e["status"] == "open") != ("level" not in e)]
    assert wrong == []


def test_every_level_of_a_system_has_a_proof_of_that_system_which_reaches_so_far(entries):
    reasons = {
        f"{entry['id']} {system}": unreached_level(entry, system)
        for entry in entries
        for system in book.levels(entry)
    }
    assert {name: reason for name, reason in reasons.items() if reason} == {}


def test_a_test_proves_nothing_of_a_system_that_it_did_not_run_with(entries):
    wrong = [
        f"{entry['id']}: {proof['test']} ran with {', '.join(sorted(ran))}; say so under `of`"
        for entry in entries
        for proof in entry.get("proofs", [])
        if "test" in proof and (ran := ran_with(proof["test"])) is not None
        if not set(book.systems_of(proof) or entry["systems"]) <= ran
    ]
    assert wrong == []


def test_what_is_done_has_reached_one_level_in_all_its_systems(entries):
    """The highest that can be reached here; `most` says why a system cannot get so far."""
    wrong = [
        entry["id"]
        for entry in entries
        if entry["status"] == "done"
        and len(
            {
                book.rank(level)
                for system, level in book.levels(entry).items()
                if system not in entry.get("most", {})
            }
        )
        > 1
    ]
    assert wrong == []


def test_no_proof_of_what_is_done_failed_or_was_skipped_where_its_programs_were(entries, record):
    assert not_shown(entries, record) == []


def not_shown(entries, record):
    """List the tests of entries that are done which failed, or were skipped beside one that ran."""
    ran = {
        (test.partition("::")[0], known.day, known.commit)
        for test, known in record.items()
        if known.outcome == book.PASSED
    }
    return [
        f"{entry['id']}: {test} {known.outcome}"
        for entry in entries
        if entry["status"] == "done"
        for test in [proof["test"] for proof in entry["proofs"] if "test" in proof]
        if (known := record.get(test)) is not None
        if known.outcome == book.FAILED
        or (
            known.outcome == book.SKIPPED
            and (test.partition("::")[0], known.day, known.commit) in ran
        )
    ]


def test_a_proof_has_the_numbers_that_its_line_says_it_asserts(entries):
    wrong = {
        f"{entry['id']}: {proof['test']}": missing
        for entry in entries
        for proof in entry.get("proofs", [])
        if "asserts" in proof and (missing := asserted.missing(proof["test"], proof["asserts"]))
    }
    assert wrong == {}


def test_what_is_done_and_asks_for_numbers_names_the_proof_that_asserts_them(entries):
    silent = [
        entry["id"]
        for entry in entries
        if entry["id"] in NUMBERED and entry["status"] == "done"
        if not any("asserts" in proof for proof in entry["proofs"])
    ]
    assert silent == []


def test_a_number_that_a_test_does_not_have_is_recognised():
    test = f"{__file__.removeprefix(f'{book.ROOT}/')}::test_all_260_entries_are_there_once"
    assert asserted.missing(test, "260 entries, 18 of them of one family") == []
    assert asserted.missing(test, "261 entries") == ["261"]
    assert asserted.missing(test, "26 entries, or 60") == ["26", "60"]


def test_the_record_knows_only_tests_that_the_book_names(entries, record):
    assert set(record) - set(book.named(entries)) == set()
    assert book.RECORD.read_text() == book.written(record), "written by hand"


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ({"a": "passed", "b": "passed"}, []),
        ({"a": "passed", "b": "failed"}, ["X-01: t.py::b failed"]),
        ({"a": "passed", "b": "skipped"}, ["X-01: t.py::b skipped"]),
        ({"a": "skipped", "b": "skipped"}, []),
        ({"a": "passed"}, []),
    ],
)
def test_a_proof_that_failed_or_was_skipped_beside_one_that_ran_is_recognised(outcomes, found):
    entry = {"id": "X-01", "status": "done", "proofs": [{"test": "t.py::a"}, {"test": "t.py::b"}]}
    record = {f"t.py::{n}": book.Outcome(o, "2026-01-01", "c") for n, o in outcomes.items()}
    assert not_shown([entry], record) == found


@pytest.mark.parametrize(
    ("level", "proof", "reason"),
    [
        (
            "applied@apiserver",
            {"test": "tests/unit/test_render_network.py::test_everything_is_closed"},
            "applied@apiserver is proven in tests/apiserver/, and no proof of shop stands there",
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
        (
            "observed@cluster",
            {"test": "tests/cluster/test_hello_dd.py::test_it", "of": "hello-dd"},
            "observed@cluster is proven in tests/cluster/, and no proof of shop stands there",
        ),
        ("applied@apiserver", {"test": "tests/apiserver/test_applied.py::test_it"}, None),
        ("observed@local", {"test": "tests/crash/test_shop.py::test_it", "of": "shop"}, None),
        ("tested@tree", {"gate": "NET002"}, None),
    ],
)
def test_a_level_that_no_proof_of_the_system_reaches_is_recognised(level, proof, reason):
    entry = {"systems": ["shop", "travel"], "level": level, "proofs": [proof]}
    found = unreached_level(entry, "shop")
    assert found is None if reason is None else found.startswith(reason)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, None),
        ({"level": {"shop": "tested@tree"}}, "levels of its systems"),
        ({"lacks": {"starter": "all"}}, "lacks, by system"),
        ({"lacks": {}}, "lacks, by system"),
        ({"needs": "luck"}, "needs"),
        ({"proofs": [{"test": "t.py::a", "gate": "NET001"}]}, "proofs"),
        ({"proofs": [{"hope": "t.py::a"}]}, "proofs"),
    ],
)
def test_an_entry_of_another_form_is_recognised(change, what):
    entry = {
        "id": "X-01", "systems": ["shop", "travel"], "title": "T", "status": "partly",
        "level": "tested@tree", "lacks": {"travel": "it did not run"}, "needs": "cluster",
        "proofs": [{"gate": "NET001", "of": "shop"}],
    }  # fmt: skip
    assert ill_formed(entry | change) == what


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
    unexplained = [
        entry["id"]
        for entry in entries
        if entry["status"] == "partly" and not (entry.get("note") or entry.get("lacks"))
    ]
    assert unproven == []
    assert unexplained == []


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ({"test": "tests/architecture/test_requirements.py::test_gone"}, "no such test"),
        ({"test": "tests/architecture/test_gone.py::test_gone"}, "no such file"),
        ({"bench": "tests/requirements.yaml"}, "not a file of bench/"),
        ({"gate": "NONE000"}, "no such gate"),
    ],
)
def test_a_proof_that_points_nowhere_is_recognised(root, proof, reason):
    assert broken_proof(root, proof) == reason


def test_a_parametrised_test_is_found_by_its_functions_name(root):
    node = "tests/architecture/test_requirements.py::test_a_proof_that_points_nowhere_is_recognised"
    assert broken_proof(root, {"test": f"{node}[proof0-no such test]"}) is None
