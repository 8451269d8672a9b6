"""`tarmac up` gives services an address for spans, and `tarmac trace` shows what they sent."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from pathlib import Path

import pytest
from sandbox import SYSTEM, Sandbox, family

from tarmac.plan.telemetry_token import TOKEN_HEADER
from tarmac.run.local.supervisor import client

ENDPOINT = "/env/OTEL_EXPORTER_OTLP_ENDPOINT"


def send(endpoint: str, trace: int, *, failed: bool = False, token: str = "") -> None:
    """Send one span as a service does; its connection waits while the process starts."""
    span = {
        "traceId": f"{trace:032x}",
        "spanId": "00f067aa0ba902b7",
        "name": f"GET /{trace}",
        "startTimeUnixNano": str(time.time_ns()),
        "status": {"code": 2, "message": "no stock"} if failed else {},
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "back"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    headers = {"Content-Type": "application/json", TOKEN_HEADER: token}
    request = urllib.request.Request(f"{endpoint}/v1/traces", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def traces(box: Sandbox, *options: str, count: int) -> list[str]:
    """Wait until so many traces are listed, and name them."""
    ends_at = time.monotonic() + 30
    while True:
        done = box.tarmac("trace", "--json", *options)
        if done.returncode == 0:
            names = [trace["name"] for trace in json.loads(done.stdout)["traces"]]
            if len(names) >= count:
                return names
        assert time.monotonic() < ends_at, done.stdout + done.stderr
        time.sleep(0.1)


def telemetry_pid(box: Sandbox) -> int:
    """Find the process among the supervisor's descendants."""
    for pid in family(box):
        if b"tarmac.run.dashboard" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("no telemetry process")


@pytest.fixture
def traced(sandbox: Sandbox) -> Sandbox:
    sandbox.write(SYSTEM)
    sandbox.up("--telemetry")
    return sandbox


def test_what_services_send_is_listed_shown_and_outlives_process_and_system(traced):
    endpoint = traced.get("back", ENDPOINT)
    assert traced.get("back", "/env/OTEL_SERVICE_NAME") == "back"
    assert "service.instance.id=front-1" in traced.get("front", "/env/OTEL_RESOURCE_ATTRIBUTES")
    header, _, token = traced.get("back", "/env/OTEL_EXPORTER_OTLP_HEADERS").partition("=")
    assert header == TOKEN_HEADER
    assert token != traced.get("front", "/env/OTEL_EXPORTER_OTLP_HEADERS").partition("=")[2]
    send(endpoint, 0xA1 << 120, token=token)
    assert len(traces(traced, count=1)) == 1

    os.kill(telemetry_pid(traced), signal.SIGKILL)
    send(endpoint, 0xB2 << 120, failed=True)
    assert len(traces(traced, count=2)) == 2
    assert len(traces(traced, "--failed", count=1)) == 1
    own = traces(traced, "--service", "back", count=1)
    assert own == [f"GET /{0xA1 << 120}"]  # the other had no token

    shown = traced.tarmac("trace", "b200").stdout
    assert "no stock" in shown
    assert "back" in shown
    assert traced.tarmac("trace", "dead").returncode == 2

    assert traced.tarmac("down").returncode == 0
    assert len(traces(traced, count=2)) == 2


def test_it_is_ended_with_the_option_and_services_are_told_nothing(traced):
    assert traced.get("back", ENDPOINT).startswith("http://127.0.0.1:")
    traced.up()
    assert traced.get("back", ENDPOINT).startswith("pid ")
    with pytest.raises(AssertionError, match="no telemetry process"):
        telemetry_pid(traced)


def test_an_address_of_the_users_own_wins(sandbox, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    sandbox.write(SYSTEM)
    sandbox.up("--telemetry")
    assert sandbox.get("back", ENDPOINT) == "http://127.0.0.1:9"
    assert client.is_running(sandbox.home)


def test_without_telemetry_a_trace_says_how_to_get_one(sandbox):
    sandbox.write(SYSTEM)
    done = sandbox.tarmac("trace")
    assert done.returncode == 1
    assert "it begins a few seconds after `tarmac up`" in done.stderr


def test_it_is_there_unless_a_flag_or_the_environment_says_no(sandbox, monkeypatch):
    objective = "objectives: [{service: idle, availability: 99, window: 7d}]\n"
    sandbox.write(
        f"tarmac: 1\nsystem: seen\nservices: {{idle: {{run: [sleep, infinity]}}}}\n{objective}"
    )
    without = sandbox.up()  # as this suite's environment says
    assert without["dashboard"] == ""
    assert "objectives are not measured without telemetry" in without["notes"]
    monkeypatch.delenv("TARMAC_TELEMETRY")
    seen = sandbox.up()
    assert seen["dashboard"].startswith("http://localhost:")
    assert seen["notes"] == []
    assert sandbox.up("--no-telemetry")["dashboard"] == ""
