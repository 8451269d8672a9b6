"""The file tarmac.include.lock: which commit each included revision was when it was first read.

It stands beside the system's file and is committed with it, so that it is the same everywhere. Its
name is not `tarmac.lock`: that is of a rendered tree, which may be in the same folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from tarmac.base import writing
from tarmac.base.errors import TarmacError
from tarmac.model.include import COMMIT, GitRevision
from tarmac.model.joining import Read
from tarmac.model.loader import read_as
from tarmac.model.value import StrictModel

HEAD = (
    "# Written by tarmac: the commits of what is included. Commit it; `tarmac include --update`\n"
)
HEAD += "# moves them.\n"


class LockedRevision(StrictModel):
    """A revision and its commit."""

    git: str
    revision: str
    commit: Annotated[str, StringConstraints(pattern=f"^{COMMIT.pattern}$")]


class LockFile(StrictModel):
    """What stands in the file."""

    included: tuple[LockedRevision, ...]


def name_of(file: str) -> str:
    """Return the path of the lock of a system's file."""
    return str(Path(file).with_suffix(".include.lock"))


def locked(file: str, read: Read) -> dict[GitRevision, str]:
    """Read the commits of a system's lock; none without one.

    Raises:
        BadInput: it is not one; with places.
    """
    name = name_of(file)
    try:
        raw = read(name)
    except FileNotFoundError:
        return {}
    content, _ = read_as(LockFile, name, raw)
    return {GitRevision(one.git, one.revision): one.commit for one in content.included}


def write(path: Path, commits: Mapping[GitRevision, str]) -> None:
    """Write the commits of a system, in place of an older lock.

    Raises:
        TarmacError: the disk refuses.
    """
    lines = [
        f'  - git: "{revision.url}"\n    revision: "{revision.revision}"\n    commit: "{commit}"\n'
        for revision, commit in sorted(commits.items())
    ]
    try:
        with writing.opened(path.parent) as root:
            writing.write(root, path.name, f"{HEAD}included:\n{''.join(lines)}")
    except OSError as error:
        what = f"cannot be written ({error.strerror}), and keeps what is included; correct its mode"
        raise TarmacError(f"{path}: {what}") from None
