"""Starts what `tarmac init` wrote, corrects the file by what is seen, and stops everything."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.adopt._correct import Failure, Lesson, corrected
from tarmac.run.local.state import state
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client, remove
from tarmac.run.local.supervisor.client import Status
from tarmac.run.refusals import refusals

if TYPE_CHECKING:
    from tarmac.adopt._found import Survey

#: The copy of the system that is tried, beside one that may run.
NAMESPACE = "init-try"
#: A first build of everything takes as long.
LONGEST_S = 900.0
MOST_TRIES = 6
_FAILED = (state.BACKOFF, state.CRASH_LOOP, state.UNHEALTHY)


@dataclass(frozen=True)
class Trial:
    """What came of it."""

    found: Survey
    healthy: tuple[str, ...]
    #: What was noted, by service.
    notes: tuple[tuple[str, str], ...]
    is_healthy: bool


#: Waits for health so many seconds, and tells each change meanwhile.
Wait = Callable[[Home, float, Callable[[Status], None]], Status]


def try_out(
    found: Survey,
    file: Path,
    kinds: frozenset[str],
    save: Callable[[Survey], None],
    wait: Wait,
) -> Trial:
    """Start the system and correct what its failures teach, again until nothing new is seen.

    Args:
        save: writes the file again, from what is known then.
        wait: shows the progress, too; what a change raises ends it.
    """
    home = Home.of(file, NAMESPACE)
    absent: set[str] = set()
    notes: dict[tuple[str, str], None] = {}
    for _ in range(MOST_TRIES):
        enough = functools.partial(_teaches, found=found, kinds=kinds)
        try:
            status, refused = _tried(wait, home, file, absent, enough)
        finally:
            _remove(home)
        failures = _failures(status, found)
        lessons = corrected(found, failures, kinds)
        for failure, lesson in zip(failures, lessons, strict=True):
            notes[failure.service, lesson.note] = None
            if lesson.is_absent:
                absent.add(failure.service)
        if lessons:
            found = lessons[-1].found
            save(found)
        everything = {service.name for service in found.services}
        if not any(map(_may_go_better, lessons)) or absent >= everything:
            break
    for service, why in refused.items():
        notes[service, f"its page: {why}"] = None
    healthy = tuple(name for name in _healthy(status) if name not in refused)
    is_healthy = status.healthy and not absent and not refused
    return Trial(found, healthy, tuple(notes), is_healthy)


def _teaches(status: Status, *, found: Survey, kinds: frozenset[str]) -> bool:
    """Tell whether a failure is known that the next try is without: no more need to wait."""
    return any(map(_may_go_better, corrected(found, _failures(status, found), kinds)))


def _may_go_better(lesson: Lesson) -> bool:
    return lesson.is_corrected or lesson.is_absent


class _EarlyEnd(Exception):
    """Enough was seen."""


def _tried(
    wait: Wait,
    home: Home,
    file: Path,
    absent: Iterable[str],
    is_enough: Callable[[Status], bool],
) -> tuple[Status, dict[str, str]]:
    """Start it without what is absent, wait until enough was seen, look at its pages, and stop it.

    Returns:
        How it stood, and by service what a browser is shown instead of its page.
    """
    options = Options(
        file=str(file.resolve()),
        namespace=NAMESPACE,
        without=tuple(sorted(absent)),
    )
    client.up(home, options, attached=True)()
    seen: list[Status] = []

    def look(now: Status) -> None:
        seen.append(now)
        if is_enough(now):
            raise _EarlyEnd

    # What it runs ends with this connection, and so with this process.
    with contextlib.closing(client.attach(home)), contextlib.suppress(_EarlyEnd):
        seen.append(wait(home, LONGEST_S, look))
        pages = {node.page: node.service for node in seen[-1].nodes if node.page and node.by_port}
        refused = {pages[url]: why for url, why in refusals(list(pages)).items()}
        return seen[-1], refused
    return seen[-1], {}


def _remove(home: Home) -> None:
    with contextlib.suppress(client.SupervisorGone):
        if client.is_running(home):
            client.down(home)
    remove.delete(home)


def _failures(status: Status, found: Survey) -> list[Failure]:
    """List what failed; where nothing did, what is not there yet."""
    failed = [node for node in status.nodes if node.state in _FAILED]
    late = [n for n in status.nodes if n.state not in (*state.WELL, state.WAITING)]
    failures = []
    for node in failed or late:
        service, _, task = node.service.partition(".")
        why = node.cause or node.detail
        if why and any(service == known.name for known in found.services):
            failures.append(Failure(service, task, why, node.last_lines))
    return failures


def _healthy(status: Status) -> tuple[str, ...]:
    return tuple(
        node.name
        for node in status.nodes
        if node.state in (state.HEALTHY, state.RUNNING) and node.role == "service"
    )
