"""The secrets that data was sealed with: a service may encrypt rows with a secret of its own.

A snapshot holds those that Tarmac has generated, never one from `.env`: in a copy with others its
services could not read their own rows. Passwords of stores are made again, except where a server
keeps that of its administrator in the data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.base.launch import Secret, ServiceSecret, SharedSecret, StoreSecret
from tarmac.base.writing import shown
from tarmac.run.local.snapshots.exchange import SECRETS
from tarmac.run.local.snapshots.local_stores import LocalStore
from tarmac.run.local.state import vault
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.paths import Home

FILE = "secrets.json"
LARGEST = 1024**2
#: As `secrets.token_hex` writes them.
_GENERATED = re.compile(r"[0-9a-f]{16,256}")


def collect(home: Home, stores: Collection[LocalStore]) -> dict[str, str]:
    """Find what the data of these stores may be sealed with."""
    given = vault.read_dotenv(home.root.parent.parent / ".env")
    with_password = {store.name for store in stores if store.rule.keeps_password}
    found = {}
    for path, value in _read(home.secrets).items():
        owner = Secret(path).owner
        if isinstance(owner, StoreSecret):
            belongs = owner.user == "admin" and owner.store in with_password
        else:
            given_here = isinstance(owner, ServiceSecret | SharedSecret) and owner.variable in given
            belongs = not given_here
        if belongs and _GENERATED.fullmatch(value):
            found[path] = value
    return found


def write(folder: Path, values: Mapping[str, str]) -> None:
    """Write them into a snapshot's folder."""
    write_atomically(folder / FILE, json.dumps(dict(values), indent=1) + "\n")


def parse(content: bytes, where: str) -> dict[str, str]:
    """Read them from a file that may come from anywhere. Raises BadInput."""
    try:
        values = json.loads(content)
        fits = all(_fits(path, value) for path, value in values.items())
    except (ValueError, TypeError, AttributeError, RecursionError):
        fits = False
    if not fits:
        what = "holds secrets of another form; export the snapshot again"
        raise BadInput([Problem(shown(where), what)])
    return dict(values)


def _fits(path: str, value: str) -> bool:
    owner = Secret(path).owner
    is_password = isinstance(owner, StoreSecret) and owner.user != "admin"
    return not is_password and _GENERATED.fullmatch(value) is not None


def stage(home: Home, folder: Path, stores: Mapping[str, LocalStore]) -> None:
    """Write the copy's secrets as they are to be with a snapshot's data, beside the present ones.

    The password of a server's administrator is taken where the copy has none.
    """
    before = _read(home.secrets)
    after = dict(before)
    kept = folder / FILE
    for path, value in (parse(kept.read_bytes(), str(kept)) if kept.exists() else {}).items():
        owner = Secret(path).owner
        is_new = not isinstance(owner, StoreSecret) or path not in before
        if is_new and (not isinstance(owner, StoreSecret) or owner.store in stores):
            after[path] = value
    if after != before:
        content = json.dumps(after, indent=1, sort_keys=True) + "\n"
        write_atomically(home.root / SECRETS, content, power_cut=True)


def _read(path: Path) -> dict[str, str]:
    try:
        values: dict[str, str] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return values
