"""What `tarmac help` answers for, read from what the rest of the tool uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click


def topics(verbs: click.Group) -> dict[str, tuple[str, ...]]:
    """List what may be asked for, by its kind; of keys the first of a path."""
    return {
        "verbs": tuple(verbs.list_commands(click.Context(verbs))),
        "keys": tuple(schemas()[0]["properties"]),
        "faults": tuple(sorted(faults())),
        "stores": tuple(sorted(stores())),
    }


def schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the schemas of `tarmac.yaml` and `service.yaml`."""
    from tarmac.model.schema import part_schema, system_schema

    return system_schema(), part_schema()


def faults() -> Mapping[str, Any]:
    """Load the faults of drills, by their ids."""
    from tarmac.drill.file import drill_file

    return drill_file.faults()


def stores() -> Mapping[str, Any]:
    """Load the kinds of stores, by their ids."""
    from tarmac.base import registry
    from tarmac.catalog import stores as kinds

    return {kind.id: kind for kind in registry.load(kinds, "STORE").values()}
