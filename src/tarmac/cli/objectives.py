"""`tarmac objectives`: each objective's share of good requests, error budget and burn rates."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "See"


@click.command("objectives", short_help="Show the objectives, their error budgets and burn rates.")
@project.system_argument
@click.option("--fail-on-burn", is_flag=True, help="Exit with 1 if an alert of one would fire.")
@click.option(
    "--for",
    "for_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="With --target cluster or compose: count requests for this long.  [default: 10]",
)
@project.target_options
@project.json_option
def VERB(
    system: str | None,
    namespace: str,
    for_s: float | None,
    target: str,
    context: str | None,
    host: str | None,
    environment: str | None,
    *,
    fail_on_burn: bool,
    as_json: bool,
) -> None:
    """Show each objective of SYSTEM, computed like the rendered rules but without Prometheus.

    Requests are counted since the start of the system, over all replicas and restarts, unless it
    was started with --no-telemetry. A burn rate of 1 uses the error budget up exactly at the end of
    the objective's window.

    In a cluster requests are counted from now on, in the metrics of the services' own pods.

    Example: tarmac objectives shop --fail-on-burn
    """
    from tarmac.cli.output import objectives, printing
    from tarmac.run.opening import DEPLOYED, Place, opened

    place = Place(target, namespace, context, environment, host)
    if for_s is not None:
        place.only(DEPLOYED, "--for", "needs --target cluster or compose")
    with opened(place, project.find(system)) as running:
        found, now_ms = running.objectives(for_s)
    if as_json:
        terminal.print_json({"at_ms": now_ms, "objectives": [asdict(one) for one in found]})
    else:
        objectives.show(printing.open_console(), found, now_ms)
    sys.exit(int(fail_on_burn and any(one.live.burns for one in found)))
