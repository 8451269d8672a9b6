"""The verbs that look at a system, where it runs in a cluster."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.text import Text

from tarmac import registry, rendering, stores
from tarmac.cli import _project
from tarmac.cluster import kubectl as clients
from tarmac.cluster.running import RunningSystem, WorkloadState
from tarmac.cluster.store_access import store_url
from tarmac.errors import BadInput, Problem
from tarmac.installed import find_program
from tarmac.plan.access import shell_call
from tarmac.stores.kind import StoreKind

F = TypeVar("F", bound=Callable[..., Any])
CLUSTER = "cluster"
#: Of a deployment; a wave of `tarmac deploy` is given as much.
WITHIN_S = 300.0


@dataclass(frozen=True)
class Place:
    """Where a verb finds its system: here, or in a cluster."""

    target: str
    context: str | None
    environment: str | None

    @property
    def is_cluster(self) -> bool:
        """Whether it is a cluster. Raises BadInput for a cluster's options without one."""
        given = {"--context": self.context, "--env": self.environment}
        named = [option for option, value in given.items() if value is not None]
        if self.target != CLUSTER and named:
            what = "says which cluster; add --target cluster"
            raise BadInput([Problem(option, what) for option in named])
        return self.target == CLUSTER


@contextlib.contextmanager
def opened(system: str | None, place: Place) -> Iterator[RunningSystem]:
    """Give a system in a cluster.

    Raises:
        BadInput: no such system, environment or context; or the environment is no cluster's.
        MissingTool: there is no kubectl.
        TarmacError: the cluster does not answer.
    """
    plan = rendering.planned(_project.find(system), place.environment)
    if plan.settings.target != CLUSTER:
        what = f"environment {plan.environment} is no cluster's (target: {plan.settings.target})"
        raise BadInput([Problem(plan.model, f"{what}; name one that is")])
    with clients.opened(place.context) as kubectl:
        yield RunningSystem(kubectl, plan)


def store_urls(running: RunningSystem, ways: contextlib.ExitStack) -> Callable[[str], str]:
    """Give what says where a store is reached from here, from when it is asked to the end."""

    @functools.cache
    def url_of(store: str) -> str:
        return ways.enter_context(store_url(running, store))

    return url_of


def show(running: RunningSystem, states: Sequence[WorkloadState], *, as_json: bool) -> int:
    """Print workloads, their pods, and why one is not ready; returns the exit code."""
    from tarmac.cli import _show

    if as_json:
        _project.print_json(as_data(running, states))
    else:
        _draw(_show.open_console(), states)
    return 0 if all(state.readiness.ready for state in states) else 1


def as_data(running: RunningSystem, states: Sequence[WorkloadState]) -> dict[str, Any]:
    """Write the state of a system as plain data, for --json."""
    plan = running.plan
    return {
        "system": plan.system,
        "environment": plan.environment,
        "context": running.kubectl.context,
        "namespace": plan.namespace,
        "healthy": all(state.readiness.ready for state in states),
        "workloads": [
            {
                "name": state.name,
                "role": state.role,
                "ready": state.readiness.ready,
                "detail": state.readiness.detail,
                "causes": [cause.text for cause in state.causes],
                "pods": [asdict(pod) for pod in state.pods],
            }
            for state in states
        ],
    }


def _draw(console: Console, states: Sequence[WorkloadState]) -> None:
    from tarmac.cli import _show

    table = _show.columns(("NAME", "STATE", "NODE"), ("RESTARTS",))
    for state in states:
        style = "green" if state.readiness.ready else "bold red"
        table.add_row(Text(state.name), Text(state.readiness.detail, style), "", "")
        for pod in state.pods:
            shown = Text(pod.state, "" if pod.ready else "yellow")
            table.add_row(f"  {pod.name}", shown, pod.node, str(pod.restarts or ""))
    console.print(table)
    for state in states:
        for cause in state.causes:
            console.print(Text(f"{state.name}: {cause.text}", "bold red"), soft_wrap=True)


def print_logs(
    running: RunningSystem, names: Collection[str], last: int, *, follow: bool, as_json: bool
) -> None:
    """Print lines of pods' logs; raises as `RunningSystem.logs`."""
    from tarmac.cli import _follow, _show
    from tarmac.telemetry.log_lines import Line

    console, width = _show.open_console(), 0
    for line in map(Line._make, running.logs(names, last=last, follow=follow)):
        width = max(width, len(line.name))
        if as_json:
            click.echo(json.dumps(line._asdict()))
        else:
            console.print(_follow.written(line, width), soft_wrap=True)


def connect(running: RunningSystem, store: str, user: str, *, only_url: bool) -> int:
    """Open the shell of a store, or print a URL that serves until Ctrl-C; returns the exit code.

    Raises as `store_url`.
    """
    kind = running.plan.asked[store].kind if store in running.plan.asked else ""
    with store_url(running, store, user) as url:
        known: dict[str, StoreKind] = registry.load(stores, "STORE")
        call = shell_call(known[kind].shell if kind else None, url)
        program = next(filter(None, map(find_program, call["programs"])), None)
        if program is None or only_url:
            click.echo(url)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
            return 0
        # The password is passed by a variable: every user of the machine can read a command line.
        env = {**os.environ, **call["env"]}
        return subprocess.run([program, *call["arguments"]], env=env, check=False).returncode
