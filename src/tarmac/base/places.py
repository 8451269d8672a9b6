"""Where things are: the model's file in a repository, and what belongs to no project.

A leaf: what is made once per machine, or looked for, is located here.
"""

from __future__ import annotations

import os
from pathlib import Path

from tarmac.base.errors import TarmacError

#: The model's file, in a user's repository and in each folder of `systems/`.
SYSTEM_FILE = "tarmac.yaml"
#: Beside it: what has to hold before the system is ready.
CHECKLIST_FILE = "checklist.yaml"
#: Beside it, or in a folder of files: a team's own gates, and the findings that it accepts.
RULES_FILE, SUPPRESSIONS_FILE = "tarmac-rules.yaml", "suppressions.yaml"


def cache_folder() -> Path:
    """Find or make the folder for what is made once per machine, e.g. an empty database.

    Raises:
        TarmacError: there is none, and none can be made.
    """
    # A user without an entry in /etc/passwd and without HOME has no home.
    home = os.environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - raises nothing
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path(home) / ".cache")
    folder = base / "tarmac"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TarmacError(
            f"{folder}: cannot be written ({error.strerror}); set HOME or XDG_CACHE_HOME to a "
            "directory that you can write"
        ) from None
    return folder
