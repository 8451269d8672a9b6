"""`tarmac dashboard`: the link of what runs, and what the runs of a stopped system left."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from sandbox import TARMAC, Sandbox

from tarmac.run.local.state.state import NodeState, StateFile
from tarmac.run.telemetry.span import Span
from tarmac.run.telemetry.storage import Storage

IDLE = """
    tarmac: 1
    system: idle
    owner: team
    domain: idle.example.com
    services:
      sleeper: {run: [sleep, "3600"]}
"""
TRACE = bytes(range(16))


@pytest.fixture
def left(sandbox: Sandbox) -> Sandbox:
    """A system that does not run, and what a run of it left."""
    sandbox.write(IDLE)
    home = sandbox.home
    home.create()
    with contextlib.closing(StateFile(home.state)) as state:
        file = sandbox.folder / "tarmac.yaml"
        state.set_meta(system="idle", file=str(file), namespace="default")
        state.put(NodeState("sleeper", "service", "sleep", state="healthy", since=1.0))
    with contextlib.closing(Storage(home.telemetry)) as storage:
        storage.add([Span(TRACE, TRACE[:8], b"", "sleeper", "1", "GET /", "server", 10**18, 5)])
    return sandbox


@contextlib.contextmanager
def shown(box: Sandbox) -> Iterator[str]:
    """Show what is left; give the link."""
    process = subprocess.Popen(
        [*TARMAC, "dashboard"],
        cwd=box.folder,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("what earlier runs left: http://localhost:")
        yield said.split()[-1]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_what_the_runs_of_a_stopped_system_left_can_be_seen(left: Sandbox):
    with shown(left) as link:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        asking = urllib.request.build_opener(jar)
        with asking.open(link, timeout=20) as page:
            assert b"app.js" in page.read()
        origin = link.partition("/?")[0]

        def answer(question: str) -> dict:
            with asking.open(f"{origin}/api/{question}", timeout=20) as said:
                return json.load(said)

        system = answer("system")
        assert (system["system"], system["running"]) == ("idle", False)
        assert [node["state"] for node in system["nodes"]] == ["stopped"]
        assert [trace["name"] for trace in answer("traces")["traces"]] == ["GET /"]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{origin}/api/system", timeout=20)


def test_of_a_system_that_never_ran_there_is_nothing_to_see(sandbox: Sandbox):
    sandbox.write(IDLE)
    done = sandbox.tarmac("dashboard")
    assert done.returncode == 1
    assert "nothing ever ran here; start the system with `tarmac up`" in done.stderr


def test_of_a_system_that_runs_the_link_is_printed(sandbox: Sandbox):
    sandbox.write(IDLE)
    link = sandbox.up("--telemetry")["dashboard"]
    assert sandbox.tarmac("dashboard").stdout.strip() == link
    said = json.loads(sandbox.tarmac("dashboard", "--json").stdout)
    assert said == {"dashboard": link, "running": True}
    sandbox.up("--no-telemetry")
    done = sandbox.tarmac("dashboard")
    assert done.returncode == 1
    assert "the system runs without its dashboard" in done.stderr
