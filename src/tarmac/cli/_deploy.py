"""The steps of `tarmac deploy`, and what is printed of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from tarmac.base import figures
from tarmac.base.errors import BadInput, Problem
from tarmac.cli import _project
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import in_memory
from tarmac.run import aws_login
from tarmac.run.cluster import drift as drifts
from tarmac.run.cluster import kubectl as clients
from tarmac.run.cluster.deployment import SCALERS, Deployment, Outcome
from tarmac.run.cluster.objects import ObjectId
from tarmac.run.cluster.planning import Change, Plan, plan
from tarmac.run.releases import release_of

#: Changes and fields of one object that are printed; --json has them all.
SHOWN, SHOWN_FIELDS = 30, 6


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    context: str | None
    timeout_s: float
    only_plan: bool
    rolls_back: bool
    prunes: bool
    #: Before something is deleted.
    asks: bool
    as_json: bool


def deploy(file: Path, environment: str | None, request: Request) -> int:
    """Deploy an environment; returns the exit code.

    Raises:
        BadInput: whatever is wrong with the model, the folder or the arguments, or the AWS login
            is one of another account.
        MissingTool: there is no kubectl.
        TarmacError: the cluster does not answer, or refuses.
    """
    rendered = in_memory.make(file, environment, ())
    release = release_of(rendered)
    _check_login(rendered.plan, request)
    with clients.opened(request.context) as kubectl:
        made = plan(kubectl, release)
        deletes = made.gone if request.prunes else ()
        _say(request, f"{release.system} for {release.environment} -> {kubectl.context}")
        if not request.as_json:
            _show_plan(made, deletes)
        if request.only_plan:
            return _end(request, made, None, None)
        _confirm(deletes, request)
        deployment = Deployment(kubectl, release, request.timeout_s, lambda s: _say(request, s))
        outcome = deployment.apply(made, deletes)
        back = None
        if outcome.ready:
            deployment.prune([found for found in deletes if found.kind not in SCALERS])
        else:
            _show_failures(outcome, request)
            if request.rolls_back:
                _say(request, "going back to the last release that became ready")
                back = deployment.roll_back(made)
                _show_return(back, request)
        return _end(request, made, outcome, back)


def drift(file: Path, environment: str | None, context: str | None, *, as_json: bool) -> int:
    """Compare a cluster with an environment; returns the exit code. Raises as `deploy`."""
    release = release_of(in_memory.make(file, environment, ()))
    with clients.opened(context) as kubectl:
        found = drifts.drift(kubectl, release)
    if as_json:
        _project.print_json(
            {
                "compared": found.compared,
                "missing": [asdict(one) for one in found.missing],
                "changed": [{**asdict(c.id), "fields": list(c.fields)} for c in found.changed],
                "extra": [asdict(one) for one in found.extra],
                "left_out": [asdict(one) for one in found.left_out],
            }
        )
        return int(found.differs)
    _list("+", tuple(map(Change, found.missing)))
    _list("~", found.changed)
    _list("-", tuple(map(Change, found.extra)))
    _show_left_out(found.left_out)
    counts = f"{len(found.missing)} missing, {len(found.changed)} changed, {len(found.extra)} extra"
    click.echo(f"{counts}, of {found.compared} objects in {kubectl.context}")
    return int(found.differs)


def _check_login(plan: ClusterPlan, request: Request) -> None:
    needed = aws_login.wanted(plan)
    if needed is not None and (unasked := aws_login.refuse_another(needed)):
        _say(request, f"the AWS account was not checked: {unasked}")


def _say(request: Request, text: str) -> None:
    click.echo(text, err=request.as_json)


def _show_plan(made: Plan, deletes: Iterable[ObjectId]) -> None:
    _list("+", made.added)
    _list("~", made.changed)
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


def _list(sign: str, changes: tuple[Change, ...]) -> None:
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


def _show_failures(outcome: Outcome, request: Request) -> None:
    for failure in outcome.failures:
        _say(request, f"\n{failure.what} is not ready: {failure.detail}")
        for text, log in failure.causes:
            _say(request, f"  cause: {text}")
            for line in log:
                _say(request, f"    {line}")


def _show_return(back: Outcome | None, request: Request) -> None:
    if back is None:
        _say(request, "no release before this one became ready; what was applied stays")
    elif back.ready:
        _say(request, f"the release before runs again after {figures.number(back.took_s)} s")
    else:
        _show_failures(back, request)


def _end(request: Request, made: Plan, outcome: Outcome | None, back: Outcome | None) -> int:
    if request.as_json:
        _project.print_json(_as_data(made, outcome, back))
    elif outcome is not None and outcome.ready:
        click.echo(f"all of it runs after {figures.number(outcome.took_s)} s")
    return int(outcome is not None and not outcome.ready)


def _as_data(made: Plan, outcome: Outcome | None, back: Outcome | None) -> dict[str, Any]:
    return {
        "added": [asdict(change.id) for change in made.added],
        "changed": [{**asdict(c.id), "fields": list(c.fields)} for c in made.changed],
        "unchanged": made.unchanged,
        "left_out": [asdict(found) for found in made.left_out],
        "gone": [asdict(found) for found in made.gone],
        "applied": outcome is not None,
        "ready": None if outcome is None else outcome.ready,
        "took_s": None if outcome is None else outcome.took_s,
        "failures": [asdict(failure) for failure in outcome.failures] if outcome else [],
        "rolled_back": None if back is None else back.ready,
    }
