"""Finds the copy that a drill runs on, and draws its result; used by the verb `drill`."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarmac.cli import _project, _show
from tarmac.drills import comparison, drill_file, journal, junit, needs, report, running_system
from tarmac.drills.comparison import Difference
from tarmac.drills.drill import Check, Drill, DrillContext, DrillResult, Region, Verdict
from tarmac.drills.drill_file import DrillFile
from tarmac.drills.sections import Draw
from tarmac.errors import BadInput, Problem, TarmacError
from tarmac.foreign import files
from tarmac.local.state.paths import Home
from tarmac.local.supervisor import client
from tarmac.local.supervisor.local_target import LocalTarget, local_target
from tarmac.model.system import System
from tarmac.run.copies import temporary_copy

STYLES = {Verdict.PASS: "bold green", Verdict.FAIL: "bold red", Verdict.INVALID: "bold yellow"}
#: Kinds of failed visits that are printed for each period; the journal has them all.
SHOWN_KINDS = 3


def kind_of(path: Path, drill: DrillFile) -> Drill:
    """Find the kind of a drill. Raises BadInput."""
    kinds = needs.kinds()
    if drill.kind not in kinds:
        raise BadInput([Problem(str(path), f"unknown kind '{drill.kind}'; {', '.join(kinds)}")])
    return kinds[drill.kind]


def show(console: Console, result: DrillResult) -> None:
    """Print what visitors met before, during and after, then each rule, then the verdict."""
    if result.periods:
        table = _show.columns(("PERIOD",), ("SECONDS", "VISITS", "GOOD", "P50", "P99", "LONGEST"))
        for period in result.periods:
            share = period.good_share
            table.add_row(
                period.name,
                f"{period.first_s} to {period.last_s}",
                str(period.visits),
                "-" if share is None else f"{100 * share:.2f} %",
                *(f"{1000 * s:.0f} ms" for s in (period.p50_s, period.p99_s, period.longest_s)),
            )
        console.print(table)
        for period in result.periods:
            for kind, many in period.failed.most_common(SHOWN_KINDS):
                console.print(f"  {period.name}: {many} x {kind}", highlight=False, markup=False)
    for check in result.checks:
        style = "" if check.holds else STYLES[_effect(check.about)]
        limit = f" (asked: {check.limit})" if check.limit else ""
        word = "ok" if check.holds else "not"
        line = f"{word:4} {check.about:10} {check.what}: {check.measured}{limit}"
        console.print(Text(line, style=style), soft_wrap=True)
    if result.recovered_s is not None:
        console.print(f"recovered after {result.recovered_s:.1f} s", highlight=False)
    console.print(Text(result.verdict.value, style=STYLES[result.verdict]))


def journal_of(file: Path, drill: ReadDrill, *, is_again: bool) -> Path:
    """Say where the journal goes: beside the data of the system, whose file is given."""
    again = "-again" if is_again else ""
    return file.parent / ".tarmac" / f"drill-{drill.path.stem}{again}.json"


def write(
    written: Mapping[str, Any], path: Path, junit_file: Path | None, report_file: Path | None
) -> None:
    """Write a journal to its file, and to those of the other forms that were asked for."""
    write_all({path: json.dumps(written, indent=2) + "\n"})
    write_forms(written, junit_file, report_file)


def write_forms(
    written: Mapping[str, Any], junit_file: Path | None, report_file: Path | None
) -> None:
    """Write those of a journal's other forms that were asked for."""
    texts = {}
    if junit_file is not None:
        texts[junit_file] = junit.as_xml(written)
    if report_file is not None:
        texts[report_file] = report.as_html(written)
    write_all(texts)


def show_differences(console: Console, found: Iterable[Difference]) -> None:
    """Print two runs beside each other; what came out otherwise stands out."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("FIGURE", "BEFORE", "AFTER"):
        table.add_column(column, overflow="fold")
    for one in found:
        style = "bold" if one.is_other else ""
        table.add_row(
            *(Text(text or "-", style=style) for text in (one.what, one.before, one.after))
        )
    console.print(table)


def show_beside(console: Console, replayed: Path | None, written: Mapping[str, Any]) -> None:
    """Print a run beside the one that it repeats, if it repeats one."""
    if replayed is not None:
        show_differences(console, comparison.differences(comparison.read(replayed), written))


def write_all(texts: Mapping[Path, str]) -> None:
    """Write files, with their folders."""
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class ReadDrill:
    """A drill's file, its kind, and what it does not show of the system."""

    path: Path
    file: DrillFile
    kind: Drill
    #: Its text.
    text: str
    gaps: Sequence[str]


def read(system: System, path: Path) -> ReadDrill:
    """Read a drill's file. Raises BadInput."""
    content = files.content(str(path))
    file = drill_file.read(str(path), content, system)
    kind = kind_of(path, file)
    return ReadDrill(path, file, kind, content.decode(), kind.gaps(file, system))


def of_journal(system: System, path: Path) -> ReadDrill:
    """Read the drill that a journal is of, to repeat it with what was drawn. Raises BadInput."""
    written = comparison.read(path)
    text, seed = written["definition"], written["seed"]
    file = drill_file.read(f"{path}: definition", text.encode(), system)
    if seed is not None:
        draw = (file.draw or Draw()).model_copy(update={"seed": seed})
        file = file.model_copy(update={"draw": draw})
    kind = kind_of(path, file)
    return ReadDrill(Path(f"{written['drill']}.yaml"), file, kind, text, kind.gaps(file, system))


def carry_out(
    system: System,
    file: Path,
    drill: ReadDrill,
    say: Callable[[str], None],
    namespace: str | None = None,
) -> tuple[DrillResult, dict[str, Any]]:
    """Run a drill, on the copy of a namespace or on a new one; returns its journal, too.

    Args:
        file: the system's.

    Raises:
        TarmacError: the copy does not come up, or the drill cannot begin.
    """
    needs.check(drill.path, drill.file, drill.kind, LocalTarget.kind)
    started = dt.datetime.now(dt.UTC)
    with contextlib.ExitStack() as copies:
        home = copies.enter_context(running(file, namespace, drill.file.instances, say))
        target = copies.enter_context(local_target(home))
        second = None
        if drill.kind.has_regions:
            other = second_region(system, file, home, drill.file.instances, say)
            second = copies.enter_context(other)
        state, known = running_system.steady_state(system, home), stores(home)
        journeys = Path(system.folder) / "journeys.py"
        say = noted(target, say)
        target.note(drill.file.title)
        result = drill.kind.run(DrillContext(drill.file, journeys, target, state, say, second))
    return result, journalled(system, drill, result, target.kind, known, started)


def noted(target: LocalTarget, say: Callable[[str], None]) -> Callable[[str], None]:
    """Tell what happens, and have the system's timeline tell it, too."""

    def say_and_note(line: str) -> None:
        say(line)
        target.note(line.strip())

    return say_and_note


def carry_out_or_say(
    system: System, file: Path, drill: ReadDrill, say: Callable[[str], None]
) -> tuple[DrillResult, dict[str, Any]]:
    """Run a drill of a game day: one that cannot begin shows nothing, and the day goes on."""
    started = dt.datetime.now(dt.UTC)
    try:
        return carry_out(system, file, drill, say)
    except TarmacError as error:
        result = DrillResult((Check("setup", "the drill can begin", False, str(error)),))
    return result, journalled(system, drill, result, "", (), started)


def journalled(
    system: System,
    drill: ReadDrill,
    result: DrillResult,
    target: str,
    known: Iterable[str],
    started: dt.datetime,
) -> dict[str, Any]:
    """Write what a drill has shown as its journal."""
    return journal.as_data(
        *(system, drill.path, drill.text, drill.file, result),
        target=target,
        stores=known,
        gaps=drill.gaps,
        started=started,
    )


def scheduled(system: str, path: Path, cron: str) -> str:
    """Write the workflow that runs a drill by a schedule. Raises BadInput."""
    from tarmac.drills import schedule

    return schedule.workflow(system, path.stem, cron)


def _effect(about: str) -> Verdict:
    return Verdict.FAIL if about == "hypothesis" else Verdict.INVALID


@contextlib.contextmanager
def running(
    file: Path, namespace: str | None, instances: Mapping[str, int], say: Callable[[str], None]
) -> Iterator[Home]:
    """Give the copy that runs, or a new one until the end.

    Args:
        instances: how many of which service a new one has.
    """
    if namespace is not None:
        yield _project.running_home(str(file), namespace)
        return
    say("starts a copy of the system")
    with temporary_copy(file, name="drill", telemetry=True, scale=dict(instances)) as home:
        yield home


@contextlib.contextmanager
def second_region(
    system: System,
    file: Path,
    first: Home,
    instances: Mapping[str, int],
    say: Callable[[str], None],
) -> Iterator[Region[LocalTarget]]:
    """Start another copy with the same secrets, as a second region has them, until the end."""
    say("starts the second region")
    with (
        temporary_copy(file, name="second", secrets_of=first, scale=dict(instances)) as home,
        local_target(home) as target,
    ):
        yield Region(target, functools.partial(running_system.broken_invariants, system, home))


def stores(home: Home) -> list[str]:
    """Say what each store and broker of the copy really is."""
    status = client.status(home)
    nodes = status.nodes if status is not None else ()
    return [f"{node.name}: {node.about}" for node in nodes if node.role in ("store", "broker")]
