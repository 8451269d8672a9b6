"""Every gate finds what is wrong in its bad fixtures, says where, and leaves the good ones alone.

A gate is its file in src/tarmac/check/gates/ and a folder tests/gates/ID/ with good-*.yaml and
bad-*.yaml. Fixtures that begin with `about:` say how they differ from one small good system, and
are tried here; gates that hand objects to another program have fixtures and a test of their own.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace

import pytest
from rendered import ENVIRONMENTS, RENDERERS, artifacts_of, plan_of, system_of
from small_system import FOLDER, GATES, KINDS, TODAY, Fixture, read, subject_of

from tarmac.base.artifact import Artifact
from tarmac.base.report import Level, Skip, Status
from tarmac.check.gates.inputs import Original
from tarmac.check.gates.subject import Folder, Subject
from tarmac.check.verify.running import Suppressions, run, run_files
from tarmac.model.entry import Entry
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts
from tarmac.render.renderer import PHASES

FIXTURES = sorted(FOLDER.glob("*/*.yaml"))
DIFFERING = [path for path in FIXTURES if path.read_text().startswith("about:")]
GOOD = [path for path in DIFFERING if path.name.startswith("good-")]
BAD = [path for path in DIFFERING if path.name.startswith("bad-")]
#: Gates that need a measurement, and what each says without one.
NOT_MEASURED = {"PIP009": "test_pipeline.py", "RES002": "--target local"}
#: What every system is warned of: no backups are rendered yet.
NOT_YET = ("BackupOld can never fire: nothing here installs Velero",)
#: The gates that need nothing but a plan and its objects.
OF_DATA = {name: GATES[name] for name in sorted({path.parent.name for path in DIFFERING})}


def name_of(path):
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_a_gate_says_what_it_is_and_has_fixtures(gate):
    assert re.fullmatch(r"[A-Z]{3}\d{3}", gate.id)
    assert gate.phase in PHASES
    assert isinstance(gate.level, Level)
    assert " " in gate.title
    assert not gate.title.endswith(".")
    assert gate.source
    assert gate.reads == "" or gate.reads.endswith(".")
    assert gate.scope.unit.strip(" .") == gate.scope.unit != ""
    assert gate.of_files is None or gate.scope.of_files is not None
    own = [path.name.partition("-")[0] for path in FIXTURES if path.parent.name == gate.id]
    assert own.count("good") >= 1
    assert own.count("bad") >= 2


def test_every_fixture_is_of_a_gate():
    assert {path.parent.name for path in FIXTURES} == set(GATES)
    assert [name_of(p) for p in FIXTURES if not p.name.startswith(("good-", "bad-"))] == []
    assert len(OF_DATA) >= 24


@pytest.mark.parametrize("target", ["cluster", "compose", "repository"])
def test_no_gate_passes_on_an_empty_tree(target):
    model = f"tarmac: 1\nsystem: mini\nservices: {{}}\nenvironments: {{a: {{target: {target}}}}}\n"
    system = load("tarmac.yaml", lambda _: model.encode())
    subject = Subject(system, deploy(system, "a", KINDS), (), TODAY)
    results = list(run(subject, GATES.values(), Suppressions()))
    assert results
    assert [e.what for e in results if e.status in (Status.PASS, Status.ERROR)] == []


def test_no_gate_passes_on_files_that_it_does_not_judge():
    files = Folder((Artifact("a.yaml", {"a": 1}),), TODAY)
    results = list(run_files(files, GATES.values(), Suppressions()))
    assert len(results) >= 25
    assert {result.status for result in results} == {Status.NOT_APPLICABLE}
    assert {result.judged for result in results} == {0}


def test_the_small_system_that_fixtures_differ_from_is_good():
    fixture = Fixture("as it is", measured={"orders": 1.0}, seconds={"build": 1.0})
    subject, _ = subject_of(fixture)
    assert found_by(OF_DATA.values(), subject) == []


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_a_good_fixture_is_left_alone(path):
    fixture = read(path)
    assert fixture.about.endswith(".")
    changes = (fixture.set, fixture.remove, fixture.add, fixture.measured, fixture.seconds)
    assert any(changes) or fixture.forms or fixture.live
    subject, _ = subject_of(fixture)
    assert list(map(str, GATES[path.parent.name].check(subject))) == []


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_a_bad_fixture_is_found_where_it_is_wrong(path):
    fixture = read(path)
    assert fixture.about.endswith(".")
    assert fixture.expect
    subject, lines = subject_of(fixture)
    assert GATES[path.parent.name].scope.count(subject) > 0
    found = sorted(GATES[path.parent.name].check(subject))
    unmatched = [
        wanted
        for wanted in fixture.expect
        if not any(_is(finding, wanted, lines) for finding in found)
    ]
    assert unmatched == [], found
    assert len(found) == len(fixture.expect), found
    for finding in found:
        assert finding.where
        assert len(finding.what) > 20
        assert not finding.what.endswith(".")


def _is(finding, wanted, lines):
    if wanted["what"] not in finding.what or wanted.get("where", "") not in finding.where:
        return False
    if "line" not in wanted:
        return "where" in wanted
    file, number, _ = finding.where.rsplit(":", 2)
    return file == "tarmac.yaml" and lines[int(number) - 1].strip() == wanted["line"]


def found_by(gates, subject):
    """List what gates find in a system, each under its gate's id, and why one could not look."""
    found = []
    for gate in gates:
        try:
            found += [
                f"{gate.id} {finding}"
                for finding in gate.check(subject)
                if not (finding.warning and finding.what.startswith(NOT_YET))
            ]
        except Skip as reason:
            found.append(f"{gate.id} skipped: {reason}")
    return found


@pytest.mark.parametrize(("system", "environment"), ENVIRONMENTS)
def test_no_gate_finds_anything_in_an_environment_that_ships(system, environment):
    plan, made = plan_of(system, environment), artifacts_of(system, environment)
    of_files = [gate for gate in GATES.values() if gate.of_files and not gate.program]
    looking = {gate.id: gate for gate in [*OF_DATA.values(), *of_files] if gate.targets}
    written = Original(made, "tarmac render")
    subject = Subject(system_of(system), plan, made, TODAY, inputs=(written,))
    found = found_by(looking.values(), subject)
    for (gate, way), line in zip(NOT_MEASURED.items(), found, strict=True):
        assert line.startswith(f"{gate} skipped: ")
        assert way in line
    files = Folder(made, TODAY)
    assert [f"{gate.id} {finding}" for gate in of_files for finding in gate.of_files(files)] == []


def beside_clusters():
    """List the environments that the systems have besides those in a cluster."""
    for system in sorted({name for name, _ in ENVIRONMENTS}):
        for environment, settled in system_of(system).file.environments.items():
            if settled.target != "cluster":
                yield system, environment


@pytest.mark.parametrize(("system", "environment"), [*beside_clusters()])
def test_no_gate_finds_an_error_in_a_repository_or_in_compose_files(system, environment):
    plan, made = plan_of(system, environment), artifacts_of(system, environment)
    assert errors_in(Subject(system_of(system), plan, made, TODAY)) == []


ENTRIES = (
    Entry(),
    Entry(email="ops@example.com"),
    Entry(certificate="tls/shop.pem", key="tls/shop.key", address="203.0.113.7"),
)


@pytest.mark.parametrize("entry", ENTRIES, ids=["plain", "acme", "own"])
@pytest.mark.parametrize("system", sorted({name for name, _ in ENVIRONMENTS}))
def test_no_gate_finds_an_error_in_compose_files_with_an_entry(system, entry):
    model = system_of(system)
    settled = model.file.environments["compose"].model_copy(update={"entry": entry})
    others = {**model.file.environments, "compose": settled}
    model = replace(model, file=model.file.model_copy(update={"environments": others}))
    plan = deploy(model, "compose", KINDS)
    assert errors_in(Subject(model, plan, artifacts(plan, RENDERERS), TODAY)) == []


def errors_in(subject):
    """List what gates find in an environment besides clusters, but for warnings."""
    errors = []
    for gate in GATES.values():
        if subject.plan.settings.target in gate.targets:
            with contextlib.suppress(Skip):
                errors += [f"{gate.id} {f}" for f in gate.check(subject) if not f.warning]
    return errors
