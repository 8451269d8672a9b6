"""Finds the verbs in the folder above, and lists them by what they are for."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from typing import Any

import click

from tarmac import cli
from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean

#: In `--help`, in this order; each verb's module names its own.
SECTIONS = ("Run", "See", "Change", "Check", "Drill", "Deliver")

#: Set by a shell's script of `tarmac completion`.
ASKED = "_TARMAC_COMPLETE"
#: Where a verb's context keeps the words that name its system and copy, if the user gave some.
ADDRESS = "tarmac.address"
#: A command in backticks that is about a system and does not name one yet.
ABOUT_A_SYSTEM = re.compile(
    r"`tarmac (?:up|down|logs|ps|start|snapshot (?:save|load)|writes)(?=`| -| NAME| [a-z-]+`)"
)


class Verbs(click.Group):
    """Imports a verb's module when it is used; `--help` imports all, and all are light."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs by section, each below the one that it belongs to."""
        names = self.list_commands(ctx)
        widest = max(map(len, names)) + 2
        modules = {name: _module(name) for name in names}
        owners = {name: getattr(module, "OWNER", "") for name, module in modules.items()}
        sections = {name: module.SECTION for name, module in modules.items()}
        for section in SECTIONS:
            rows = []
            for name in (n for n in names if sections[n] == section and not owners[n]):
                owned = [(own, f"  {own}") for own in names if owners[own] == name]
                rows += [(name, name), *owned]
            with formatter.section(section):
                limit = formatter.width - 6 - widest
                helps = {name: modules[name].VERB.get_short_help_str(limit) for name, _ in rows}
                formatter.write_dl(
                    [(shown.ljust(widest), helps[name]) for name, shown in rows],
                    col_max=widest,
                )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs: the modules of the folder."""
        del ctx
        files = (info.name for info in pkgutil.iter_modules(cli.__path__) if not info.ispkg)
        return sorted(name.replace("_", "-") for name in files if name != "main")

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a verb."""
        if name not in self.list_commands(ctx):
            return None
        verb: click.Command = _module(name).VERB
        if ASKED in os.environ:  # by a shell, for what may follow
            from tarmac.cli.parts import completion

            completion.prepare(verb)
        return verb

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Say of an option before the verb where it belongs."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            hint = "options of a verb follow it: `tarmac VERB --help` lists them"
            ctx.fail(f"{error.format_message().removesuffix('.')}; {hint}")

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; commands in an error are about the system that the user named."""
        try:
            return super().invoke(ctx)
        except BadInput as error:
            problems = (Problem(one.where, _addressed(one.what, ctx)) for one in error.problems)
            raise BadInput(problems) from error
        except TarmacError as error:
            error.args = tuple(_addressed(str(text), ctx) for text in error.args)
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest verb for one that does not exist."""
        if args and self.get_command(ctx, args[0]) is None:
            hint = did_you_mean(args[0], [*self.list_commands(ctx), "--help", "--version"])
            ctx.fail(f"unknown verb '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)


def _addressed(text: str, ctx: click.Context) -> str:
    """Write commands as they are typed here: with the system and its copy."""
    words = ctx.meta.get(ADDRESS, "")
    return ABOUT_A_SYSTEM.sub(rf"\g<0> {words}", text) if words else text


def _module(verb: str) -> Any:
    return importlib.import_module(f"tarmac.cli.{verb.replace('-', '_')}")
