"""What `tarmac deploy` says of a cluster that it cannot reach, and of environments of none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rendered import ROOT

TARMAC = Path(sys.executable).with_name("tarmac")


def deploy(*argv: str, kubeconfig: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(kubeconfig.parent), "KUBECONFIG": str(kubeconfig), "PATH": path}
    return subprocess.run(
        [TARMAC, "deploy", *argv], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Write one whose cluster is not there: nothing listens on port 1."""
    file = tmp_path / "config"
    cluster = {"name": "away", "cluster": {"server": "https://127.0.0.1:1"}}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [{"name": "ann", "user": {"token": "x"}}],
        "contexts": [{"name": "staging", "context": {"cluster": "away", "user": "ann"}}],
    }
    file.write_text(json.dumps(content))
    return file


@pytest.fixture
def path() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not here")
    return f"{Path(found).parent}:/usr/bin:/bin"


def test_without_kubectl_it_says_how_to_get_it(kubeconfig: Path):
    done = deploy("hello-dd", "--env", "kind", kubeconfig=kubeconfig)
    assert (done.returncode, done.stdout) == (3, "")
    assert "kubectl is not on PATH; brew install kubectl or https://" in done.stderr


def test_contexts_are_named_where_none_is_the_current_one(kubeconfig: Path, path: str):
    done = deploy("hello-dd", "--env", "kind", kubeconfig=kubeconfig, path=path)
    assert done.returncode == 2
    assert done.stderr == "kubeconfig: no current context; --context staging\n"


def test_the_nearest_context_is_suggested(kubeconfig: Path, path: str):
    done = deploy(
        "hello-dd", "--env", "kind", "--context", "stagin", kubeconfig=kubeconfig, path=path
    )
    assert done.returncode == 2
    assert done.stderr == "kubeconfig: no context 'stagin'; did you mean 'staging'?\n"


def test_a_cluster_that_is_away_is_one_line(kubeconfig: Path, path: str):
    done = deploy(
        "hello-dd", "--env", "kind", "--context", "staging", kubeconfig=kubeconfig, path=path
    )
    assert done.returncode == 1
    assert done.stderr.startswith("staging: the cluster does not answer: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ("repository", "environment repository has no cluster (target: repository)"),
        ("staging", "environment staging is followed by Argo CD, which would undo this"),
    ],
)
def test_an_environment_that_is_applied_by_others_is_refused(
    kubeconfig: Path, environment: str, why: str
):
    done = deploy("shop", "--env", environment, kubeconfig=kubeconfig)
    assert done.returncode == 2
    assert done.stderr.startswith(f"systems/shop/tarmac.yaml: {why}; ")
