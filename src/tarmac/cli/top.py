"""`tarmac top`: what each service and store does now."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from tarmac.base.errors import TarmacError
from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SECTION = "See"


@click.command("top", short_help="Show the load of each service and store, live.")
@project.system_argument
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.2, 60),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two observations.",
)
@project.json_option
def VERB(system: str | None, namespace: str, *, every_s: float, as_json: bool) -> None:
    """Show CPU, memory and requests of each service and store of SYSTEM, until `q`.

    Requests are counted where the system was started with `tarmac up --inspect`. Without a
    terminal, and with --json, the output is one sample: the difference of two observations.

    Example: tarmac top shop
    """
    from tarmac.cli.output import printing, top
    from tarmac.run.local.supervisor import activity, client

    home = project.home_of(system, namespace)
    if not client.is_running(home):
        raise TarmacError(f"{home.root}: the system is not running; start it with `tarmac up`")
    console = printing.open_console()
    before = activity.observe(home)
    with waiting("observing"):
        time.sleep(every_s)
    if as_json or not console.is_terminal:
        now = activity.observe(home)
        found = activity.activities(before, now) if before and now else []
        if as_json:
            terminal.print_json({"every_s": every_s, "activities": [asdict(one) for one in found]})
        else:
            console.print(top.table(found))
        return
    try:
        top.show(console, home, before, every_s)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
