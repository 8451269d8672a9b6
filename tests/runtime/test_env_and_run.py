"""A service left to its developer: its environment, its commands, and the system around it."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys

import asyncpg
import pytest
from sandbox import PORT, SYSTEM, TARMAC, Sandbox, web

from tarmac.base import dotenv

SHOW = "import json, os; print(json.dumps({**os.environ, '': os.getcwd()}))"
TRICKY = "a b'c\"d $HOME `x` \\ #e"
ODD = json.dumps(TRICKY)


def start(box: Sandbox, *args: str) -> subprocess.Popen[str]:
    """Run a verb that goes on."""
    return subprocess.Popen(
        [*TARMAC, *args],
        cwd=box.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def shown(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Read what SHOW printed."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def odd(sandbox: Sandbox):
    """A system of which one service has a value that needs quotes, and a secret."""
    back = web("back", PORT + 1, f", env: {{ODD: {ODD}}}, secrets: [API_KEY]")
    front = web("front", PORT, ", calls: [back]")
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {front}\n  {back}\n")
    sandbox.up()
    return sandbox


def test_what_env_prints_is_what_the_service_has(odd: Sandbox):
    told = json.loads(odd.tarmac("env", "back", "--json").stdout)
    assert told["env"].keys() >= {"API_KEY", "HOST", "ODD", "PORT", "SERVICE_NAME"}
    assert not told["env"].keys() & {"PATH", "HOME"}
    for name, value in told["env"].items():
        assert odd.get("back", f"/env/{name}") == value
    assert told["command"] == [sys.executable, "server.py"]
    assert told["folder"] == str(odd.folder)
    every = odd.tarmac("env", "back", "--all").stdout
    assert f"PATH={odd.get('back', '/env/PATH')}\n" in every


def test_a_shell_and_a_reader_of_env_files_get_the_values_unchanged(odd: Sandbox):
    wanted = json.loads(odd.tarmac("env", "back", "--json").stdout)["env"]
    plain = odd.tarmac("env", "back").stdout
    assert dict(line.split("=", 1) for line in plain.splitlines()) == wanted
    assert dotenv.parse(odd.tarmac("env", "back", "--format", "dotenv").stdout) == (wanted, ())
    exported = odd.tarmac("env", "back", "--export").stdout
    script = f'{exported}exec {sys.executable} -c "{SHOW}"'
    run = subprocess.run(
        ["sh", "-c", script], env={}, capture_output=True, text=True, timeout=20, check=False
    )
    assert shown(run).items() >= wanted.items()
    assert wanted["ODD"] == TRICKY


def test_env_notes_a_taken_port_and_a_system_that_is_not_running(odd: Sandbox):
    running = odd.tarmac("env", "back")
    assert (
        "is taken: back runs there; to start it yourself: `tarmac up --without`" in running.stderr
    )
    odd.tarmac("down")
    stopped = odd.tarmac("env", "back")
    assert stopped.stdout == running.stdout
    assert "the next `up` may choose other ports" in stopped.stderr


@pytest.mark.parametrize("verb", ["env", "run"])
def test_a_name_that_is_no_service_is_bad_input(sandbox: Sandbox, verb):
    uses = ", env: {DB: '${stores.db.url}'}"
    sandbox.write(
        f"tarmac: 1\nsystem: small\nservices:\n  {web(more=uses)}\nstores: {{db: postgres}}\n"
    )
    never = sandbox.tarmac(verb, "web")
    assert (never.returncode, "never ran" in never.stderr) == (2, True)
    sandbox.up()
    unknown = sandbox.tarmac(verb, "wep")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "wep: no service of small; did you mean 'web'?\n",
    )
    store = sandbox.tarmac(verb, "db")
    assert (store.returncode, "open it with `tarmac connect`" in store.stderr) == (2, True)


def test_a_command_runs_in_a_services_environment_and_folder_beside_the_service(odd: Sandbox):
    os.environ["MINE"] = "kept"
    try:
        env = shown(odd.tarmac("run", "back", "--", sys.executable, "-c", SHOW))
    finally:
        del os.environ["MINE"]
    wanted = json.loads(odd.tarmac("env", "back", "--json").stdout)["env"]
    assert {**env, "PORT": ""}.items() >= {**wanted, "PORT": ""}.items()
    assert env["PORT"] != wanted["PORT"]  # the instance has that one
    assert env["MINE"] == "kept"
    assert env[""] == str(odd.folder)


def test_the_commands_end_is_the_verbs_end(odd: Sandbox):
    assert odd.tarmac("run", "back", "--", "sh", "-c", "exit 41").returncode == 41
    missing = odd.tarmac("run", "back", "--", "no-such-program", "--help")
    assert missing.returncode == 127
    assert missing.stderr.startswith("no-such-program: cannot be run in")
    catch = (
        "import signal; signal.signal(15, lambda *_: exit(9)); print(1, flush=True); signal.pause()"
    )
    run = start(odd, "run", "back", "--", sys.executable, "-c", catch)
    assert run.stdout.readline() == "1\n"
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=20)
    assert run.returncode == 9


def test_a_second_one_of_what_runs_is_not_started(odd: Sandbox):
    done = odd.tarmac("run", "back")
    assert done.returncode == 1
    assert done.stderr == "back: runs already; to start it yourself: `tarmac up --without`\n"


def test_a_service_left_out_is_started_by_hand_and_taken_back(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    told = sandbox.tarmac("up", "-d", "--without", "back")
    assert told.returncode == 0, told.stderr
    assert "tarmac run back" in told.stdout
    assert "tarmac env back" in told.stdout
    assert (sandbox.node("front")["state"], sandbox.node("back")["state"]) == ("healthy", "outside")

    mine = start(sandbox, "run", "back")
    try:
        sandbox.until("back", lambda node: node["state"] == "healthy")
        assert sandbox.get("back") == f"pid {mine.pid}"  # the public port leads to it
        second = sandbox.tarmac("run", "back")
        assert second.returncode == 1
        assert f"is taken by pid {mine.pid}" in second.stderr

        assert "nothing changed" in sandbox.tarmac("up", "-d").stdout
        assert sandbox.get("back") == f"pid {mine.pid}"
        again = sandbox.tarmac("start", "back")
        assert "your process still runs but no longer receives traffic" in again.stdout
        assert sandbox.get("back") == f"pid {sandbox.node('back')['pid']}"
        assert mine.poll() is None
        assert f"is taken by pid {mine.pid}" in sandbox.tarmac("logs", "back").stdout
    finally:
        mine.terminate()
        mine.communicate(timeout=20)

    sandbox.tarmac("up", "-d", "--without", "back")
    assert sandbox.node("back")["state"] == "outside"
    assert sandbox.node("front")["restarts"] == 0


def test_what_is_left_out_is_a_debuggers_to_start_by_its_command(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    sandbox.up("--without", "back")
    exported = sandbox.tarmac("env", "back", "--export").stdout
    command = sandbox.tarmac("env", "back", "--command").stdout
    assert command == f"cd {sandbox.folder} && exec {shlex.quote(sys.executable)} server.py\n"
    debugger = subprocess.Popen(["sh", "-c", exported + command], stdout=subprocess.DEVNULL)
    try:
        sandbox.until("back", lambda node: node["state"] == "healthy")
        assert sandbox.get("back") == f"pid {debugger.pid}"
    finally:
        debugger.terminate()
        debugger.wait(20)
    sandbox.until("back", lambda node: node["state"] == "outside")


#: Makes its table, then listens.
MAKER = """
import asyncio, asyncpg, os
async def main():
    database = await asyncpg.connect(os.environ["DB"])
    await database.execute("CREATE TABLE IF NOT EXISTS things (name text)")
asyncio.run(main())
exec(open("server.py").read())
"""


@pytest.mark.servers
def test_a_seed_waits_for_the_service_that_somebody_else_starts(sandbox: Sandbox):
    (sandbox.folder / "maker.py").write_text(MAKER)
    (sandbox.folder / "things.sql").write_text("INSERT INTO things VALUES ('seeded');\n")
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          web:
            run: [{sys.executable}, maker.py]
            port: {PORT}
            env: {{DB: "${{stores.db.url}}"}}
        stores:
          db: {{kind: postgres, seed: things.sql}}
        """
    )
    sandbox.up("--without", "web")
    url = sandbox.tarmac("connect", "db", "--url").stdout.strip()

    async def things() -> list[str]:
        database = await asyncpg.connect(url)
        try:
            return [row["name"] for row in await database.fetch("SELECT name FROM things")]
        finally:
            await database.close()

    mine = start(sandbox, "run", "web")
    try:
        sandbox.until("web", lambda node: node["state"] == "healthy")
        assert asyncio.run(things()) == ["seeded"]
    finally:
        mine.terminate()
        mine.communicate(timeout=20)
