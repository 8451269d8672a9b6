"""Keeps the secrets of one namespace: made up at random once, or taken from `.env`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from tarmac import dotenv
from tarmac.errors import BadInput, Problem, TarmacError
from tarmac.launch import Secret
from tarmac.local.home.files import write_atomically


def fill(path: Path, wanted: Iterable[Secret], given: Mapping[str, str]) -> dict[str, str]:
    """Load the secrets, make up those that are missing, and save the file (mode 0600).

    Args:
        wanted: every secret that the plan refers to.
        given: values by variable name, from `.env`; they win over made-up ones.

    Returns:
        Value by secret path.
    """
    known = _read(path)
    values = dict(known)
    for secret in wanted:
        variable = secret.path.rsplit("/", 1)[-1]
        if secret.path.startswith(("services/", "shared/")) and variable in given:
            values[secret.path] = given[variable]
        elif secret.path not in values:
            values[secret.path] = secrets.token_hex(secret.size_bytes)
    if values != known:
        write_atomically(path, json.dumps(values, indent=1, sort_keys=True) + "\n", power_cut=True)
    return values


def _read(path: Path) -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        raise TarmacError(
            f"{path}: not the JSON that Tarmac wrote; put it back, or delete it together with the "
            "stores' data, which knows no other passwords: `tarmac down --delete-data`"
        ) from None
    return known


def read_dotenv(path: Path) -> dict[str, str]:
    """Read a `.env` file; {} if there is none.

    Raises:
        BadInput: lines of another form than KEY=value, each with its place.
    """
    if not path.exists():
        return {}
    values, wrong = dotenv.parse(path.read_text(errors="replace"))
    if wrong:
        what = "not KEY=value; correct the line"
        raise BadInput(Problem(f"{path}:{number}:1", what) for number in wrong)
    return values
