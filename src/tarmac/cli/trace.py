"""`tarmac trace`: the latest traces, or one as a tree."""

from __future__ import annotations

import contextlib
from dataclasses import asdict

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "See"


@click.command("trace", short_help="Show the latest traces, or one trace as a tree.")
@click.argument("words", nargs=-1, metavar="[SYSTEM] [ID]")
@project.namespace_option
@click.option("--service", default="", help="Only traces that crossed this service.")
@click.option("--name", default="", help="Only traces whose name has these words.")
@click.option("--failed", is_flag=True, help="Only traces with a failed span.")
@click.option("--stores", is_flag=True, help="List operations on stores, by time, not traces.")
@click.option(
    "--most",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="How many traces to list.",
)
@project.json_option
def VERB(
    words: tuple[str, ...],
    namespace: str,
    *,
    service: str,
    name: str,
    failed: bool,
    stores: bool,
    most: int,
    as_json: bool,
) -> None:
    """Show the latest traces of SYSTEM, or the one whose id begins with ID.

    Traces stay available after the system has stopped. `up --no-telemetry` records none. Times in
    the tree are from the start of the trace; spans below the 24th level show their level as a
    number.

    Example: tarmac trace shop --failed
    """
    from tarmac.cli.output import printing, trace
    from tarmac.run.telemetry import queries, statements, storage

    system, ids = project.split_names(words)
    if len(ids) > 1:
        raise click.UsageError("one ID at most")
    if ids and stores:
        raise click.UsageError("--stores lists the operations of all traces; leave out the ID")
    home = project.home_of(system, namespace)
    with contextlib.closing(storage.reader(home.telemetry)) as stored:
        if ids:
            trace_id, spans = queries.trace(stored, ids[0])
            if as_json:
                terminal.print_json({"trace_id": trace_id, "spans": [asdict(s) for s in spans]})
            else:
                trace.show_tree(printing.open_console(), trace_id, spans)
            return
        if stores:
            operations = statements.operations(stored, 0, service=service, most=most)
            if as_json:
                terminal.print_json({"operations": [asdict(one) for one in operations]})
            else:
                trace.show_operations(printing.open_console(), operations)
            return
        found = queries.latest(stored, most=most, service=service, failed=failed, name=name)
        if as_json:
            terminal.print_json({"traces": [asdict(summary) for summary in found]})
        else:
            trace.show_list(printing.open_console(), found)
