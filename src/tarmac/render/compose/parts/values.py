"""Values and files in Compose's words: a secret is a variable of .env, which the script writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base.launch import Secret, Text
from tarmac.plan.cluster import ClusterPlan, MountedFile, Workload

FOLDER = "compose"
#: In .env, beside the Compose files; the script writes all of it.
SCRIPT = "secrets.sh"
#: The folder of the secrets that are files.
SECRETS = "secrets"
#: Networks of containers, as Docker chooses them by itself. From there a public service is reached
#: by the entry and by other services; what visitors claim of their addresses the entry drops.
PROXIES = "172.16.0.0/12,192.168.0.0/16"
SOURCE, TREE = "SOURCE_ROOT", "TREE_ROOT"


def variable(secret: Secret) -> str:
    """Name the variable in .env that holds a secret."""
    return re.sub(r"[^A-Z0-9]+", "_", secret.path.upper())


def required(name: str) -> str:
    """Refer to a variable without which nothing starts: there is no default to forget."""
    return f"${{{name}:?run {SCRIPT} first}}"


def written(value: Text) -> str:
    """Write a text: a secret by reference, and what Compose would take for one as it is."""
    return "".join(
        part.replace("$", "$$") if isinstance(part, str) else required(variable(part))
        for part in value
    )


def env(values: Mapping[str, Text]) -> dict[str, str]:
    """Write variables."""
    return {name: written(value) for name, value in sorted(values.items())}


def environment(plan: ClusterPlan, workload: Workload) -> dict[str, str]:
    """Write a container's variables; a kit service behind the entry trusts that."""
    found = env({name: setting.value for name, setting in workload.env.items()})
    told = plan.settings.entry and workload.routes and workload.parts
    return {"TRUSTED_PROXIES": PROXIES, **found} if told else found


def config(owner: str, file: MountedFile) -> str:
    """Name a file among the `configs`."""
    return re.sub(r"[^a-z0-9]+", "-", f"{owner}-{file.path.rsplit('/', 1)[-1]}".lower())


def configs(owner: str, files: Iterable[MountedFile]) -> dict[str, Any]:
    """Declare files with their content; secrets are written only to .env."""
    return {config(owner, file): {"content": written(file.content)} for file in files}


def sealed(workload: Workload) -> tuple[MountedFile, ...]:
    """List the files of a service that hold secrets: its container is read-only, and gets no other.

    The script writes them, as no value of a secret is in any Compose file.
    """
    own = workload.files if workload.role == "service" else ()
    return tuple(file for file in own if file.secret)


def secrets(workload: Workload) -> dict[str, Any]:
    """Declare those files."""
    names = (config(workload.name, file) for file in sealed(workload))
    return {name: {"file": f"./{SECRETS}/{name}"} for name in names}


def mounts(owner: str, files: Iterable[MountedFile]) -> list[dict[str, Any]]:
    """Mount files, to be read by all in the container: there is one user, known by number alone."""
    return [{"source": config(owner, file), "target": file.path} for file in files]
