"""Whatever a repository, a model or a rendered tree holds: exit code 0 to 3, no traceback, no hang.

A case is a folder of real files of which one to three are changed, and every verb that reads them.

    TARMAC_FUZZ_CASES=20000 .venv/bin/pytest -n0 tests/fuzz

runs so many that are new each time; `--hypothesis-seed=N` chooses others. What it once found is in
test_found.py. Without, the same cases are tried: a change fails by what it changes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hostile import KINDS, ROOT, Mutation, mutate, tarmac
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CASES = os.environ.get("TARMAC_FUZZ_CASES", "")
MUTATIONS = st.lists(
    st.builds(
        Mutation,
        st.sampled_from(KINDS),
        st.integers(0, 40),
        st.integers(0, 20_000),
        st.integers(0, 1_000),
    ),
    min_size=1,
    max_size=3,
)
MODEL = """\
tarmac: 1
system: small
owner: team
services:
  web: {run: [python, -m, http.server], port: 8080, public: {host: www, paths: [/]}, calls: [api]}
  api: {run: node server.js, port: 8081, stores: {db: data}, env: {POOL_MAX: 4, LEVEL: info}}
stores:
  data: {kind: postgres, version: "17", seed: seed.sql}
objectives:
  - {service: web, availability: 99.5, window: 30d}
environments:
  production:
    replicas: {min: 3, max: 9, cpu: 70}
    resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
"""
CHECKLIST = """\
checklist: 1
items:
  - {id: "1", phase: kubernetes, title: Objects have namespaces, proofs: [{gate: OBJ002}]}
"""
SUPPRESSIONS = "suppressions: [{gate: OBJ002, where: 'k8s/*', reason: later, until: 2030-01-01}]\n"
#: Folders of this repository, each as another team keeps it.
FOREIGN = ("bookshop", "board", "notes", "quotes", "clock", "links", "reports")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Make the folders that are mutated: repositories of others, and a model with its tree."""
    base = tmp_path_factory.mktemp("seeds")
    ignored = shutil.ignore_patterns("node_modules", ".tarmac", "__pycache__", ".venv")
    for name in FOREIGN:
        shutil.copytree(ROOT / "tests/foreign" / name, base / name, ignore=ignored)
        (base / name / ".env").write_text("API_KEY='x y'\nexport PORT=80\nA=\"b\\n\"\n")
        (base / name / "Procfile").write_text("web: node server.js\nrelease: make\n")
    model = base / "model"
    model.mkdir()
    (model / "tarmac.yaml").write_text(MODEL)
    (model / "checklist.yaml").write_text(CHECKLIST)
    (model / "suppressions.yaml").write_text(SUPPRESSIONS)
    done = tarmac("render", str(model / "tarmac.yaml"))
    assert done.code == 0, done
    edited = model / "deploy/production/k8s/web/deployment.yaml"
    edited.write_text(edited.read_text().replace("replicas", "# mine\n  replicas"))
    return [base / name for name in (*FOREIGN, "model", "model", "model")]


def verbs(folder: Path) -> list[tuple[str, ...]]:
    """List what is asked of a folder."""
    file = folder / "tarmac.yaml"
    asked = [("verify", "--files", str(folder)), ("init", str(folder), "--stdout")]
    tree = folder / "deploy/production"
    if os.path.lexists(file):
        asked += [("explain", "web", "--json"), ("logs", "web"), ("connect", "data")]
        asked += [("diff", str(folder), str(folder))]
    if tree.is_dir():
        asked += [("render", str(file), "--env", "production", "--check", "--json")]
        asked += [("verify", str(file), "--tree", str(tree), "--json")]
    return asked


def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every verb on a folder, and look at how it ended."""
    monkeypatch.chdir(folder)
    for args in verbs(folder):
        done = tarmac(*args)
        assert not done.error, f"{args}: {done.error}"
        assert done.code in (0, 1, 2, 3), f"{args}: {done}"
        assert "Traceback" not in done.output, f"{args}: {done.output}"
        assert "failed on its own" not in done.output, f"{args}: {done.output}"


@pytest.mark.timeout(50_000 if CASES else 900)
@pytest.mark.parametrize("cases", [10, pytest.param(150, id="long")])
def test_hostile_files_give_no_traceback_and_no_hang(cases, seeds, tmp_path, monkeypatch):
    # Programs of others have limits of their own, and take seconds.
    monkeypatch.setattr("tarmac.check.gates.views.programs.find_program", lambda *_, **__: None)
    number = 0

    @settings(
        max_examples=int(CASES or cases),
        deadline=None,
        database=None,
        derandomize=not CASES,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, len(seeds) - 1), MUTATIONS)
    def check(seed, mutations):
        nonlocal number
        number += 1
        folder = tmp_path / "case"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(seeds[seed], folder, symlinks=True)
        for mutation in mutations:
            mutate(folder, mutation)
        run(folder, monkeypatch)

    check()
    assert number
