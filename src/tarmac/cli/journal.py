"""`tarmac journal`: what a drill showed, read again; two runs of it beside each other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

FILE = click.Path(dir_okay=False, exists=True, path_type=Path)

SECTION = "Drill"
OWNER = "drill"


@click.command("journal", short_help="Show a drill's journal, or compare two.")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE, required=False)
@project.file_option("--junit", "junit_file", "Write the results as JUnit XML.")
@project.file_option("--report", "report_file", "Write a report as one HTML file.")
@project.json_option
def VERB(
    before: Path,
    after: Path | None,
    junit_file: Path | None,
    report_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Show the results in a drill's journal, or compare the journals BEFORE and AFTER.

    --junit and --report write the journal in other formats, without running the drill.

    Example: tarmac journal .tarmac/drill-broker-outage.json yesterday.json
    """
    from tarmac.cli.output import drill_result, printing
    from tarmac.drill.report import comparison, journal

    read = comparison.read(before)
    drill_result.write_forms(read, junit_file, report_file)
    console = printing.open_console()
    if after is not None:
        found = list(comparison.differences(read, comparison.read(after)))
        if as_json:
            terminal.print_json({"differences": [asdict(one) for one in found if one.is_other]})
        else:
            drill_result.show_differences(console, found)
    elif as_json:
        terminal.print_json(read)
    else:
        drill_result.show(console, journal.result_of(read), journal.expected_of(read))
