"""A temporary copy of a system, which ends and is deleted with the process that started it.

Used by drills and by tests. The copy has a namespace and ports of its own, so it stands beside the
one that its developer runs.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.pids import is_running
from tarmac.run.local.state import state
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.status import Status

PREFIX = "copy-"
POLL_S = 0.02
#: Lines of a node that is not healthy that are shown.
SHOWN_LINES = 12


class NotHealthy(TarmacError):
    """The system does not come up, or does not get well again."""


@contextlib.contextmanager
def temporary_copy(
    file: Path,
    *,
    name: str = "",
    within_s: float | None = None,
    secrets_of: Home | None = None,
    **options: Any,
) -> Iterator[Home]:
    """Start a copy of a system, wait until it is healthy, and stop and delete it afterwards.

    Args:
        file: its `tarmac.yaml`.
        name: tells it from other copies that this process has.
        within_s: how long to wait for health; None: as long as its own probes may take.
        secrets_of: another copy; this one has the same secrets.
        options: what `tarmac up` takes: fast_stores, without, scale, providers, direct.

    Raises:
        TarmacError: it does not come up; says what is wrong with what.
    """
    home = _unused_home(file, name)
    if secrets_of is not None:
        home.create()
        write_atomically(home.secrets, secrets_of.secrets.read_text())
    asked = Options(str(file.resolve()), namespace=home.root.name, temporary=True, **options)
    with warnings.catch_warnings():
        # Its supervisor outlives the call, as it is to: no code waits for that process here.
        warnings.simplefilter("ignore", ResourceWarning)
        answer = client.up(home, asked, attached=True)  # ends with us at the latest
    try:
        answer()
        wait_healthy(home, within_s)
        yield home
    finally:
        with contextlib.suppress(TarmacError):  # it has ended by itself
            client.down(home)
        _wait_deleted(home)


def wait_healthy(home: Home, within_s: float | None) -> None:
    """Wait until everything is healthy.

    Args:
        within_s: the longest to wait; None: as long as the system's own probes may take.

    Raises:
        NotHealthy: it is not within the time; says what is wrong with what.
    """
    status = client.wait(home, within_s=within_s)
    if not status.healthy:
        raise NotHealthy(explained(status))


def explained(status: Status) -> str:
    """Say of everything that is not well what is wrong with it."""
    lines = [f"{status.system} is not healthy"]
    for node in status.nodes:
        if node.state not in state.WELL:
            lines.append(f"{node.name} is {node.state}: {node.detail}".removesuffix(": "))
            lines += [f"  {line}" for line in node.last_lines[-SHOWN_LINES:]]
            lines += [f"  likely cause: {node.cause}"] if node.cause else []
    return "\n".join(lines)


def _unused_home(file: Path, name: str) -> Home:
    """Name an unused namespace, and delete those whose supervisor was killed."""
    for root in Home.of(file, "").root.glob(f"{PREFIX}*"):
        ours = re.fullmatch(rf"{PREFIX}\w+-(\d+)(-\w+)?", root.name)
        if ours and not is_running(int(ours[1])) and not client.is_running(Home(root)):
            from tarmac.run.local.supervisor.remove import delete  # noqa: PLC0415 - seldom needed

            delete(Home(root))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return Home.of(file, "-".join(filter(None, (f"{PREFIX}{worker}", str(os.getpid()), name))))


def _wait_deleted(home: Home, within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while home.root.exists() and time.monotonic() < end:
        time.sleep(POLL_S)
