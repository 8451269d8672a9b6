"""The key `stop` of a service: the signal that asks it to end, and the time that it has."""

from __future__ import annotations

import sys

import pytest

from tarmac.plan.cluster_services import DRAIN_S

#: Notes the first signal that comes, and goes on until it is killed or has slept enough.
PROGRAM = """
import signal, sys, time
from pathlib import Path

def ended(number, frame):
    Path("signal").write_text(signal.Signals(number).name)
    time.sleep(float(sys.argv[1]))
    sys.exit(0)

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
    signal.signal(number, ended)
print("ready", flush=True)
while True:
    time.sleep(60)
"""
SYSTEM = """
    tarmac: 1
    system: small
    services:
      worker:
        run: [{python}, worker.py, "{seconds}"]
        probe: {{log: ready}}
        stop: {stop}
"""


@pytest.mark.parametrize(
    ("stop", "seconds", "signal", "is_killed"),
    [
        ("{signal: INT}", 0, "SIGINT", False),
        ("{signal: USR1, grace: 0.2s}", 60, "SIGUSR1", True),
        ("{grace: 0.2s}", 60, "SIGTERM", True),
    ],
)
def test_a_service_is_asked_by_its_signal_and_killed_after_its_time(
    sandbox, stop, seconds, signal, is_killed
):
    (sandbox.folder / "worker.py").write_text(PROGRAM)
    sandbox.write(SYSTEM.format(python=sys.executable, seconds=seconds, stop=stop))
    sandbox.up()
    assert sandbox.tarmac("down").returncode == 0
    assert (sandbox.folder / "signal").read_text() == signal
    log = (sandbox.home.logs / "worker.log").read_text()
    assert ("still running after 0.2 s: SIGKILL" in log) is is_killed


def test_a_time_that_is_none_is_refused_at_its_place(sandbox):
    sandbox.write(SYSTEM.format(python=sys.executable, seconds=0, stop="{signal: KILL, grace: 0s}"))
    refused = sandbox.tarmac("up", "-d")
    assert refused.returncode == 2
    assert "tarmac.yaml:7:" in refused.stderr
    assert "signal" in refused.stderr
    assert "grace" in refused.stderr


def test_a_pod_has_the_time_of_its_service_beside_that_of_its_drain(sandbox):
    sandbox.write(
        """
        tarmac: 1
        system: small
        services:
          worker:
            run: [npm, start]
            port: 3000
            public: {}
            stop: {signal: INT, grace: 90s}
        environments:
          production: {registry: registry.example.com, domain: example.com}
          compose: {target: compose}
        """
    )
    for environment in ("production", "compose"):
        made = sandbox.tarmac("render", "small", "--env", environment, "--out", environment)
        assert made.returncode == 0, made.stderr
    (pod,) = (sandbox.folder / "production").rglob("worker/deployment.yaml")
    assert f"terminationGracePeriodSeconds: {DRAIN_S + 90:.0f}" in pod.read_text()
    (compose,) = (sandbox.folder / "compose").rglob("compose.y*ml")
    assert "stop_signal: SIGINT" in compose.read_text()
    assert f"stop_grace_period: {DRAIN_S + 90:g}s" in compose.read_text()
