"""The `tarmac` command: finds the verbs in this folder and reports expected failures."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import click

from tarmac.base import writing
from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.cli.output import terminal
from tarmac.cli.parts.verbs import Verbs

#: What a file system refuses -> what its user can do.
REFUSALS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM), "correct the path or its mode"),
    **dict.fromkeys((errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENOTDIR), "correct it"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room, or name another place"),
    errno.EROFS: "name a place that can be written",
}


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
    --json never. Log lines are in UTC. NO_COLOR=1 leaves colours out.
    """


def main() -> NoReturn:
    """Run the command line; an expected failure is printed without a traceback."""
    terminal.guard()
    try:
        Path.cwd()
    except FileNotFoundError:
        _fail("the current folder was replaced or deleted; `cd .`, or change to another folder", 2)
    try:
        tarmac.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.ClickException as error:
        error.show()
        _print_error(error.format_message(), 2)
        sys.exit(2)
    except TarmacError as error:
        # Files below this folder are shown as their reader would type them.
        _fail(
            str(error).replace(f"{Path.cwd()}/", ""),
            error.exit_code,
            error.problems if isinstance(error, BadInput) else (),
        )
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        if error.errno not in REFUSALS or error.filename is None:
            raise
        path = writing.shown(str(error.filename)).replace(f"{Path.cwd()}/", "")
        _fail(f"{path}: {error.strerror}; {REFUSALS[error.errno]}", 2)
    sys.exit(0)


def _fail(text: str, code: int, problems: Iterable[Problem] = ()) -> NoReturn:
    """Say what went wrong, and end."""
    click.echo(text, err=True)
    _print_error(text, code, problems)
    sys.exit(code)


def _print_error(text: str, code: int, problems: Iterable[Problem] = ()) -> None:
    """Print an error as JSON, too, if that was asked for; in one line, as `logs` has lines."""
    words = sys.argv[1:]
    if "--json" not in words[: words.index("--") if "--" in words else None]:
        return
    found = [{"where": problem.where, "what": problem.what} for problem in problems]
    content = {"error": text, "exit_code": code, "problems": found}
    terminal.print_document(json.dumps(content) + "\n")
