"""Tasks run one after the other as they are written, or as `after` says; `here` is not rendered."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo, facts_for

from tarmac.base.errors import BadInput
from tarmac.plan.deploy import deploy
from tarmac.plan.resolve import resolve

WEB = "tasks: {install: {run: [a]}, build: {run: [b]}, seed: {run: [c]}"


def demo_with(tasks: str) -> str:
    assert DEMO.count("port: 8080") == 1
    return DEMO.replace("port: 8080", f"port: 8080\n        {tasks}")


def waits(tasks: str) -> dict[str, set[str]]:
    """Tell of each task which others of its service end before it begins."""
    system = demo(demo_with(tasks))
    plan = resolve(system, "local", facts_for(system), KINDS)
    return {
        node.name.removeprefix("web."): {
            name.removeprefix("web.") for name in node.after if name.startswith("web.")
        }
        for node in plan.nodes
        if node.role == "task"
    }


def test_each_waits_for_the_one_written_before_it():
    assert waits(f"{WEB}}}") == {"install": set(), "build": {"install"}, "seed": {"build"}}


def test_after_names_others_or_none():
    found = waits(
        f"{WEB}, assets: {{run: [d], after: [install, seed]}}, hi: {{run: [e], after: []}}}}"
    )
    assert found["assets"] == {"install", "seed"}
    assert found["hi"] == set()


def test_what_runs_on_a_schedule_stands_in_no_queue():
    found = waits(f"{WEB}, sweep: {{run: [d], schedule: '* * * * *'}}, last: {{run: [e]}}}}")
    assert found["last"] == {"seed"}
    assert "last" not in found["sweep"]


def test_the_service_waits_for_all_of_them():
    system = demo(demo_with(f"{WEB}}}"))
    plan = resolve(system, "local", facts_for(system), KINDS)
    assert {"web.install", "web.build", "web.seed"} <= set(plan.node("web").after)


@pytest.mark.parametrize(
    ("tasks", "wrong"),
    [
        ("tasks: {a: {run: x, after: b}}", r"after names 'b'"),
        ("tasks: {a: {run: x, after: a}}", r"after names a itself; name another task, or \[\]"),
        ("tasks: {a: {run: x, after: bb}, b: {run: y}}", r"did you mean 'b'"),
        (
            "tasks: {a: {run: x, after: b}, b: {run: y, after: a}}",
            r"a waits for b, which waits for it; remove one",
        ),
        ("tasks: {a: {run: x, after: b}, b: {run: y}}", r"a waits for b, which waits for it"),
        (
            "tasks: {a: {run: x}, b: {run: y, after: a, schedule: '* * * * *'}}",
            r"after is for tasks that run once; remove it, or the schedule",
        ),
        (
            "tasks: {a: {run: x, after: b}, b: {run: y, schedule: '* * * * *'}}",
            r"after names 'b', which runs once before nothing",
        ),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_its_place(tasks, wrong):
    with pytest.raises(BadInput, match=rf"tarmac.yaml:\d+:\d+: .*{wrong}"):
        demo(demo_with(tasks))


def test_what_only_installs_or_builds_here_is_not_rendered():
    tasks = "tasks: {install: {run: [a], here: true}, seed: {run: [c]}}"
    system = demo(f"{demo_with(tasks)}\n    environments: {{kind: {{}}}}\n")
    plan = deploy(system, "kind", KINDS)
    (web,) = (workload for workload in plan.services if workload.name == "web")
    assert [once.name for once in web.once] == ["seed"]
