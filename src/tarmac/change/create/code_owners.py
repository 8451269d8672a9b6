"""The line of a new service in the repository's CODEOWNERS."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tarmac.base.foreign import files

#: Where forges look for it, in their order.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
#: What a forge takes for an owner: a user or a team, or an address of mail.
OWNER = re.compile(r"@[\w.-]+(/[\w.-]+)*|[\w.+-]+@[\w.-]+")


def line(folder: Path, owner: str, *, rendered: bool) -> tuple[Path, str] | None:
    """Return the file of code owners with a line for a folder.

    None where a forge does not know such an owner, outside of a repository, and where the system
    renders that file itself.
    """
    path = Path(os.path.abspath(folder))  # noqa: PTH100 - links are not followed
    root = next((above for above in path.parents if (above / ".git").exists()), None)
    if root is None or rendered or not OWNER.fullmatch(owner):
        return None
    file = next((root / place for place in PLACES if (root / place).is_file()), root / PLACES[1])
    text = files.content(file, root=root).decode() if file.is_file() else ""
    head = text if not text or text.endswith("\n") else f"{text}\n"
    return file, f"{head}/{path.relative_to(root).as_posix()}/ {owner}\n"
