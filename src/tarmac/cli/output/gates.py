"""Explains a gate: what holds, why, what it reads and needs; for `explain` and `verify`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tarmac.base.errors import check_names
from tarmac.cli.output import terminal

if TYPE_CHECKING:
    from tarmac.check.gates.gate import Gate

_ID = re.compile(r"[A-Z]{3}\d{3}")


def is_id(name: str) -> bool:
    """Tell whether a name is one that gates have; nothing of a system has such a name."""
    return _ID.fullmatch(name) is not None


def explain(gate_id: str, *, as_json: bool) -> None:
    """Print what a gate is. Raises BadInput where there is none of that id."""
    from tarmac.check.verify.options import known_gates

    known = known_gates(None, Path())
    check_names([gate_id], known, "no such gate")
    gate = known[gate_id]
    if as_json:
        terminal.print_json(
            {
                "id": gate.id,
                "title": gate.title,
                "phase": gate.phase,
                "source": gate.source,
                "reads": gate.reads,
                "judges": gate.scope.unit,
                "program": gate.program,
                "plans": bool(gate.targets),
                "targets": list(gate.targets),
                "files": gate.of_files is not None,
                "observes": gate.observes,
                "level": gate.level.name.lower(),
            }
        )
        return
    click.echo(f"{gate.id}  {gate.title}\n")
    rows = (
        ("phase", gate.phase),
        ("why", gate.source),
        ("reads", gate.reads),
        ("judges", gate.scope.unit),
        ("in", _judges(gate)),
        ("targets", ", ".join(gate.targets)),
        ("needs", "no model" if gate.of_files is not None else "a model (tarmac.yaml)"),
        ("program", gate.program),
        ("a pass is", gate.level.name.lower()),
    )
    for label, words in rows:
        if words:
            click.echo(f"{label:<11}{words}")
    click.echo(
        "\nTo suppress a finding in its place, write a comment at the end of its line, or above it:"
        "\n\n"
        f"  # tarmac: ignore[{gate.id}] until=2027-01-31 why it is accepted\n"
        "\nTo suppress it in rendered files, write in suppressions.yaml beside tarmac.yaml:"
        "\n\n"
        "  suppressions:\n"
        f"    - gate: {gate.id}\n"
        "      where: k8s/orders/*          # a pattern of the finding's place\n"
        '      what: "*"                    # a pattern of its text\n'
        "      reason: why it is accepted\n"
        "      until: 2027-01-31"
    )


def _judges(gate: Gate) -> str:
    """Describe the input of a gate."""
    if gate.observes:
        return "the objects in a cluster (tarmac verify --target cluster), beside the rendered ones"
    files = "files as is (tarmac verify --files DIR)"
    if not gate.targets:
        return files
    return f"rendered files, and {files}" if gate.of_files else "rendered files"
