"""Where one copy of a system keeps everything: `.tarmac/<namespace>/` beside its file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tarmac.base import writing
from tarmac.base.errors import TarmacError


@dataclass(frozen=True)
class Home:
    """The folder of one namespace; private to its user and ignored by git."""

    root: Path

    @classmethod
    def of(cls, file: Path, namespace: str) -> Home:
        """Name the home of a system's namespace."""
        return cls(Path(os.path.realpath(file)).parent / ".tarmac" / namespace)

    def create(self) -> None:
        """Make the folders, readable by their owner only, and keep git from seeing them."""
        try:
            with writing.opened(self.root.parent.parent) as beside:
                below = f"{self.root.parent.name}/{self.root.name}"
                for name in (below, f"{below}/{self.logs.name}", f"{below}/{self.nodes.name}"):
                    writing.make_folder(beside, name, mode=0o700)
                writing.write_new(beside, f"{self.root.parent.name}/.gitignore", "*\n")
            self.root.chmod(0o700)
            self.supervisor_log.touch(mode=0o600)
        except OSError as error:
            raise TarmacError(
                f"{self.root}: cannot be written ({error.strerror}); "
                "the system's data is stored there; choose a directory that you can write"
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
    def caller_keys(self) -> Path:
        """The keys that sign caller tokens; only the supervisor reads them."""
        return self.root / "caller-keys.json"

    @property
    def callers(self) -> Path:
        """The caller tokens, a folder for each caller, and the public keys."""
        return self.root / "callers"

    @property
    def identities(self) -> Path:
        """The keys and certificates of `up --mtls`, a file for each service, and the authority."""
        return self.root / "identities"

    @property
    def facts(self) -> Path:
        """The facts of the last start: ports stay the same while they are free."""
        return self.root / "facts.json"

    @property
    def telemetry(self) -> Path:
        """The SQLite file with the spans of this and earlier runs."""
        return self.root / "telemetry.sqlite"

    @property
    def dashboard_token(self) -> Path:
        """What the link of the dashboard carries."""
        return self.root / "dashboard-token"

    @property
    def scrape_targets(self) -> Path:
        """The instances with metrics, in the format of Prometheus's file_sd."""
        return self.root / "scrape-targets.json"

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
        TarmacError: another user made a folder of that name.
        OSError: there is no place where one can be made.
    """
    chosen = Path("/tmp")  # noqa: S108 - its owner is checked
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if base and os.access(base, os.W_OK | os.X_OK) and len(os.fsencode(base)) < LONGEST_BASE:
            chosen = Path(base)
            break
    return private_folder(chosen, "tarmac")


def private_folder(base: Path, name: str) -> Path:
    """Find or make a folder of this user's below one that every user may write to.

    Raises:
        TarmacError: another user made a folder of that name.
    """
    folder = base / f"{name}-{os.getuid()}"
    with contextlib.suppress(FileExistsError):  # of a link that leads nowhere, too
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or not stat.S_ISDIR(status.st_mode):
        raise TarmacError(f"{folder}: not a private directory of this user; remove it")
    return folder


def outside_folder(name: str, *, mode: int) -> Path:
    """Find or make a folder outside every project, for servers that run as another user.

    Raises:
        TarmacError: it exists and belongs to another user.
    """
    folder = Path("/var/tmp") / f"tarmac-{name}"  # noqa: S108 - its owner is checked
    with contextlib.suppress(FileExistsError):  # of a link that leads nowhere, too
        folder.mkdir()
    if folder.is_symlink() or folder.lstat().st_uid != os.geteuid():
        raise TarmacError(f"{folder}: belongs to another user; remove it")
    folder.chmod(mode)
    return folder
