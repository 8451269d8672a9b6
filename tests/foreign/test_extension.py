"""A package of another repository adds a store kind, a gate, a renderer and a fault.

Its wheel and Tarmac's are installed into an environment of their own; what both need comes from
this one, so nothing is fetched but the backend of the build.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import urllib.error
import urllib.request
from base64 import b64encode
from urllib.parse import urlsplit

import pytest
import yaml
from wheels import ROOT, build, found_uv, run

pytestmark = pytest.mark.servers

LOCAL = """
tarmac: 1
system: demo
services:
  web: {run: [sleep, "3600"], env: {NOTES: "${stores.notes.url}"}}
stores: {notes: kv}
"""
CLUSTER = """
tarmac: 1
system: demo
owner: demo
domain: demo.example.com
services:
  web: {run: [bin/web], port: 8080}
environments:
  production: {target: cluster, registry: registry.example.com, version: 1.0.0}
"""
DRILL = """
drill: 1
title: The host of web has no CPU to give
load: {journey: look, rate: 1}
method: [{fault: stutter, on: web}]
"""
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Install both wheels and return the environment's folder."""
    folder = tmp_path_factory.mktemp("extended")
    wheels = [
        build(ROOT, folder / "tool"),
        build(ROOT / "examples/extension", folder / "example"),
    ]
    made = run(
        found_uv(), "venv", "--python", sys.executable, "env", folder=folder, environ=os.environ
    )
    assert made.returncode == 0, made.stderr
    environ = {**os.environ, "VIRTUAL_ENV": str(folder / "env")}
    install = ("pip", "install", "--no-deps", "--offline", *wheels)
    done = run(found_uv(), *install, folder=folder, environ=environ)
    assert done.returncode == 0, done.stderr
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    # Only what both depend on: this environment's Tarmac comes after the wheel.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env"


@pytest.fixture
def tarmac(environment, tmp_path):
    """Return a function that runs the installed command in the test's folder."""
    hidden = ("VIRTUAL_ENV", "PYTHONPATH")
    environ = {name: value for name, value in os.environ.items() if name not in hidden}

    def command(*words, code=0):
        argv = (environment / "bin/tarmac", *words)
        done = run(*argv, folder=tmp_path, environ={**environ, "NO_COLOR": "1"})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return command


def test_the_tool_is_the_wheels(environment):
    code = "import tarmac, tarmac_example; print(tarmac.__file__); print(tarmac_example.__file__)"
    hidden = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = run(environment / "bin/python", "-c", code, folder=environment, environ=hidden)
    assert [line.startswith(str(environment)) for line in done.stdout.split()] == [True, True]


def test_its_own_tests_pass(environment):
    argv = (
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--noconftest",
        "--rootdir",
        ".",
        "tests",
    )
    hidden = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    example = ROOT / "examples/extension"
    done = run(environment / "bin/python", *argv, folder=example, environ=hidden)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_its_gate_is_explained_and_judges_files(tarmac, tmp_path):
    assert "Every workload names the cost centre" in tarmac("explain", "ORG001")
    (tmp_path / "files").mkdir()
    (tmp_path / "files/web.yaml").write_text(DEPLOYMENT)
    found = tarmac("verify", "--files", "files", "--phase", "finops", code=1)
    assert "Deployment web has no label `cost-centre`; add it" in found
    (tmp_path / "files/web.yaml").write_text(DEPLOYMENT + "  labels: {cost-centre: '42'}\n")
    assert "no label" not in tarmac("verify", "--files", "files", "--phase", "finops")


def test_its_renderer_writes_files(tarmac, tmp_path):
    (tmp_path / "tarmac.yaml").write_text(CLUSTER)
    tarmac("render", "--env", "production", "--out", "tree")
    component = yaml.safe_load((tmp_path / "tree/catalog/web.yaml").read_text())
    assert component["apiVersion"] == "backstage.io/v1alpha1"
    assert component["spec"]["system"] == "demo"


def test_its_fault_can_stand_in_a_drill(tarmac, tmp_path):
    (tmp_path / "tarmac.yaml").write_text(LOCAL)
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/slow-host.yaml").write_text(DRILL)
    assert "stutter on web for 5s. Proof: the kernel" in tarmac(
        "drill", ".", "slow-host", "--explain"
    )


def test_its_store_runs_and_keeps_what_a_user_puts(tarmac, tmp_path):
    (tmp_path / "tarmac.yaml").write_text(LOCAL)
    try:
        status = json.loads(tarmac("up", "-d", "--json"))
        assert {n["name"]: n["state"] for n in status["nodes"]}["notes"] == "healthy"
        lines = tarmac("env", "web").splitlines()
        (url,) = [line.partition("=")[2].strip("'\"") for line in lines if "NOTES=" in line]
        assert ask(url, "PUT", b"seven") == (204, b"")
        assert ask(url, "GET") == (200, b"seven")
        password = urlsplit(url).password
        assert ask(url.replace(f":{password}@", ":wrong@"), "GET")[0] == 401
    finally:
        tarmac("down")


def ask(url, method, body=None):
    """Send a request with the URL's user and password, and return status and body."""
    parts = urlsplit(url)
    login = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    request = urllib.request.Request(
        f"http://{parts.hostname}:{parts.port}/key",
        body,
        {"Authorization": f"Basic {login}"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
