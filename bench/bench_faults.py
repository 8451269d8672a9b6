"""What a drill costs and how soon a fault is there, beside what must happen anyway.

A system of one bare ASGI service runs with its wires. A fault is there once `disturb` has returned,
which the next request proves; beside it stands the start of a program, as a tool that sets rules of
the network would be called. The drill without a fault makes the same visits as its generator alone.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
from urllib.parse import urlsplit

from bench.bench_drills import JOURNEYS, SERVICE
from bench.copies import Copy, copy
from bench.figure import Figure, seconds, sized

from tarmac.base.target import EdgeRule
from tarmac.drill.load.process import Load, generating
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.local_target import LocalTarget, local_target

ROUNDS = sized(5, 1)
RATE, SECONDS = 200.0, sized(5.0, 1.0)
DELAY_S = 0.2
SYSTEM = """
tarmac: 1
system: small
services:
  server: {{run: "{python} service.py $PORT 0", port: 8765}}
"""
DRILL = f"""
drill: 1
title: Nothing happens
load: {{journey: ask, rate: {RATE:g}}}
hypothesis: {{objectives: [], invariants: []}}
baseline: {SECONDS:g}s
recovery: 1s
"""


def measure() -> list[Figure]:
    """Return the delay of a fault in ms, and the 99th percentile of a drill's visits."""
    with copy(SYSTEM.format(python=sys.executable)) as system:
        (system.folder / "service.py").write_text(SERVICE)
        (system.folder / "journeys.py").write_text(JOURNEYS)
        (system.folder / "drills").mkdir()
        (system.folder / "drills/quiet.yaml").write_text(DRILL)
        system.tarmac("up", "-d")
        with local_target(Home.of(system.folder / "tarmac.yaml", "default")) as target:
            pairs = [(_asked_to_effective(target), _program_started()) for _ in range(3 * ROUNDS)]
            urls = dict(target.urls())
            p99 = [(_drill_p99_ms(system), _alone_p99_ms(system, urls)) for _ in range(ROUNDS)]
    how = f"medians of {ROUNDS} rounds in turns; {RATE:g} visits a second for {SECONDS:g} s"
    return [
        _figure(
            "fault: from asked for to effective",
            pairs,
            f"medians of {3 * ROUNDS} in turns; a delay of {DELAY_S:g} s, which the next request "
            "shows; theirs is the start and end of `true`",
        ),
        _figure("drill without faults: p99 of its visits", p99, f"{how}; theirs without a drill"),
    ]


def _figure(name: str, pairs: list[tuple[float, float]], note: str) -> Figure:
    ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    return Figure(name, "ms", ours, theirs, note)


def _asked_to_effective(target: LocalTarget) -> float:
    edges = [edge.id for edge in target.edges() if edge.target == "server"]
    took_s = seconds(lambda: target.disturb(edges, EdgeRule(delay_s=DELAY_S)))
    asked_s = seconds(lambda: _ask(target.urls()["server"]))
    target.disturb(edges, None)
    if asked_s < DELAY_S:
        raise RuntimeError(f"a request took {asked_s:.3f} s, less than the delay")
    return 1000 * took_s


def _ask(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


def _program_started() -> float:
    return 1000 * seconds(lambda: subprocess.run(["true"], check=True))


def _drill_p99_ms(system: Copy) -> float:
    said = json.loads(system.tarmac("drill", ".", "quiet", "--json", "-n", "default"))
    return 1000 * float(said["periods"][0]["p99_s"])


def _alone_p99_ms(system: Copy, urls: dict[str, str]) -> float:
    load = Load(system.folder / "journeys.py", "ask", urls, ((RATE, SECONDS),))
    with generating(load) as running:
        running.begin()
        time.sleep(SECONDS)
        running.end()
        return 1000 * running.between(0).percentile_s(99)
