"""What a workload is told: its ConfigMaps and its Secret, by names, keys and contents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tarmac.base.launch import Text, is_secret, redact
from tarmac.plan.cluster import OneTimeTask, Workload


def config_name(workload: str) -> str:
    """Name the ConfigMap of a workload's plain variables."""
    return f"{workload}-config"


def files_name(workload: str) -> str:
    """Name the ConfigMap of a workload's plain files."""
    return f"{workload}-files"


def secret_name(workload: str) -> str:
    """Name the Secret of a workload's variables and files that hold secrets."""
    return f"{workload}-secrets"


def leased_name(workload: str) -> str:
    """Name the Secret of a workload's files that are renewed while it runs."""
    return f"{workload}-leased"


def secret_key(variable: str) -> str:
    """Name a variable's key in a Secret: `DATABASE_URL` is `database-url`."""
    return variable.lower().replace("_", "-")


def file_key(path: str, once: OneTimeTask | None = None) -> str:
    """Name a file's key in a ConfigMap or Secret; one of a set-up begins with its name."""
    name = path.rsplit("/", 1)[-1]
    return f"{once.name}.{name}" if once else name


def config_of(workload: Workload) -> dict[str, str]:
    """List what the ConfigMap of a workload's plain variables holds."""
    return {
        k: redact(setting.value)
        for k, setting in workload.env.items()
        if not is_secret(setting.value)
    }


def files_of(workload: Workload) -> dict[str, str]:
    """List what the ConfigMap of a workload's plain files holds, by their keys."""
    found = {file_key(f.path): redact(f.content) for f in workload.files if not f.secret}
    for once in workload.once:
        found |= {file_key(f.path, once): redact(f.content) for f in once.files if not f.secret}
    return found


def secrets_in(workload: Workload) -> dict[str, Text]:
    """List what a workload's Secret holds, by its keys."""
    found = {secret_key(k): e.value for k, e in workload.env.items() if is_secret(e.value)}
    beside = workload.exporter.env if workload.exporter else {}
    found |= {secret_key(k): value for k, value in beside.items() if is_secret(value)}
    found |= {file_key(f.path): f.content for f in workload.files if f.secret and not f.leased}
    for once in workload.once:
        found |= {secret_key(k): value for k, value in once.env.items() if is_secret(value)}
        found |= {file_key(f.path, once): f.content for f in once.files if f.secret}
    return found


def leased_in(workload: Workload) -> dict[str, Text]:
    """List what is renewed of a workload's files, by their keys."""
    return {file_key(f.path): f.content for f in workload.files if f.leased}


def checksums(workload: Workload) -> dict[str, str]:
    """Make a change of the settings replace the pods, which do not reload them.

    What holds a secret counts with the secret's path in its place: a database that moves, a user
    more in a broker's file. What belongs to a set-up does not: it has a Job of its own. The first
    is what the chart computes from values as they are edited; the second is given to it.
    """
    plainly = {
        **config_of(workload),
        **{f.path: redact(f.content) for f in workload.files if not f.secret},
    }
    sealed = {
        **{name: redact(e.value) for name, e in workload.env.items() if is_secret(e.value)},
        **{file.path: redact(file.content) for file in workload.files if file.secret},
    }
    held = {"tarmac.dev/config": plainly, "tarmac.dev/sealed": sealed}
    return {name: _digest(values) for name, values in held.items() if values}


def _digest(values: Mapping[str, str]) -> str:
    written = "\n".join(f"{key}={value}" for key, value in sorted(values.items()))
    return hashlib.sha256(written.encode()).hexdigest()[:16]
