"""Where one copy of a system keeps everything: `.tarmac/<namespace>/` beside its file."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tarmac.errors import TarmacError


@dataclass(frozen=True)
class Home:
    """The folder of one namespace; private to its user and ignored by git."""

    root: Path

    @classmethod
    def of(cls, file: Path, namespace: str) -> Home:
        """Name the home of a system's namespace."""
        return cls(file.resolve().parent / ".tarmac" / namespace)

    def create(self) -> None:
        """Make the folders, readable by their owner only, and keep git from seeing them."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
            ignore = self.root.parent / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
            for folder in (self.logs, self.nodes):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.supervisor_log.touch(mode=0o600)
        except OSError as error:
            raise TarmacError(
                f"{self.root}: cannot be written ({error.strerror}); "
                "a system keeps its data there, make it a folder of yours"
            ) from None

    @property
    def logs(self) -> Path:
        """One file per process, and the rotated ones."""
        return self.root / "logs"

    @property
    def nodes(self) -> Path:
        """One folder per process: its configuration and data."""
        return self.root / "nodes"

    @property
    def state(self) -> Path:
        """The SQLite file with what runs."""
        return self.root / "state.sqlite"

    @property
    def secrets(self) -> Path:
        """The secrets' values."""
        return self.root / "secrets.json"

    @property
    def facts(self) -> Path:
        """The facts of the last start: ports stay the same while they are free."""
        return self.root / "facts.json"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor as long as it lives, however it ends."""
        return self.root / "lock"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor itself says."""
        return self.logs / "supervisor.log"

    @property
    def socket_file(self) -> Path:
        """Says where the control socket of the running supervisor is."""
        return self.root / "socket"

    @property
    def socket(self) -> Path:
        """The supervisor's control socket.

        It stands in the temporary folder: a path of more than 107 bytes cannot be bound.
        """
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:16]
        return runtime_folder() / f"{digest}.sock"


#: A socket's path has at most 103 bytes on macOS, 107 on Linux; 40 are ours.
LONGEST_BASE = 63


def runtime_folder() -> Path:
    """Find or make this user's folder for sockets.

    Raises:
        TarmacError: somebody else made a folder of that name.
        OSError: there is no place where one can be made.
    """
    folder = Path("/tmp") / f"tarmac-{os.getuid()}"  # noqa: S108 - its owner is checked
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if base and os.access(base, os.W_OK | os.X_OK) and len(os.fsencode(base)) < LONGEST_BASE:
            folder = Path(base) / folder.name
            break
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise TarmacError(f"{folder}: not a private folder of this user; remove it")
    return folder


def outside_folder(name: str, *, mode: int) -> Path:
    """Find or make a folder outside every project, for servers that run as another user.

    Raises:
        TarmacError: it is there and belongs to somebody else.
    """
    folder = Path("/var/tmp") / f"tarmac-{name}"  # noqa: S108 - its owner is checked
    folder.mkdir(exist_ok=True)
    if folder.is_symlink() or folder.lstat().st_uid != os.geteuid():
        raise TarmacError(f"{folder}: belongs to somebody else; remove it")
    folder.chmod(mode)
    return folder
