"""What `tarmac snapshot` does and prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from tarmac.base import figures, writing
from tarmac.cli import invariants
from tarmac.cli.output import printing, terminal
from tarmac.cli.output.waiting import waiting
from tarmac.run.local.snapshots import loading, manifest, saving, transfer
from tarmac.run.local.snapshots.library import Library, Snapshot
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client, stopped_stores
from tarmac.run.local.supervisor.stopped_stores import StoreStopper
from tarmac.run.local_system import LocalSystem

#: Jobs that were under way in a snapshot go on, and may need so long.
INVARIANTS_S = 15.0


@dataclass(frozen=True)
class Work:
    """One call of the verb."""

    file: Path
    namespace: str
    force: bool
    as_json: bool

    @cached_property
    def home(self) -> Home:
        """The copy's home."""
        return Home.of(self.file, self.namespace)

    @cached_property
    def snapshots(self) -> Library:
        """The system's snapshots."""
        return Library.of(self.home)

    def save(self, name: str) -> None:
        """Save a snapshot."""
        LocalSystem(self.file, self.home).status()
        with waiting("saving"), stopped_stores.of_copy(self.home) as stopped:
            saved = saving.save(self.home, name, stopped, force=self.force)
        if self.as_json:
            terminal.print_json({**as_data(saved), "pause_s": round(stopped.pause_s, 3)})
            return
        click.echo(f"saved {described(saved)}{_paused(stopped)}")
        for store, why in saved.manifest.left.items():
            click.echo(f"{store} is not in it: {why}")

    def load(self, name: str, timeout: float | None) -> int:
        """Load a snapshot, and ask the invariants; return the exit code."""
        system = LocalSystem(self.file, self.home)
        system.status()
        with waiting("loading"), stopped_stores.of_copy(self.home) as stopped:
            secrets = self._secrets()
            loaded, older = loading.load(self.home, name, stopped, force=self.force)
        if not stopped.running:
            if self.as_json:
                terminal.print_json(as_data(loaded))
            else:
                click.echo(f"loaded {described(loaded)}; `tarmac up` starts with it")
            return 0
        restarted = self._apply() if self._secrets() != secrets else ()
        with waiting("waiting for the system"):
            status = client.wait(self.home, within_s=timeout)
            results = system.invariants(INVARIANTS_S) if status.healthy else ()
        if self.as_json:
            found = [invariants.as_data(result) for result in results]
            terminal.print_json(
                {
                    **as_data(loaded),
                    "pause_s": round(stopped.pause_s, 3),
                    "healthy": status.healthy,
                    "restarted": restarted,
                    "older": older,
                    "invariants": found,
                }
            )
        else:
            click.echo(f"loaded {described(loaded)}{_paused(stopped)}")
            for store in older:
                click.echo(
                    f"{store} lacks migrations since then; restart the services that have them"
                )
            if restarted:
                names = ", ".join(restarted)
                click.echo(f"restarted with the secrets that its data needs: {names}")
            console = printing.open_console()
            printing.explain_failures(console, status)
            if status.healthy:
                invariants.show(system.model, results)
        return 0 if status.healthy and all(result.holds for result in results) else 1

    def _secrets(self) -> bytes:
        return self.home.secrets.read_bytes() if self.home.secrets.exists() else b""

    def _apply(self) -> tuple[str, ...]:
        """Restart the services whose secrets are others now; return their names."""
        options = client.last_options(self.home)
        return client.up(self.home, options)().restarted if options is not None else ()

    def list(self) -> None:
        """List the snapshots."""
        found = self.snapshots.all()
        if self.as_json:
            terminal.print_json([as_data(one) for one in found])
            return
        for line in (*map(described, found), *self.snapshots.damaged()):
            click.echo(line)
        if not found:
            click.echo("no snapshots; save one with `tarmac snapshot save NAME`")

    def delete(self, name: str) -> None:
        """Delete a snapshot, also a damaged one."""
        with self.snapshots.locked():
            self.snapshots.delete(self.snapshots.place(name))
        self._say(f"deleted {name}", {"deleted": name})

    def export(self, name: str, file: Path | None) -> None:
        """Write a snapshot to a file."""
        file = file or Path(f"{name}.snapshot")
        with waiting("writing"):
            saved = transfer.export(self.snapshots, name, file, force=self.force)
        data = {**as_data(saved), "file": str(file), "file_bytes": file.stat().st_size}
        size = figures.size(data["file_bytes"])
        self._say(f"exported {name} to {writing.shown(file)} ({size}): it holds users' data", data)

    def read_in(self, file: str, name: str) -> None:
        """Take a snapshot in from a file."""
        if name:
            manifest.check_name(name)
        writing.check_name(file)
        system = LocalSystem(self.file, self.home).model.name
        with waiting("reading"):
            taken = transfer.read_in(self.snapshots, Path(file), system, name, force=self.force)
        self._say(f"imported {described(taken)}", as_data(taken))

    def _say(self, line: str, data: dict[str, Any]) -> None:
        if self.as_json:
            terminal.print_json(data)
        else:
            click.echo(line)


def _paused(stopped: StoreStopper) -> str:
    pause = figures.number(stopped.pause_s, 1)
    return f"; the stores were away for {pause} s" if stopped.running else ""


def described(snapshot: Snapshot) -> str:
    """Describe a snapshot in a line."""
    one = snapshot.manifest
    stores = ", ".join(sorted(one.stores))
    before = f", before {one.before}" if one.before else ""
    taken, size = figures.moment(one.taken_at), figures.size(one.size_bytes)
    return f"{one.name}: {taken} of '{one.namespace}'{before}, {size} ({stores})"


def as_data(snapshot: Snapshot) -> dict[str, Any]:
    """Write a snapshot as plain data, for --json."""
    data = asdict(snapshot.manifest)
    data["stores"] = {name: asdict(record) for name, record in snapshot.manifest.stores.items()}
    for record in data["stores"].values():
        del record["admin"]
    return {**data, "folder": str(snapshot.folder), "size_bytes": snapshot.manifest.size_bytes}
