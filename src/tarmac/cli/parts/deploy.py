"""The steps of `tarmac deploy`, and what is printed of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import click

from tarmac.base import figures
from tarmac.base.errors import BadInput, Problem
from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.in_memory import RenderedTree
from tarmac.run import aws_login
from tarmac.run.cluster import drift as drifts
from tarmac.run.cluster import kubectl as clients
from tarmac.run.cluster.deployment import SCALERS, Deployment
from tarmac.run.cluster.objects import ObjectId
from tarmac.run.cluster.planning import Change as ObjectChange
from tarmac.run.cluster.planning import Plan, plan
from tarmac.run.cluster.release import Release
from tarmac.run.outcome import Failure, Outcome
from tarmac.run.releases import release_of

#: Changes and fields of one object that are printed; --json has them all.
SHOWN, SHOWN_FIELDS = 30, 6


class Change(Protocol):
    """What is new, or would be another one, with a line for each field."""

    @property
    def id(self) -> object:
        """What it is."""

    @property
    def fields(self) -> tuple[str, ...]:
        """How it differs."""


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    context: str | None
    #: Of a Docker daemon.
    host: str | None
    timeout_s: float
    only_plan: bool
    #: None: as it is usual there.
    rolls_back: bool | None
    prunes: bool
    builds: bool
    #: Before something is deleted.
    asks: bool
    as_json: bool


def deploy(rendered: RenderedTree, request: Request) -> int:
    """Deploy an environment; returns the exit code.

    Raises:
        BadInput: whatever is wrong with the model, the folder or the arguments, or the AWS login
            is one of another account.
        MissingTool: there is no kubectl.
        TarmacError: the cluster does not answer, or refuses.
    """
    release = _released(rendered, request.host)
    _check_login(rendered.plan, request)
    with clients.opened(request.context) as kubectl:
        with waiting("asking the cluster"):
            made = plan(kubectl, release)
        deletes = made.gone if request.prunes else ()
        say(request, f"{release.system} for {release.environment} -> {kubectl.context}")
        if not request.as_json:
            _show_plan(made, deletes)
        if request.only_plan:
            return end(request, _as_data(made), None, None)
        _confirm(deletes, request)
        deployment = Deployment(kubectl, release, request.timeout_s, lambda s: say(request, s))
        outcome = deployment.apply(made, deletes)
        back = None
        if outcome.ready:
            deployment.prune([found for found in deletes if found.kind not in SCALERS])
        else:
            show_failures(outcome.failures, request)
            if request.rolls_back:
                say(request, "going back to the last release that became ready")
                back = deployment.roll_back(made)
                show_return(back, request)
        return end(request, _as_data(made), outcome, back)


def drift(made: RenderedTree, host: str | None, context: str | None, *, as_json: bool) -> int:
    """Compare a cluster with an environment; returns the exit code. Raises as `deploy`."""
    release = _released(made, host)
    with clients.opened(context) as kubectl, waiting("asking the cluster"):
        found = drifts.drift(kubectl, release)
    if as_json:
        terminal.print_json(
            {
                "compared": found.compared,
                "missing": [asdict(one) for one in found.missing],
                "changed": [{**asdict(c.id), "fields": list(c.fields)} for c in found.changed],
                "extra": [asdict(one) for one in found.extra],
                "left_out": [asdict(one) for one in found.left_out],
            }
        )
        return int(found.differs)
    show_changes("+", tuple(map(ObjectChange, found.missing)))
    show_changes("~", found.changed)
    show_changes("-", tuple(map(ObjectChange, found.extra)))
    _show_left_out(found.left_out)
    counts = f"{len(found.missing)} missing, {len(found.changed)} changed, {len(found.extra)} extra"
    click.echo(f"{counts}, of {found.compared} objects in {kubectl.context}")
    return int(found.differs)


def _released(made: RenderedTree, host: str | None) -> Release:
    release = release_of(made)
    if host is not None:
        what = "names a Docker daemon; a cluster is found by --context"
        raise BadInput([Problem("--host", what)])
    return release


def _check_login(plan: ClusterPlan, request: Request) -> None:
    needed = aws_login.wanted(plan)
    if needed is not None and (unasked := aws_login.refuse_another(needed)):
        say(request, f"the AWS account was not checked: {unasked}")


def say(request: Request, text: str) -> None:
    """Print what happens; beside JSON on the other stream."""
    click.echo(text, err=request.as_json)


def _show_plan(made: Plan, deletes: Iterable[ObjectId]) -> None:
    show_changes("+", made.added)
    show_changes("~", made.changed)
    for found in deletes:
        click.echo(f"  - {found}")
    _show_left_out(made.left_out)
    if made.gone and not deletes:
        names = ", ".join(map(str, made.gone))
        click.echo(f"  no longer rendered: {names}; --prune deletes them")
    counts = f"{len(made.added)} added, {len(made.changed)} changed, {made.unchanged} unchanged"
    click.echo(counts)


def _show_left_out(left_out: Iterable[ObjectId]) -> None:
    for (kind, api), count in Counter((found.kind, found.api) for found in left_out).items():
        click.echo(f"  left out: {count} {kind} (the cluster has no {api})")


def show_changes(sign: str, changes: Sequence[Change]) -> None:
    """Print what is added, changed or missing, as far as it fits."""
    for change in changes[:SHOWN]:
        click.echo(f"  {sign} {change.id}")
        for field in change.fields[:SHOWN_FIELDS]:
            click.echo(f"      {field}")
        if len(change.fields) > SHOWN_FIELDS:
            click.echo(f"      ... {len(change.fields) - SHOWN_FIELDS} more")
    if len(changes) > SHOWN:
        click.echo(f"  {sign} ... {len(changes) - SHOWN} more; --json has them all")


def _confirm(deletes: Iterable[ObjectId], request: Request) -> None:
    names = ", ".join(map(str, deletes))
    if not names or not request.asks:
        return
    if not sys.stdin.isatty():
        raise BadInput([Problem("--prune", f"would delete {names}; add --yes to confirm")])
    click.confirm(f"delete {names}?", abort=True)


def show_failures(failures: Iterable[Failure], request: Request) -> None:
    """Print what is not ready, with its causes."""
    for failure in failures:
        say(request, f"\n{failure.what} is not ready: {failure.detail}")
        for text, log in failure.causes:
            say(request, f"  cause: {text}")
            for line in log:
                say(request, f"    {line}")


def show_return(back: Outcome | None, request: Request) -> None:
    """Print whether the release before runs again."""
    if back is None:
        say(request, "no release before this one became ready; what was applied stays")
    elif back.ready:
        say(request, f"the release before runs again after {figures.number(back.took_s)} s")
    else:
        show_failures(back.failures, request)


def end(
    request: Request, plan_as_data: dict[str, Any], outcome: Outcome | None, back: Outcome | None
) -> int:
    """Print what became of a deployment, or of a plan alone; returns the exit code."""
    if request.as_json:
        terminal.print_json(
            {
                **plan_as_data,
                "applied": outcome is not None,
                "ready": None if outcome is None else outcome.ready,
                "took_s": None if outcome is None else outcome.took_s,
                "failures": [asdict(failure) for failure in outcome.failures] if outcome else [],
                "rolled_back": None if back is None else back.ready,
            }
        )
    elif outcome is not None and outcome.ready:
        click.echo(f"all of it runs after {figures.number(outcome.took_s)} s")
    return int(outcome is not None and not outcome.ready)


def _as_data(made: Plan) -> dict[str, Any]:
    return {
        "added": [asdict(change.id) for change in made.added],
        "changed": [{**asdict(c.id), "fields": list(c.fields)} for c in made.changed],
        "unchanged": made.unchanged,
        "left_out": [asdict(found) for found in made.left_out],
        "gone": [asdict(found) for found in made.gone],
    }
