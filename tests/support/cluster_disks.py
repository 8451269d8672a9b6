"""Gives the disks of the tests' nodes out again: wiped, once the claim that had one is gone.

In a cloud a provisioner deletes the disk. Without it, systems that come and go would use up all
disks of the nodes, and the next one would wait for ever.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cluster import Cluster

EVERY_S = 5.0
FREE = json.dumps([{"op": "remove", "path": "/spec/claimRef"}])


@contextlib.contextmanager
def given_out_again(cluster: Cluster) -> Iterator[None]:
    """Wipe released disks, as long as the cluster is there."""
    ended = threading.Event()
    thread = threading.Thread(target=_wipe, args=(cluster, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _wipe(cluster: Cluster, ended: threading.Event) -> None:
    while not ended.wait(EVERY_S):
        # The API server may be away: tests stop it, too.
        with contextlib.suppress(AssertionError, OSError, ValueError, subprocess.TimeoutExpired):
            for disk in filter(_is_released, cluster.read("persistentvolumes")["items"]):
                folder = Path(disk["spec"]["local"]["path"])
                shutil.rmtree(folder)
                folder.mkdir()
                name = disk["metadata"]["name"]
                cluster.kubectl("patch", "persistentvolume", name, "--type=json", "--patch", FREE)


def _is_released(disk: Any) -> bool:
    return bool(disk["status"].get("phase") == "Released" and "local" in disk["spec"])
