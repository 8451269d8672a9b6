"""The keys `after_start`, `before_stop` and `stop: {command: ...}` of a service."""

from __future__ import annotations

import sys
import time

import pytest

#: Listens, and writes down what happens to it; ends on SIGTERM or when the file `end` is there.
SERVER = """
import asyncio, os, pathlib, signal, sys

def note(what):
    with open("events", "a") as file:
        file.write(what + "\\n")

async def main():
    port = int(os.environ["PORT"])
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", port)
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, lambda: (note("TERM"), over.set()))
    note("listens")
    while not over.is_set() and not pathlib.Path("end").exists():
        await asyncio.sleep(0.02)
    note("ended")

asyncio.run(main())
"""
SYSTEM = """
tarmac: 1
system: small
services:
  api:
    run: [{python}, server.py]
    port: 3000
    probe: {{tcp: true, within: 20s}}
{hooks}
  user:
    run: [sh, -c, "echo user >>events; sleep 60"]
    calls: [api]
"""


@pytest.fixture
def system(sandbox):
    (sandbox.folder / "server.py").write_text(SERVER)

    def write(*hooks):
        lines = "\n".join(f"    {hook}" for hook in hooks)
        sandbox.write(SYSTEM.format(python=sys.executable, hooks=lines))
        return sandbox

    return write


def events(sandbox):
    found = sandbox.folder / "events"
    return found.read_text().splitlines() if found.exists() else []


def test_hooks_run_around_the_life_of_a_program_in_its_environment(system):
    # The hook waits until the server listens, as it has to in a container.
    started = "until grep -q listens events; do sleep 0.05; done; echo after $PORT >>events"
    sandbox = system(
        f"after_start: {{run: '{started}'}}",
        "before_stop: {run: [sh, -c, 'echo before >>events; echo bye']}",
        "stop: {command: [touch, end], grace: 20s}",
    )
    sandbox.up()
    port = sandbox.node("api")["ports"]["http"]
    assert sandbox.tarmac("down").returncode == 0
    assert events(sandbox) == ["listens", f"after {port}", "user", "before", "ended"]
    log = (sandbox.home.logs / "api.log").read_text()
    assert "[tarmac] before_stop: bye" in log
    assert "SIGKILL" not in log


def test_what_fails_or_hangs_at_the_end_never_keeps_a_program_alive(system):
    sandbox = system(
        "before_stop: {run: [sleep, '60'], within: 0.3s}",
        "stop: {command: [sh, -c, 'echo no such lock; exit 3'], grace: 20s}",
    )
    sandbox.up()
    began = time.monotonic()
    assert sandbox.tarmac("down").returncode == 0
    assert time.monotonic() - began < 15
    log = (sandbox.home.logs / "api.log").read_text()
    assert "before_stop did not end within 0.3 s" in log
    assert "stop.command ended with 3: no such lock" in log
    assert events(sandbox)[-2:] == ["TERM", "ended"]


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        (
            "{run: [sh, -c, 'echo the cache is away >&2; exit 4']}",
            "ended with 4: the cache is away",
        ),
        ("{run: [sleep, '60'], within: 0.2s}", "did not end within 0.2 s"),
        ("{run: [no-such-program-here]}", "could not be started"),
    ],
)
def test_nothing_uses_a_service_whose_hook_fails_and_up_says_why(system, hook, why):
    sandbox = system(f"after_start: {hook}")
    failed = sandbox.tarmac("up", "-d")
    assert failed.returncode == 1
    assert f"after_start {why}" in failed.stdout + failed.stderr
    assert "user" not in events(sandbox)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["stop: {signal: INT, command: [touch, end]}"], "has both `signal` and `command`"),
        (["after_start: {run: []}"], "run is empty; name a program"),
        (["before_stop: {run: [a], within: 0s}"], "within"),
    ],
)
def test_a_hook_that_cannot_be_is_refused_at_its_place(system, lines, why):
    refused = system(*lines).tarmac("up", "-d")
    assert refused.returncode == 2
    assert "tarmac.yaml:8:" in refused.stderr
    assert why in refused.stderr


def test_containers_have_the_same_hooks(system):
    sandbox = system(
        "after_start: {run: ./warm.sh $PORT}",
        "before_stop: {run: [./leave, 'the pool']}",
        "stop: {command: [./quit]}",
    )
    (sandbox.folder / "tarmac.yaml").write_text(
        (sandbox.folder / "tarmac.yaml").read_text()
        + "environments:\n  production: {registry: r.example.com}\n  compose: {target: compose}\n"
    )
    assert sandbox.tarmac("render", "--env", "production", "--out", "k").returncode == 0
    deployment = (sandbox.folder / "k/k8s/api/deployment.yaml").read_text()
    assert "- sleep 5; ./leave 'the pool'; ./quit" in deployment
    assert "postStart" in deployment
    assert sandbox.tarmac("render", "--env", "compose", "--out", "c").returncode == 0
    compose = (sandbox.folder / "c/compose/compose.yaml").read_text()
    assert "./warm.sh $$PORT" in compose
    assert compose.index("post_start") < compose.index("pre_stop")
