"""The `tarmac` command: finds the verbs in this folder and reports expected failures."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import NoReturn

import click

from tarmac.base import writing
from tarmac.base.errors import TarmacError
from tarmac.cli import _terminal
from tarmac.cli._verbs import Verbs


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # a third of what a short command takes

        click.echo(f"tarmac {version('tarmac')}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version.",
)
def tarmac() -> None:
    """Run, render and verify a system of services from one typed file.

    Exit codes: 0 success, 1 findings or failures, 2 bad input, 3 a missing tool.

    Text has numbers and times as your locale and time zone write them (LC_NUMERIC, LC_TIME, TZ);
    --json never. Log lines are in UTC.
    """


def main() -> NoReturn:
    """Run the command line; an expected failure is printed without a traceback."""
    _terminal.guard()
    try:
        Path.cwd()
    except FileNotFoundError:
        click.echo(
            "the current folder was replaced or deleted; `cd .`, or change to another folder",
            err=True,
        )
        sys.exit(2)
    try:
        tarmac.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except TarmacError as error:
        # Files below this folder are shown as their reader would type them.
        click.echo(str(error).replace(f"{Path.cwd()}/", ""), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        if error.errno not in {errno.ENAMETOOLONG, errno.ELOOP}:
            raise
        click.echo(f"{writing.shown(str(error.filename))}: {error.strerror}; correct it", err=True)
        sys.exit(2)
    sys.exit(0)
