"""Draws the result of a drill, and writes its journal; used by the verb `drill`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarmac.base import figures, writing
from tarmac.cli.output import printing, terminal
from tarmac.drill.drill import DrillResult, Verdict, measured, outcome, sentence
from tarmac.drill.read_drill import ReadDrill
from tarmac.drill.report import comparison, html, junit
from tarmac.drill.report.comparison import Difference

STYLES = {Verdict.PASS: "bold green", Verdict.FAIL: "bold red", Verdict.INVALID: "bold yellow"}
#: Kinds of failed visits that are printed for each period; the journal has them all.
SHOWN_KINDS = 3


def show(console: Console, result: DrillResult, expected: str = Verdict.PASS) -> None:
    """Print what visitors met before, during and after, then each rule, then the verdict."""
    if result.periods:
        table = printing.columns(
            ("PERIOD",), ("SECONDS", "VISITS", "GOOD", "P50", "P99", "LONGEST")
        )
        for period in result.periods:
            share = period.good_share
            times = (period.p50_s, period.p99_s, period.longest_s)
            table.add_row(
                period.name,
                f"{period.first_s} to {period.last_s}",
                str(period.visits),
                "-" if share is None else figures.percent(share, 2),
                *(figures.milliseconds(took_s, 0) for took_s in times),
            )
        console.print(table)
        for period in result.periods:
            for kind, many in period.failed.most_common(SHOWN_KINDS):
                console.print(f"  {period.name}: {many} x {kind}", highlight=False, markup=False)
    for check in result.checks:
        style = "" if check.holds else STYLES[_effect(check.about)]
        word = "ok" if check.holds else "not"
        found = measured(check.measured, check.limit)
        line = f"{word:4} {check.about:10} {check.what}: {found}"
        printing.say(console, line, style)
    if result.recovered_s is not None:
        console.print(f"recovered after {figures.number(result.recovered_s, 1)} s", highlight=False)
    judged = STYLES[outcome(result.verdict, expected)]
    console.print(Text(sentence(result.verdict, expected), style=judged))


def show_list(folder: str, titles: Mapping[str, str], *, as_json: bool) -> None:
    """Print the names and titles of the files in a folder, or say how one comes there."""
    if as_json:
        found = [{"name": name, "title": title} for name, title in titles.items()]
        terminal.print_json({folder.replace("-", "_"): found})
        return
    for name, title in titles.items():
        click.echo(f"{name:<24}  {title}")
    if not titles:
        click.echo(f"none yet; a file `{folder}/NAME.yaml` beside the system's file is one")


def show_explained(sentences: Mapping[str, Sequence[str]], *, as_json: bool) -> None:
    """Print what drills do."""
    if as_json:
        terminal.print_json({"drills": [{"name": n, "does": d} for n, d in sentences.items()]})
        return
    click.echo("\n\n".join("\n".join(lines) for lines in sentences.values()))


def journal_of(file: Path, drill: ReadDrill, *, is_again: bool) -> Path:
    """Return where the journal goes: beside the data of the system, whose file is given."""
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
        texts[report_file] = html.as_html(written)
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
        writing.write_file(file, text)


def _effect(about: str) -> Verdict:
    return Verdict.FAIL if about == "hypothesis" else Verdict.INVALID
