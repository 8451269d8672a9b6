"""The options of `up` that say how a system is to be run, and which part of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeVar

import click

from tarmac.cli.parts import project

F = TypeVar("F", bound=Callable[..., Any])
OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--scale",
        multiple=True,
        callback=project.numbers,
        metavar="SERVICE=N",
        help="Number of instances of a service.",
    ),
    click.option(
        "--without",
        multiple=True,
        metavar="NAME",
        help="Do not manage a service; start it by `tarmac run` or in a debugger. Of a store: "
        "start the rest without it. Kept by the next `up` that does not say it.",
    ),
    click.option(
        "--source",
        "sources",
        multiple=True,
        callback=project.sources,
        metavar="REPOSITORY=FOLDER",
        help="Run a folder of yours in place of an included repository. Kept by the next `up`; an "
        "empty FOLDER goes back to the revision.",
    ),
    click.option("--only", is_flag=True, help="Start NAMES without what they need."),
    click.option("--group", "groups", multiple=True, metavar="GROUP", help="Start a group, too."),
    click.option(
        "--profile",
        "profiles",
        multiple=True,
        metavar="PROFILE",
        help="Start what has this profile, too.",
    ),
    click.option(
        "--provider",
        "providers",
        multiple=True,
        metavar="NAME=PROVIDER",
        help="Provider of a store or kind: embedded, binary, docker or external.",
    ),
    click.option("--direct", is_flag=True, help="Connect services without the per-edge proxies."),
    click.option(
        "--mtls", is_flag=True, help="Encrypt and identify both ends of each edge by certificates."
    ),
    click.option("--fast-stores", is_flag=True, help="Trade durability for speed, for tests."),
    click.option(
        "--telemetry/--no-telemetry",
        default=True,
        envvar="TARMAC_TELEMETRY",
        show_envvar=True,
        help="Receive spans, logs and metrics for the dashboard.",
    ),
    click.option(
        "--inspect", is_flag=True, help="Count requests on the edges; see `tarmac edges`."
    ),
    click.option(
        "--read-only", is_flag=True, help="Make files read-only for programs; see `tarmac writes`."
    ),
    click.option("--strict-ports", is_flag=True, help="Fail if a preferred port is taken."),
)


def shape_options(function: F) -> F:
    """Add the options to a verb, in their order."""
    return reduce(lambda verb, option: option(verb), reversed(OPTIONS), function)
