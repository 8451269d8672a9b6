"""Says what `tarmac new` made, to a person and to another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tarmac.change.create.service import NewService


def as_data(new: NewService) -> dict[str, object]:
    """Write a new service as plain data, for --json."""
    return {
        "service": new.name,
        "folder": str(new.folder),
        "template": new.template.name,
        "version": new.template.data.version,
        "port": int(str(new.values["port"])),
        "files": sorted(new.files),
        "model": str(new.model),
        "owners": str(new.owners[0]) if new.owners else None,
    }


def show(new: NewService) -> None:
    """Say what was written, and what comes next."""
    about = f"{new.template.name} {new.template.data.version}"
    click.echo(f"{new.folder}: {len(new.files)} files, from {about}")
    click.echo(f"{new.model}: {new.name} on port {new.values['port']}")
    if new.owners:
        click.echo(f"{new.owners[0]}: {new.values['owner']}")
    where = "" if new.model.parent == Path() else f" {new.model.parent}"
    click.echo(f"next: review them, then `tarmac up{where}`")
