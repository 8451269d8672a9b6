"""Finds the copy that a drill runs on, and draws its result; used by the verb `drill`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarmac import testing
from tarmac.cli import _project
from tarmac.drills import junit, report
from tarmac.drills.drill import DrillResult, Verdict
from tarmac.local.state.paths import Home
from tarmac.local.supervisor import client

STYLES = {Verdict.PASS: "bold green", Verdict.FAIL: "bold red", Verdict.INVALID: "bold yellow"}
#: Kinds of failed visits that are printed for each period; the journal has them all.
SHOWN_KINDS = 3


def show(console: Console, result: DrillResult) -> None:
    """Print what visitors met before, during and after, then each rule, then the verdict."""
    if result.periods:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("PERIOD")
        for column in ("SECONDS", "VISITS", "GOOD", "P50", "P99", "LONGEST"):
            table.add_column(column, justify="right")
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


def write(
    journal: Mapping[str, Any], path: Path, junit_file: Path | None, report_file: Path | None
) -> None:
    """Write a journal to its file, and to those of the other forms that were asked for."""
    texts = {path: json.dumps(journal, indent=2) + "\n"}
    if junit_file is not None:
        texts[junit_file] = junit.as_xml(journal)
    if report_file is not None:
        texts[report_file] = report.as_html(journal)
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _effect(about: str) -> Verdict:
    return Verdict.FAIL if about == "hypothesis" else Verdict.INVALID


@contextlib.contextmanager
def running(file: Path, namespace: str | None, say: Callable[[str], object]) -> Iterator[Home]:
    """Give the copy that runs, or a new one until the end."""
    if namespace is not None:
        yield _project.running_home(str(file), namespace)
        return
    say("starts a copy of the system")
    with testing.running(file, name="drill", telemetry=True) as system:
        yield Home.of(file, system.namespace)


def stores(home: Home) -> list[str]:
    """Say what each store and broker of the copy really is."""
    status = client.status(home)
    nodes = status.nodes if status is not None else ()
    return [f"{node.name}: {node.about}" for node in nodes if node.role in ("store", "broker")]
