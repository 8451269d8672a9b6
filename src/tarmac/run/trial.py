"""Starts what `tarmac init` wrote, corrects the file by what is seen, and stops everything."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.adopt.tries.case import Failure, Lesson
from tarmac.adopt.tries.correct import corrected, noted, taken_back
from tarmac.run.local.state import state
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client, remove
from tarmac.run.local.supervisor.status import Status
from tarmac.run.refusals import OF_NO_PAGE, refusals

if TYPE_CHECKING:
    from tarmac.adopt.survey.found import Survey

#: The copy of the system that is tried, beside one that may run.
NAMESPACE = "init-try"
#: A first build of everything takes as long.
LONGEST_S = 900.0
MOST_TRIES = 20
#: What has no port is looked at again after so long.
SETTLE_S = 3.0
#: A development server compiles a page when it is first asked for it.
PAGE_S = 30.0
LOOK_S = 0.05
_LIVE = (state.HEALTHY, state.RUNNING)
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
    providers: tuple[str, ...] = (),
) -> Trial:
    """Start the system and correct what its failures teach, again until nothing new is seen.

    Args:
        save: writes the file again, from what is known then.
        wait: shows the progress, too; what a change raises ends it.
        providers: of stores or kinds, as `up` takes them.
    """
    home = Home.of(file, NAMESPACE)
    absent: set[str] = set()
    notes: dict[tuple[str, str], None] = {}
    before, corrected_by = found, dict[tuple[str, str, str], str]()
    hopeless: set[tuple[str, str, str]] = set()
    for tries in range(1, MOST_TRIES + 1):
        enough = functools.partial(_teaches, found=found, kinds=kinds, hopeless=hopeless)
        try:
            status, refused = _tried(wait, home, file, absent, enough, providers)
        finally:
            _remove(home)
        failures = _failures(status, found)
        for failure in failures:
            if note := corrected_by.pop(_key(failure), ""):  # it was corrected, and fails the same
                found = taken_back(found, before, failure)
                notes.pop((failure.service, note), None)
                hopeless.add(_key(failure))
        before, corrected_by = found, {}
        lessons = _lessons(found, failures, kinds, hopeless, is_last=tries == MOST_TRIES)
        for failure, lesson in zip(failures, lessons, strict=True):
            notes[failure.service, lesson.note] = None
            if lesson.is_absent:
                absent.add(failure.service)
            if lesson.is_corrected:
                corrected_by[_key(failure)] = lesson.note
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


def _key(failure: Failure) -> tuple[str, str, str]:
    """Tell one failure from another: by what it says, with any times and numbers alike."""
    said = "\n".join(failure.last_lines) or failure.cause
    return failure.service, failure.task, re.sub(r"\d+", "0", said)


def _lessons(
    found: Survey,
    failures: Iterable[Failure],
    kinds: frozenset[str],
    hopeless: Collection[tuple[str, str, str]],
    *,
    is_last: bool = False,
) -> tuple[Lesson, ...]:
    """Correct what was not corrected in vain before; of the rest, and at last, only take notes."""
    lessons: list[Lesson] = []
    for failure in failures:
        way = noted if is_last or _key(failure) in hopeless else corrected
        lessons += way(lessons[-1].found if lessons else found, [failure], kinds)
    return tuple(lessons)


def _teaches(
    status: Status,
    *,
    found: Survey,
    kinds: frozenset[str],
    hopeless: Collection[tuple[str, str, str]],
) -> bool:
    """Tell whether a failure is known that the next try is without: no more need to wait."""
    return any(map(_may_go_better, _lessons(found, _failures(status, found), kinds, hopeless)))


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
    providers: tuple[str, ...],
) -> tuple[Status, dict[str, str]]:
    """Start it without what is absent, wait until enough was seen, look at its pages, and stop it.

    Returns:
        How it stood, and by service what a browser is shown instead of its page.
    """
    options = Options(
        file=str(file.resolve()),
        namespace=NAMESPACE,
        without=tuple(sorted(absent)),
        providers=providers,
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
        if any(node.state == state.RUNNING for node in seen[-1].nodes):
            seen.append(_settled(home, seen[-1]))
            if is_enough(seen[-1]):
                raise _EarlyEnd
        live = (node for node in seen[-1].nodes if node.state in _LIVE)
        pages = {node.page: node.service for node in live if node.page and node.by_port}
        said = refusals(list(pages), limit_s=PAGE_S, but=OF_NO_PAGE)
        refused = {pages[url]: why for url, why in said.items()}
        return seen[-1], refused
    return seen[-1], {}


def _settled(home: Home, now: Status) -> Status:
    """Look again at what runs without a port: nothing but its life is known.

    One that ends soon is seen as it fails; between two starts it seems to run.
    """
    failed: dict[str, state.NodeState] = {}
    until = time.monotonic() + SETTLE_S
    while time.monotonic() < until and not failed:
        time.sleep(LOOK_S)
        now = client.status(home) or now
        failed = {node.name: node for node in now.nodes if node.state in _FAILED and node.cause}
    nodes = (
        replace(node, state=state.BACKOFF)
        if node.restarts and node.state == state.RUNNING
        else node
        for node in now.nodes
    )
    return replace(now, nodes=tuple(nodes))


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
            failures.append(Failure(service, task, why, node.last_lines, _elsewhere(node)))
    return failures


#: What Node says of a program that its command names, and nothing else asked for.
_NOT_BUILT = re.compile(r"^(/\S+) is not there; build the program first")
_FIRST = "requireStack: []"
_OUTPUT = ("dist", "build", "out", "lib")


def _elsewhere(node: state.NodeState) -> tuple[str, ...]:
    """Find what a build made under the name of a program that was looked for: dist/src/main.js."""
    match = _NOT_BUILT.match(node.cause)
    if match is None or not any(_FIRST in line for line in node.last_lines):
        return ()
    sought = Path(match[1])
    output = next((p for p in sought.parents if p.name in _OUTPUT and p.is_dir()), None)
    if output is None:
        return ()
    names = {sought.name, *(f"{sought.name}{end}" for end in (".js", ".mjs", ".cjs"))}
    made = (path for path in output.rglob("*") if path.name in names and path.is_file())
    places = (path.relative_to(output.parent) for path in made if "node_modules" not in path.parts)
    return tuple(sorted(map(str, places)))


def _healthy(status: Status) -> tuple[str, ...]:
    return tuple(
        node.name for node in status.nodes if node.state in _LIVE and node.role == "service"
    )
