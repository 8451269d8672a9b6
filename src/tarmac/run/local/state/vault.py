"""Keeps the secrets of one namespace: generated at random once, or taken from `.env`."""

from __future__ import annotations

import base64
import json
import re
import secrets
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from tarmac.base import dotenv
from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.base.foreign import files
from tarmac.base.launch import Secret, ServiceSecret, SharedSecret, StoreSecret
from tarmac.run.local.state.files import write_atomically

#: The last step of the path of a password that is not a user's first one.
NUMBERED = re.compile(r"password-([1-9][0-9]*)")
#: Lines of a `.env` that are said to be wrong; a file of another form has them all.
MOST_PROBLEMS = 50


def fill(
    path: Path,
    wanted: Iterable[Secret],
    given: Mapping[str, str],
    *,
    running: Mapping[str, str] = MappingProxyType({}),
    known_to_programs: Mapping[str, str] = MappingProxyType({}),
    with_data: Collection[str] = (),
) -> dict[str, str]:
    """Load the secrets, generate those that are missing, and save the file (mode 0600).

    Args:
        wanted: every secret that the plan refers to.
        given: values by variable name, from `.env`; they win over generated ones.
        running: values that a running system has: with the file gone, they are saved again.
        known_to_programs: passwords that the model says, by their paths.
        with_data: stores whose data is there: it was made with passwords that must be known.

    Returns:
        Value by secret path.

    Raises:
        TarmacError: there is data, and none of the passwords that it was made with, or another
            one of its administrator.
    """
    wanted = tuple(wanted)
    known = read(path)
    values = dict(known) or {s.path: running[s.path] for s in wanted if s.path in running}
    _refuse_lost(path, wanted, values, with_data)
    for secret in wanted:
        owner = secret.owner
        if isinstance(owner, ServiceSecret | SharedSecret) and owner.variable in given:
            values[secret.path] = given[owner.variable]
        elif secret.path in known_to_programs:
            wanted_value = known_to_programs[secret.path]
            if isinstance(owner, StoreSecret) and owner.store in with_data:
                _refuse_changed(owner, values.get(secret.path), wanted_value)
            values[secret.path] = wanted_value
        elif secret.path not in values:
            values[secret.path] = generated(secret)
    if values != known:
        _write(path, values)
    return values


def generated(secret: Secret) -> str:
    """Make a value for a secret, in its form."""
    if secret.form == "base64":
        return base64.urlsafe_b64encode(secrets.token_bytes(secret.size_bytes)).decode()
    return secrets.token_hex(secret.size_bytes)


def rotated(path: Path) -> dict[tuple[str, str], int]:
    """List which password of a store a service has, where it is not the first one."""
    found: dict[tuple[str, str], int] = {}
    for known in read(path):
        match known.split("/"):
            case ["stores", store, service, numbered] if found_number := NUMBERED.fullmatch(
                numbered
            ):
                key = store, service
                found[key] = max(int(found_number[1]), found.get(key, 0))
    return found


def change(path: Path, values: Mapping[str, str | None]) -> None:
    """Give secrets other values, and forget those that have none."""
    kept = {key: value for key, value in {**read(path), **values}.items() if value is not None}
    _write(path, kept)


def close(path: Path) -> str:
    """Take the file's rights from other users, where they have any.

    Returns:
        What was wrong and what to do; empty where nothing was.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return ""
    if not mode & 0o077:
        return ""
    path.chmod(0o600)
    return (
        f"{path}: had mode {mode:o}, so other users could read its passwords; it has 600 now. "
        "If others use this machine, make new ones: `tarmac down --delete-data`"
    )


def _refuse_lost(
    path: Path, wanted: Iterable[Secret], known: Collection[str], with_data: Collection[str]
) -> None:
    """Refuse to make new passwords for data that has others, e.g. after the file was deleted."""
    of_store: dict[str, list[str]] = {}
    for secret in wanted:
        if isinstance(owner := secret.owner, StoreSecret) and owner.store in with_data:
            of_store.setdefault(owner.store, []).append(secret.path)
    lost = [store for store, paths in of_store.items() if not any(p in known for p in paths)]
    if lost:
        is_there = "holds no password" if path.exists() else "missing; it held the passwords"
        names = ", ".join(lost)
        raise TarmacError(
            f"{path}: {is_there} of data that is still there ({names}); restore the file, or "
            f"delete the data: `tarmac reset {' '.join(lost)}`, or all of it: "
            "`tarmac down --delete-data`"
        )


def _refuse_changed(owner: StoreSecret, before: str | None, now: str) -> None:
    """Refuse another password of an administrator than the one that data was made with."""
    if owner.user == "admin" and before not in (None, now):
        raise TarmacError(
            f"{owner.store}: `local` names its administrator, with another password than its data "
            f"was made with; `tarmac reset {owner.store}` begins without that data"
        )


def _write(path: Path, values: Mapping[str, str]) -> None:
    write_atomically(path, json.dumps(values, indent=1, sort_keys=True) + "\n", power_cut=True)


def read(path: Path) -> dict[str, str]:
    """Read the values by path; {} where there is no file. Raises TarmacError."""
    try:
        known: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        raise TarmacError(
            f"{path}: not the JSON that Tarmac wrote; restore it, or delete it together with the "
            "stores' data, which needs these passwords: `tarmac down --delete-data`"
        ) from None
    return known


def read_dotenv(path: Path) -> dict[str, str]:
    """Read a `.env` file; {} if there is none, or a folder of that name.

    Raises:
        BadInput: lines of another form than KEY=value, each with its place.
    """
    if not path.exists() or path.is_dir():
        return {}
    values, wrong = dotenv.parse(files.text(path))
    if wrong:
        what = "not KEY=value; correct the line"
        raise BadInput(Problem(f"{path}:{number}:1", what) for number in wrong[:MOST_PROBLEMS])
    return values
