"""`tarmac schema`: the JSON Schema of tarmac.yaml, for editors."""

from __future__ import annotations

import click

from tarmac.cli.output import terminal

SECTION = "See"
OWNER = "explain"


@click.command("schema", short_help="Print the JSON Schema of tarmac.yaml.")
@click.option("--part", is_flag=True, help="The schema of service.yaml instead.")
def VERB(*, part: bool) -> None:
    """Print the JSON Schema of tarmac.yaml (or service.yaml), for editors and other programs.

    Example: tarmac schema > tarmac.schema.json
    """
    from tarmac.model.schema import part_schema, system_schema

    terminal.print_json(part_schema() if part else system_schema())
