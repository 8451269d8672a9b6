"""Files of a ConfigMap or Secret in a container: where each is mounted, and from what."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Any

from tarmac.plan.cluster import MountedFile, OneTimeTask, Workload
from tarmac.render.kubernetes.parts import configs

#: The volume of files that are renewed.
LEASED = "leased-files"


def mounts(files: Iterable[MountedFile], once: OneTimeTask | None = None) -> list[dict[str, Any]]:
    """Mount files one by one, each at its own path: nothing else of a folder is hidden.

    Those that are renewed come with their folder: a file that is mounted alone never changes.
    """
    files = tuple(files)
    folders = dict.fromkeys(posixpath.dirname(file.path) for file in files if file.leased)
    renewed = [{"name": LEASED, "mountPath": folder, "readOnly": True} for folder in folders]
    return renewed + [
        {
            "name": "secret-files" if file.secret else "files",
            "mountPath": file.path,
            "subPath": configs.file_key(file.path, once),
            "readOnly": True,
        }
        for file in files
        if not file.leased
    ]


def volumes(workload: Workload, files: Iterable[MountedFile]) -> list[dict[str, Any]]:
    """List the volumes that those mounts name."""
    files = tuple(files)
    found: list[dict[str, Any]] = []
    if any(not file.secret for file in files):
        found.append({"name": "files", "configMap": {"name": configs.files_name(workload.name)}})
    if any(file.leased for file in files):
        leased = {"secretName": configs.leased_name(workload.name), "defaultMode": 0o440}
        found.append({"name": LEASED, "secret": leased})
    if any(file.secret and not file.leased for file in files):
        secret = {"secretName": configs.secret_name(workload.name), "defaultMode": 0o440}
        found.append({"name": "secret-files", "secret": secret})
    return found
