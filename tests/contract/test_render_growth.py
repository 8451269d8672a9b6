"""Twice the services are twice the work: counted in lines of Python that run, not in seconds."""

from __future__ import annotations

import pytest
from demo_system import KINDS, demo
from growth import MOST, counted
from rendered import RENDERERS

from tarmac.base.artifact import write
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

COUNTS = (40, 80)


def many(count: int, scale: str) -> str:
    lines = ["tarmac: 1", "system: large", "services:"]
    for number in range(count):
        # No chain is longer than ten: what waits for what is written for each of a chain.
        last = min(number + 3, (number // 10 + 1) * 10)
        calls = ", ".join(f"s{callee}" for callee in range(number + 1, last))
        lines += [
            f"  s{number}:",
            "    run: [python, server.py]",
            f"    port: {8000 + number}",
            f"    calls: [{calls}]",
            f"    env: {{URL: '${{stores.d{number // 10}.url}}'}}",
        ]
    lines += ["stores:", *(f"  d{number}: postgres" for number in range(count // 10))]
    return "\n".join([*lines, "environments:", f"  production: {scale}", ""])


@pytest.mark.parametrize(
    ("stage", "environment"),
    [
        *((stage, "{replicas: {min: 3, max: 9, cpu: 70}}") for stage in ("load", "plan", "render")),
        ("render", "{target: compose}"),
    ],
)
def test_twice_the_services_are_twice_the_work(stage, environment):
    work = []
    for count in COUNTS:
        text = many(count, environment)
        system = demo(text)
        plan = deploy(system, "production", KINDS)
        runs = {
            "load": lambda text=text: demo(text),
            "plan": lambda system=system: deploy(system, "production", KINDS),
            "render": lambda plan=plan: [write(a, "made") for a in artifacts(plan, RENDERERS)],
        }
        work.append(counted(runs[stage]))
    assert work[1] / work[0] < MOST


def test_work_that_grows_with_the_square_is_recognised():
    def square(count: int) -> int:
        return counted(lambda: [a for a in range(count) for b in range(count) if b == a])

    assert square(80) / square(40) > MOST
