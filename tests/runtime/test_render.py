"""`tarmac render` as it is used daily: from any folder, in git, in CI."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rendered import ROOT, artifacts_of
from sandbox import TARMAC, Sandbox
from treed import contents

SYSTEM = """
    tarmac: 1
    system: small
    services:
      web: {run: [python, -m, http.server], port: 8080, public: {host: www, paths: [/]}}
    environments:
      production: {replicas: {min: 3, max: 9, cpu: 70}}
    """
DEPLOYMENT = "k8s/web/deployment.yaml"


@pytest.fixture
def small(tmp_path: Path) -> Sandbox:
    box = Sandbox(tmp_path)
    box.write(SYSTEM)
    return box


def run(*args: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TARMAC, "render", *args],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def said(box: Sandbox, *args: str, code: int = 0) -> dict[str, Any]:
    done = box.tarmac("render", "--json", *args)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_the_tree_is_the_same_from_every_folder_and_for_every_hash_seed(tmp_path):
    trading = ROOT / "systems/trading"
    places = {
        "root": (("trading",), ROOT),
        "own": ((), trading),
        "file": ((str(trading / "tarmac.yaml"),), tmp_path),
        "folder": (("../trading",), ROOT / "systems/travel"),
    }
    for seed, (name, (system, cwd)) in enumerate(places.items()):
        out = str(tmp_path / "out" / name)
        done = run(*system, "--env", "production", "--out", out, cwd=cwd, PYTHONHASHSEED=str(seed))
        assert done.returncode == 0, done.stderr
    trees = [contents(tmp_path / "out" / name) for name in places]
    assert all(tree == trees[0] for tree in trees)
    files = {path for path, (_, text) in trees[0].items() if text}
    assert files == {artifact.path for artifact in artifacts_of("trading", "production")} | {
        "tarmac.lock"
    }
    first = trees[0]["k8s/api-gateway/deployment.yaml"][1].splitlines()[0]
    assert first == (
        "# Rendered by Tarmac from systems/trading/tarmac.yaml: "
        "tarmac render trading --env production"
    )


def test_without_env_and_out_it_is_the_only_environment_beside_the_model(small):
    told = said(small)
    assert (told["folder"], told["environment"]) == ("deploy/production", "production")
    assert told["added"] == sorted(told["added"])
    assert told["files"] == len(told["added"]) == sum(told["phases"].values())
    assert (small.folder / "deploy/production" / DEPLOYMENT).exists()
    assert said(small)["added"] == []


def test_the_environment_must_be_said_where_there_are_several_or_be_one_of_them(small):
    small.write(SYSTEM + "  kind: {}\n")
    done = small.tarmac("render")
    assert (done.returncode, done.stdout) == (2, "")
    assert "tarmac.yaml:5:1: there are kind, production; choose one: --env kind" in done.stderr
    done = small.tarmac("render", "--env", "prod")
    assert done.returncode == 2
    assert "environment 'prod' does not exist" in done.stderr


def test_a_wrong_model_is_named_as_its_reader_would_type_it(small):
    small.write(SYSTEM + "  wrong: 1\n")
    done = subprocess.run(
        [*TARMAC, "render", small.folder.name],
        cwd=small.folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"{small.folder.name}/tarmac.yaml:7:")
    assert not (small.folder / "deploy").exists()


def test_a_refusal_says_how_each_edit_is_settled_and_its_commands_work(small):
    small.tarmac("render")
    file = small.folder / "deploy/production" / DEPLOYMENT
    file.write_text(file.read_text() + "# mine\n")
    done = small.tarmac("render")
    assert done.returncode == 1
    assert f"edited {DEPLOYMENT}" in done.stdout
    command = f"tarmac render small --env production --patch {DEPLOYMENT}"
    assert command in done.stdout
    assert small.tarmac(*command.split()[1:]).returncode == 0
    assert file.read_text().endswith("# mine\n")
    patch = small.folder / f"patches/production/{DEPLOYMENT}.patch"
    assert "+# mine\n" in patch.read_text()
    told = said(small, "--check")
    assert told["patched"] == {DEPLOYMENT: f"patches/production/{DEPLOYMENT}.patch"}


def test_a_check_is_for_ci(small):
    told = said(small, "--check", code=1)
    assert told["added"]
    assert told["differs"]
    assert not (small.folder / "deploy").exists()
    small.tarmac("render")
    assert small.tarmac("render", "--check").returncode == 0
    small.write(SYSTEM.replace("max: 9", "max: 12").replace("8080", "8081"))
    done = small.tarmac("render", "--check")
    assert done.returncode == 1
    assert f"~ {DEPLOYMENT}" in done.stdout
    assert small.tarmac("render", "--check", "--eject", ".").returncode == 2


def test_a_change_of_the_model_is_a_difference_in_git_and_nothing_else_is(small):
    def git(*args: str) -> str:
        name = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = subprocess.run(
            ["git", *name, *args], cwd=small.folder, check=True, capture_output=True, text=True
        )
        return done.stdout

    git("init", "-q")
    small.tarmac("render")
    git("add", ".")
    git("commit", "-qm", "rendered")
    assert git("status", "--porcelain") == ""
    small.tarmac("render")
    assert git("status", "--porcelain") == ""
    small.write(SYSTEM.replace("8080", "8081"))
    small.tarmac("render")
    changed = {line[3:] for line in git("status", "--porcelain").splitlines()}
    assert "tarmac.yaml" in changed
    assert all(path.startswith(("deploy/production/", "tarmac.yaml")) for path in changed)
    assert "+          containerPort: 8081\n" in git("diff").replace("- name: http\n", "")


def test_a_shell_that_stands_in_the_folder_goes_on_there(small):
    small.tarmac("render")
    inside = small.folder / "deploy/production/k8s"
    small.write(SYSTEM.replace("8080", "8081"))
    script = 'tarmac render && test -n "$(grep -r 8081 .)" && tarmac render --check'
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=inside,
        env={**os.environ, "PATH": f"{Path(TARMAC[0]).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_one_phase_or_renderer_and_none_that_is_unknown(small):
    assert said(small, "--only", "kubernetes")["phases"].keys() == {"kubernetes"}
    done = small.tarmac("render", "--only", "kubernets")
    assert done.returncode == 2
    assert "did you mean 'kubernetes'?" in done.stderr
