"""Which programs of a kubeconfig run: that of the chosen context, by kubectl, and no other."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rendered import ROOT

TARMAC = Path(sys.executable).with_name("tarmac")
CREDENTIAL = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "kind": "ExecCredential",
    "status": {"token": "x"},
}


def config(folder: Path) -> dict[str, object]:
    """Make a kubeconfig whose users each have a program that leaves a file with its name."""
    users, contexts = [], []
    for name in ("chosen", "other"):
        program = folder / name
        marker = folder / f"{name}-ran"
        program.write_text(f"#!/bin/sh\ntouch {marker}\necho '{json.dumps(CREDENTIAL)}'\n")
        program.chmod(0o755)
        command = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(program),
            "interactiveMode": "Never",
        }
        users.append({"name": name, "user": {"exec": command}})
        contexts.append({"name": name, "context": {"cluster": "away", "user": name}})
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "away", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": users,
        "contexts": contexts,
        "current-context": "chosen",
    }


def run(verb: str, *argv: str, cwd: Path, kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not here")
    system = str(ROOT / "systems/hello-dd/tarmac.yaml")
    return subprocess.run(
        [TARMAC, verb, system, "--env", "kind", *argv],
        cwd=cwd,
        env={
            "HOME": str(kubeconfig.parent),
            "KUBECONFIG": str(kubeconfig),
            "PATH": f"{Path(found).parent}:/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def ran(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*-ran"))


@pytest.mark.parametrize("verb", ["deploy", "drift"])
def test_the_program_of_the_chosen_context_alone_is_run(tmp_path: Path, verb: str):
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(json.dumps(config(tmp_path)))
    done = run(verb, "--context", "none", cwd=tmp_path, kubeconfig=kubeconfig)
    assert done.returncode == 2, done.stderr
    assert ran(tmp_path) == []
    done = run(verb, "--context", "other", cwd=tmp_path, kubeconfig=kubeconfig)
    assert done.returncode == 1, done.stderr
    assert ran(tmp_path) == ["other-ran"]


@pytest.mark.parametrize("verb", ["deploy", "drift"])
@pytest.mark.parametrize("name", ["kubeconfig", "config", ".kube/config", "kubeconfig.yaml"])
def test_a_kubeconfig_of_a_repository_is_not_read(tmp_path: Path, verb: str, name: str):
    theirs = tmp_path / "repository" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text(json.dumps(config(tmp_path)))
    empty = tmp_path / "home/config"
    empty.parent.mkdir()
    empty.write_text("apiVersion: v1\nkind: Config\n")
    done = run(verb, "--context", "chosen", cwd=tmp_path / "repository", kubeconfig=empty)
    assert done.returncode == 2, done.stderr
    assert "no context 'chosen'" in done.stderr
    assert ran(tmp_path) == []
