"""`tarmac doctor` asks each program for its version and says how to get what is missing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox import PORT, TARMAC, web

from tarmac.base.tools import TOOLS, Tool
from tarmac.run.kept import kept
from tarmac.run.local.supervisor import checkup

#: What each tool prints where it is as old as allowed.
PRINTED = {
    "git": "git version 2.40.0",
    "node": "v20.0.0",
    "npm": "10.0.0",
    "docker": "Docker version 24.0.0, build x",
    "kubectl": "Client Version: v1.28.0",
    "helm": "v3.0.0",
    "kustomize": "v5.0.0",
    "argocd": "argocd: v2.0.0",
    "terraform": "Terraform v1.6.0",
    "aws": "aws-cli/2.0.0",
    "gh": "gh version 2.0.0",
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with every tool in it."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, printed in PRINTED.items():
        put(folder, name, f"echo '{printed}'")
    return folder


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def doctor(path: Path, *args: str, cwd: Path | None = None) -> tuple[int, dict[str, dict]]:
    done = subprocess.run(
        [*TARMAC, "doctor", "--json", *args],
        env={**os.environ, "PATH": str(path)},
        cwd=cwd or path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    content = json.loads(done.stdout)
    assert content["ok"] == (done.returncode == 0)
    return done.returncode, {check["name"]: check for check in content["checks"]}


def test_a_machine_that_has_everything_passes(programs):
    status, checks = doctor(programs)
    assert {name: checks[name]["state"] for name in PRINTED} == dict.fromkeys(PRINTED, "ok")
    assert checks["python3"]["found"] == ".".join(map(str, sys.version_info[:3]))
    assert {"disk", "open files"} <= checks.keys()
    assert status == 0


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.name != "python3"])
def test_a_tool_that_is_absent_fails_and_says_how_to_get_it(tool, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    found = checkup.check(tool)
    assert (found.state, found.fails) == ("absent", True)
    assert found.advice == tool.advice


def test_a_tool_below_its_floor_or_without_an_answer_fails(programs):
    put(programs, "git", "echo 'git version 2.39.5'")
    put(programs, "helm", "echo v2.17.0")
    put(programs, "gh", "exit 1")
    (programs / "aws").unlink()
    status, checks = doctor(programs)
    assert status == 1
    wrong = {name: check["state"] for name, check in checks.items() if check["fails"]}
    assert wrong == {"git": "too old", "helm": "too old", "gh": "no answer", "aws": "absent"}
    assert checks["git"]["advice"] == "apt install git or brew install git"


def test_a_tool_that_hangs_is_given_up(tmp_path, monkeypatch):
    put(tmp_path, "slow", "sleep 60")
    monkeypatch.setattr(checkup, "ANSWER_S", 0.2)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = checkup.check(Tool("slow", "1", "nothing", {"pip": "slow"}))
    assert (found.state, found.fails) == ("no answer", True)


def test_docker_without_a_daemon_is_never_called_fine(programs):
    put(programs, "docker", '[ "$1" = info ] && exit 1; echo "Docker version 24.0.0"')
    _, checks = doctor(programs)
    assert checks["docker"]["state"] == "no answer"
    assert "docker info" in checks["docker"]["advice"]


def test_a_system_says_what_it_keeps_of_its_runs_and_how_much_at_most(sandbox):
    home = sandbox.folder / ".tarmac/default"
    (home / "logs").mkdir(parents=True)
    (home / "logs/web.log.1").write_bytes(b"x" * 1200)
    for name in ("telemetry.sqlite", "telemetry.sqlite-wal"):
        (home / name).write_bytes(b"x" * 2500)
    checks = {check.name: check for check in kept(sandbox.folder)}
    assert checks["records"].found == "5.0 kB; 7 days, 1.1 GB a copy"
    assert checks["log files"].found == "1.2 kB; 40.0 MB a process"
    assert checks["snapshots"].found == "0 B"


def test_a_system_asks_only_for_what_it_needs(sandbox, programs):
    put(programs, "serve", "echo 1.2.3")
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          {web("front", PORT)}
          own: {{run: [serve, it], env: {{DB: "${{stores.db.url}}"}}}}
          line: {{run: "node --inspect server.js"}}
          lost: {{run: [no-such-program]}}
          part: {{source: part}}
        stores: {{db: {{kind: postgres, version: "18"}}}}
        """
    )
    (sandbox.folder / "part").mkdir()
    (sandbox.folder / "part/service.yaml").write_text("part: x\npackage: tarmac_no_such_part\n")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        status, checks = doctor(programs, "tarmac.yaml", cwd=sandbox.folder)
    assert status == 1
    assert "kubectl" not in checks
    assert checks["db"]["found"].startswith("PostgreSQL 18")
    assert checks["serve"]["state"] == "ok"
    assert checks["node"]["found"] == "20.0.0"
    assert "'no-such-program' is not on PATH" in checks["no-such-program"]["advice"]
    assert checks[f"port {PORT}"]["state"] == "taken"
    assert f"pid {os.getpid()} (" in checks[f"port {PORT}"]["found"]
    assert not checks[f"port {PORT}"]["fails"], "it moves to another"
    assert "tarmac_no_such_part missing" in checks["this Python"]["advice"]


def test_what_stands_in_for_a_store_is_said_and_not_held_to_its_version(sandbox, programs):
    put(programs, "docker", "exit 1")
    (sandbox.folder / "part").mkdir()
    slot = "slots: {docs: {kind: mongodb, env: MONGODB_URL}}"
    (sandbox.folder / "part/service.yaml").write_text(f"part: x\npackage: tarmac_x\n{slot}\n")
    sandbox.write(
        """
        tarmac: 1
        system: small
        services: {keeper: {source: part, stores: {docs: users}}}
        stores: {users: {kind: mongodb, version: "8"}}
        """
    )
    _, checks = doctor(programs, "tarmac.yaml", cwd=sandbox.folder)
    if (found := checks["users"]["found"]).startswith("MongoDB"):
        pytest.skip("this machine has a mongod where its makers put it")
    assert found.startswith("PostgreSQL")
    assert found.endswith("as a substitute for MongoDB")
    assert checks["users"]["state"] == "ok"


def test_the_ports_of_a_system_that_runs_are_its_own(sandbox):
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          {web("front", PORT)}
        """
    )
    sandbox.up()
    done = sandbox.tarmac("doctor", "small")
    assert done.returncode == 0, done.stdout
    assert "used by this system" in done.stdout


def test_a_wrong_file_is_told_with_its_places(sandbox):
    sandbox.write("tarmac: 1\nsystem: small\nservices: {web: {rum: x}}\n")
    done = sandbox.tarmac("doctor", "tarmac.yaml")
    assert done.returncode == 2
    assert "tarmac.yaml:3:18: unknown key 'rum'; did you mean 'run'?" in done.stderr


def test_in_a_repository_it_looks_at_what_that_needs_and_with_all_at_everything(sandbox, programs):
    sandbox.write("tarmac: 1\nsystem: small\nservices: {web: {run: [no-such-program]}}\n")
    code, checks = doctor(programs, cwd=sandbox.folder)
    assert code == 1
    assert "kubectl" not in checks
    assert any("no-such-program" in name for name in checks)
    _, everything = doctor(programs, "--all", cwd=sandbox.folder)
    assert "kubectl" in everything
