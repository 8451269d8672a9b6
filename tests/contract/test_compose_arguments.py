"""What is said of a Docker daemon that cannot be used, and of environments for something else.

Docker's client is a script that answers as it does; the real one is in tests/containers.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rendered import ROOT

from tarmac.base.errors import TarmacError
from tarmac.run.opening import COMPOSE, LOCAL, Place, opened

TARMAC = Path(sys.executable).with_name("tarmac")
FILE = ROOT / "systems/hello-dd/tarmac.yaml"
CLIENT = """#!/bin/sh
case "$*" in
    "context inspect"*)
        [ "$DOCKER_CONTEXT" = prd ] && exit 1
        echo ${DOCKER_HOST:-unix:///d.sock} ;;
    "context ls"*) printf 'default\\nprod\\n' ;;
    "compose version"*) COMPOSE ;;
    "version"*) SERVER ;;
    "ps "*) ;;
    *) echo "docker $*" >&2; exit 1 ;;
esac
"""
WELL = {"COMPOSE": "echo v2.40.3", "SERVER": "echo 28"}
AWAY = 'echo "Cannot connect to the Docker daemon at unix:///d.sock." >&2; exit 1'
DENIED = 'echo "permission denied while trying to connect" >&2; exit 1'
HERE, THERE = Place(COMPOSE), Place(COMPOSE, host="ssh://me@there")


def client(folder: Path, script: dict[str, str]) -> str:
    """Write a client that answers so; returns the PATH that has it, or none without answers."""
    text = CLIENT
    for word, answer in script.items():
        text = text.replace(word, answer)
    if script:
        (folder / "docker").write_text(text)
        (folder / "docker").chmod(0o755)
    return f"{folder}:/usr/bin:/bin" if script else str(folder)


@pytest.mark.parametrize(
    ("place", "script", "code", "told"),
    [
        (HERE, {}, 3, "docker is not on PATH; "),
        (HERE, {**WELL, "COMPOSE": "exit 1"}, 3, "Docker has no Compose; https://docs.docker.com/"),
        (HERE, {**WELL, "COMPOSE": "echo 2.24"}, 3, "Docker Compose 2.24 is older than 2.30; "),
        (
            HERE,
            {**WELL, "SERVER": AWAY},
            1,
            "unix:///d.sock: the Docker daemon does not answer; start it, or name another with",
        ),
        (
            HERE,
            {**WELL, "SERVER": DENIED},
            1,
            "unix:///d.sock: this user may not use Docker; run as root, or add the user to",
        ),
        (
            THERE,
            {**WELL, "SERVER": AWAY},
            1,
            "ssh://me@there: cannot be reached (Cannot connect to the Docker daemon at ",
        ),
        (Place(COMPOSE, context="prd"), WELL, 2, "docker: no context 'prd'; did you mean 'prod'?"),
        (Place(COMPOSE, host="there"), WELL, 2, "--host: 'there' is not an address of Docker, e.g"),
        (
            Place(COMPOSE, host="ssh://me@there", context="prod"),
            WELL,
            2,
            "--host: names the daemon as --context does; give one",
        ),
        (Place(LOCAL, host="ssh://a@b"), WELL, 2, "--host: needs --target compose"),
        (
            Place(COMPOSE, environment="kind"),
            WELL,
            2,
            "systems/hello-dd/tarmac.yaml: environment kind has no machine with Docker Compose",
        ),
        (HERE, WELL, 2, f"{FILE}: hello-dd for compose was never deployed to unix:///d.sock; run"),
        (THERE, WELL, 2, f"{FILE}: hello-dd for compose was never deployed to ssh://me@there; run"),
    ],
)
def test_a_place_that_cannot_be_reached_is_one_line_with_what_to_do(
    place, script, code, told, tmp_path, monkeypatch
):
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", client(tmp_path, script))
    with pytest.raises(TarmacError) as raised, opened(place, FILE):
        pytest.fail("nothing is there")
    assert raised.value.exit_code == code
    assert str(raised.value).startswith(told)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (
            ("drill", "hello-dd", "pricing-slow", "--target", "compose"),
            (
                "systems/hello-dd/drills/pricing-slow.yaml: fault 'latency' is not possible with "
                "Docker Compose, which lacks `Edges`"
            ),
        ),
        (
            ("deploy", "hello-dd", "--env", "kind", "--host", "ssh://me@there"),
            "--host: names a Docker daemon; a cluster is found by --context\n",
        ),
    ],
)
def test_verbs_refuse_what_is_not_possible_there(argv, told, tmp_path):
    env = {"HOME": str(tmp_path), "PATH": client(tmp_path, WELL)}
    done = subprocess.run(
        [TARMAC, *argv], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(told)
