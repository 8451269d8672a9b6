"""Keeps the secrets of one namespace: made up at random once, or taken from `.env`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from tarmac.errors import BadInput, Problem
from tarmac.launch import Secret
from tarmac.local.files import write_atomically


def fill(path: Path, wanted: Iterable[Secret], given: Mapping[str, str]) -> dict[str, str]:
    """Load the secrets, make up those that are missing, and save the file (mode 0600).

    Args:
        wanted: every secret that the plan refers to.
        given: values by variable name, from `.env`; they win over made-up ones.

    Returns:
        Value by secret path.
    """
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    values = dict(known)
    for secret in wanted:
        variable = secret.path.rsplit("/", 1)[-1]
        if secret.path.startswith("services/") and variable in given:
            values[secret.path] = given[variable]
        elif secret.path not in values:
            values[secret.path] = secrets.token_hex(secret.size_bytes)
    if values != known:
        write_atomically(path, json.dumps(values, indent=1, sort_keys=True) + "\n")
    return values


def read_dotenv(path: Path) -> dict[str, str]:
    """Read `KEY=value` lines; quotes around a value are dropped, `#` begins a comment line.

    Raises:
        BadInput: lines of another form, each with its place.
    """
    if not path.exists():
        return {}
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        entry = line.strip().removeprefix("export ")
        if not entry or entry.startswith("#"):
            continue
        name, equals, value = entry.partition("=")
        if not equals or not name.strip().isidentifier():
            problems.append(Problem(f"{path}:{number}:1", "not KEY=value; correct the line"))
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        values[name.strip()] = value
    if problems:
        raise BadInput(problems)
    return values
