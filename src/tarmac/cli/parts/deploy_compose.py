"""The steps of `tarmac deploy` to a machine with Docker Compose, and what is printed of them."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from tarmac.base.errors import BadInput, Problem
from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts.deploy import Request, end, say, show_changes, show_failures, show_return
from tarmac.plan.cluster import ClusterPlan
from tarmac.project.reading import load
from tarmac.render import in_memory
from tarmac.render.in_memory import RenderedTree
from tarmac.run.compose import acme, arranging, images
from tarmac.run.compose import drift as drifts
from tarmac.run.compose.arranging import Arrangement, arrange
from tarmac.run.compose.certificate import check_certificate
from tarmac.run.compose.deployment import Deployment
from tarmac.run.compose.docker import Docker, connected
from tarmac.run.compose.planning import Change
from tarmac.run.compose.project import Project, folder_of
from tarmac.run.outcome import Outcome
from tarmac.run.releases import composed_of


def deploy(file: Path, rendered: RenderedTree, request: Request) -> int:
    """Deploy an environment; returns the exit code.

    Raises:
        BadInput: whatever is wrong with the model or the arguments, or the machine has another's.
        MissingTool: there is no Docker or no Compose.
        TarmacError: the daemon does not answer, or refuses; an image cannot be had.
    """
    files = composed_of(rendered)
    docker = connected(request.host, request.context)
    release = files.release
    say(request, f"{release.system} for {release.environment} -> {docker.host}")
    composed = Project(docker, release, folder_of(file, release.environment))
    arranging.check_secrets(composed)
    if rendered.plan.settings.entry is not None:
        check_certificate(load(str(file)), rendered.plan)
    sources = in_memory.repository_of(file)
    if not request.only_plan:
        arranging.bring_images(
            *(composed, rendered.plan, files.containers, sources),
            lambda text: say(request, text),
            builds=request.builds,
        )
    made = arrange(composed, files.secrets, sources, pins=not request.only_plan)
    gone = made.plan.gone if request.prunes else ()
    if not request.as_json:
        _show_plan(made, gone)
    if request.only_plan:
        return end(request, _as_data(made), None, None)
    if made.is_there:
        there = _certified(Outcome((), 0.0), made, rendered.plan, request)
        return end(request, _as_data(made), there, None)
    _confirm(made, gone, docker, request)
    services = frozenset(one.name for one in rendered.plan.services)
    deployment = Deployment(
        made.project, request.timeout_s, lambda text: say(request, text), services
    )
    if made.before is not None:
        deployment.end(made.before, [*(change.id for change in made.plan.changed), *gone])
    outcome, back = deployment.apply(gone, made.plan.foreign), None
    if not outcome.ready:
        show_failures(outcome.failures, request)
        back = _roll_back(deployment, made, request)
    if outcome.ready:
        _forget_old(made)
        outcome = _certified(outcome, made, rendered.plan, request)
    return end(request, _as_data(made), outcome, back)


def drift(
    file: Path, made: RenderedTree, host: str | None, context: str | None, *, as_json: bool
) -> int:
    """Compare a machine with an environment; returns the exit code. Raises as `deploy`."""
    docker = connected(host, context)
    release = composed_of(made).release
    composed = Project(docker, release, folder_of(file, release.environment))
    with waiting("asking Docker"):
        found = drifts.drift(*arranging.compared(composed))
    if as_json:
        terminal.print_json(asdict(found))
        return int(found.differs)
    show_changes("+", tuple(map(Change, found.missing)))
    show_changes("~", found.changed)
    show_changes("-", tuple(map(Change, found.extra)))
    counts = f"{len(found.missing)} missing, {len(found.changed)} changed, {len(found.extra)} extra"
    click.echo(f"{counts}, of {found.compared} services on {docker.host}")
    return int(found.differs)


def _show_plan(made: Arrangement, gone: tuple[str, ...]) -> None:
    show_changes("+", made.plan.added)
    show_changes("~", made.plan.changed)
    for name in gone:
        click.echo(f"  - {name}")
    if made.plan.gone and not gone:
        names = ", ".join(made.plan.gone)
        click.echo(f"  no longer rendered: {names}; --prune removes their containers")
    added, changed = len(made.plan.added), len(made.plan.changed)
    click.echo(f"{added} added, {changed} changed, {made.plan.unchanged} unchanged")


def _confirm(made: Arrangement, gone: tuple[str, ...], docker: Docker, request: Request) -> None:
    """Ask before containers go, or another's are replaced. Raises BadInput without a terminal."""
    questions = {
        f"remove the containers of {', '.join(gone)}": gone,
        f"replace {', '.join(made.plan.foreign)}, which another has put there": made.plan.foreign,
    }
    for what, names in questions.items():
        if not names or not request.asks:
            continue
        if not sys.stdin.isatty():
            raise BadInput([Problem(docker.host, f"would {what}; add --yes to confirm")])
        click.confirm(f"{what}?", abort=True)


def _roll_back(deployment: Deployment, made: Arrangement, request: Request) -> Outcome | None:
    """Go back unless that is not wanted: some containers of the release before are gone already."""
    if request.rolls_back is False:
        return None
    if made.before is not None and made.before.files == made.project.release.files:
        say(request, "this is the release that became ready last; what was started stays")
        return None
    if made.before is None:
        say(request, "no release before this one became ready; what was started stays")
        return None
    say(request, "going back to the last release that became ready")
    back = deployment.roll_back(made.before, [change.id for change in made.plan.added])
    show_return(back, request)
    return back


def _certified(outcome: Outcome, made: Arrangement, plan: ClusterPlan, request: Request) -> Outcome:
    """Wait for the certificates of the entry; one that it does not get takes nothing back."""
    entry = plan.settings.entry
    if entry is None or entry.email is None:
        return outcome
    say(request, "waits for the certificates of the entry")
    failures = acme.lacking(made.project, plan)
    show_failures(failures, request)
    return replace(outcome, failures=failures)


def _forget_old(made: Arrangement) -> None:
    release = made.project.release
    kept = [said["image"] for said in release.services.values()]
    images.forget(made.project.docker, release.project, kept)


def _as_data(made: Arrangement) -> dict[str, Any]:
    return {
        "added": [change.id for change in made.plan.added],
        "changed": [asdict(change) for change in made.plan.changed],
        "unchanged": made.plan.unchanged,
        "gone": made.plan.gone,
        "foreign": made.plan.foreign,
    }
