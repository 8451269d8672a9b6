"""A part of a system runs, grows, and loses a service, while the rest goes on."""

from __future__ import annotations

import json
import sys
import urllib.error

import pytest
from sandbox import SERVER, Sandbox

PORT = 23810
SYSTEM = f"""
    tarmac: 1
    system: parts
    services:
      page: {{run: [{sys.executable}, server.py], port: {PORT}, calls: [api]}}
      api: {{run: [{sys.executable}, server.py], port: {PORT + 1}, calls: [auth]}}
      auth: {{run: [{sys.executable}, server.py], port: {PORT + 2}, group: inner}}
      tool: {{run: [{sys.executable}, server.py], port: {PORT + 3}, profiles: [tools]}}
    stores:
      unused: {{kind: redis, provider: binary}}
"""


@pytest.fixture
def parts(sandbox: Sandbox) -> Sandbox:
    (sandbox.folder / "server.py").write_text(SERVER)
    sandbox.write(SYSTEM)
    return sandbox


def running(sandbox: Sandbox) -> dict[str, int | None]:
    return {node["name"]: node["pid"] for node in sandbox.ps()["nodes"]}


def test_a_part_grows_and_nothing_that_runs_is_restarted(parts: Sandbox):
    # The store `unused` has no server on this machine, and is off.
    first = parts.tarmac("up", "auth", "-d")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "off: api, page, tool, unused" in first.stdout
    auth = running(parts)
    assert auth.keys() == {"auth"}

    assert parts.tarmac("up", "api", "-d").returncode == 0
    both = running(parts)
    assert both == {**auth, "api": both["api"]}

    stopped = parts.tarmac("stop", "auth")
    assert stopped.returncode == 0, stopped.stderr
    assert parts.node("auth")["state"] == "off"
    assert running(parts) == {"api": both["api"], "auth": None}
    with pytest.raises((urllib.error.URLError, ConnectionResetError)):
        parts.get("auth")

    assert parts.tarmac("start", "auth", "page").returncode == 0
    assert parts.get("auth") == f"pid {running(parts)['auth']}"
    assert running(parts)["api"] == both["api"]
    assert running(parts).keys() == {"page", "api", "auth"}


def test_a_wrong_name_starts_nothing_at_the_first_time(parts: Sandbox):
    refused = parts.tarmac("up", "apo", "-d")
    said = "apo: no such service or store; did you mean 'api'?\n"
    assert (refused.returncode, refused.stderr) == (2, said)
    assert parts.ps()["nodes"] == []


def test_a_store_is_left_out_by_name_and_its_user_is_said(sandbox: Sandbox):
    (sandbox.folder / "server.py").write_text(SERVER)
    used = SYSTEM.replace("calls: [auth]", "env: {CACHE: '${stores.cache.url}'}, calls: [auth]")
    sandbox.write(used.replace("unused:", "cache:"))
    lacks = sandbox.tarmac("up", "-d")
    assert lacks.returncode == 3, lacks.stdout + lacks.stderr
    assert "or leave it out: --without cache, and api then misses it" in lacks.stderr

    first = sandbox.tarmac("up", "-d", "--without", "cache")
    assert first.returncode == 0, first.stdout + first.stderr
    said = " ".join(first.stdout.split())
    assert "cache: left out (--without), so it does not answer and api misses it" in said
    assert running(sandbox).keys() == {"page", "api", "auth"}

    refused = sandbox.tarmac("up", "-d", "--without", "cahe")
    assert refused.stderr == "--without cahe: no such service or store; did you mean 'cache'?\n"


def test_a_group_is_started_and_shown_by_its_name(parts: Sandbox):
    assert parts.tarmac("up", "--group", "inner", "-d").returncode == 0
    assert running(parts).keys() == {"auth"}
    parts.tarmac("start", "page")
    shown = json.loads(parts.tarmac("ps", "--group", "inner", "--json").stdout)
    assert [node["name"] for node in shown["nodes"]] == ["auth"]
    assert shown["groups"] == {"auth": "inner"}
    assert "GROUP" in parts.tarmac("ps").stdout
    refused = parts.tarmac("ps", "--group", "outer")
    assert (refused.returncode, refused.stderr) == (
        2,
        "--group outer: no service of this group runs\n",
    )


def test_a_name_that_does_not_exist_changes_nothing(parts: Sandbox):
    parts.tarmac("up", "auth", "-d")
    before = running(parts)
    for words, said in (
        (("up", "apo", "-d"), "apo: no such service or store; did you mean 'api'?"),
        (("start", "apo"), "apo: no such service or store; did you mean 'api'?"),
        (("stop", "apo"), "apo: no such service; did you mean 'api'?"),
        (
            ("up", "-d", "--profile", "tool"),
            "--profile tool: no such profile; did you mean 'tools'?",
        ),
    ):
        refused = parts.tarmac(*words)
        assert (refused.returncode, refused.stderr) == (2, f"{said}\n")
    assert running(parts) == before


def test_a_command_runs_in_the_environment_of_a_service_that_is_off(parts: Sandbox):
    parts.tarmac("up", "auth", "-d")
    shown = parts.tarmac("run", "page", "--", "sh", "-c", "echo $PORT")
    assert shown.returncode == 0, shown.stderr
    assert int(shown.stdout) > 0
    refused = parts.tarmac("run", "page")
    assert refused.returncode == 1
    assert refused.stderr == (
        "page: is off; start it by `tarmac start page`, or put yours in its place: "
        "`tarmac up page --without page`\n"
    )


COMMANDS = "{who: [sh, -c, 'echo $0 $1 $NAME', argument], line: 'echo line $NAME'}"


def test_a_service_has_commands_of_its_own(parts: Sandbox):
    own = f"calls: [auth], env: {{NAME: api}}, commands: {COMMANDS}}}"
    parts.write(SYSTEM.replace("calls: [auth]}", own, 1))
    parts.tarmac("up", "auth", "-d")
    assert parts.ps()["commands"] == {"api": ["who", "line"]}
    assert parts.tarmac("run", "api", "who").stdout == "argument api\n"
    assert parts.tarmac("run", "api", "who", "--", "-x").stdout == "argument -x api\n"
    assert parts.tarmac("run", "api", "line").stdout == "line api\n"
    assert parts.tarmac("run", "api", "line", "--", "-n", "a b").stdout == "line api -n a b\n"
    unknown = parts.tarmac("run", "api", "whom")
    assert unknown.returncode == 2
    assert unknown.stderr == "whom: 'whom' is not a command of api; did you mean 'who'?\n"
