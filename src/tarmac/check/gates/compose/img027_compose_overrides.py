"""A Compose file that adds to another one takes nothing back by an empty list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files, runs
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.scope import counted_in_files

#: Files to which others are added.
_BASE = re.compile(r"(docker-)?compose(\.(base|common))?\.ya?ml")
#: Parts of a service that Compose puts together of all files.
_ADDED = (
    "volumes", "ports", "expose", "environment", "labels", "networks", "depends_on", "secrets",
    "configs", "devices", "cap_add", "cap_drop", "extra_hosts", "env_file", "dns", "dns_search",
    "tmpfs", "security_opt", "group_add", "external_links", "sysctls",
)  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield empty lists and mappings that are to take back what another file says."""
    for beside in compose_files(files):
        based = {one.name: one for one in beside.services if _is_base(one) and runs(one)}
        for service in _adding(beside):
            base = based.get(service.name)
            if base is None:
                continue
            for key in _ADDED:
                own, its = fields(service.data).get(key), fields(base.data).get(key)
                is_empty = isinstance(own, list | Mapping) and not own
                if is_empty and isinstance(its, list | Mapping) and its:
                    where = PurePosixPath(base.artifact.path).name
                    what = f"service {service.name} has no {key} here, and Compose adds what is"
                    said = f"{what} here to those of {where}, so they all stay; write `{key}:"
                    yield Finding(service.at(key), f"{said} !reset []`")


def _is_base(service: ComposeService) -> bool:
    return _BASE.fullmatch(PurePosixPath(service.artifact.path).name) is not None


def _adding(beside: ComposeFiles) -> Iterator[ComposeService]:
    """Yield services that add to one of another file: they do not say what they run."""
    for service in beside.services:
        if not _is_base(service) and isinstance(service.data, Mapping) and not runs(service):
            yield service


def _judged(files: Files) -> Iterator[ComposeService]:
    for beside in compose_files(files):
        yield from _adding(beside)


GATE = Gate(
    id="IMG027",
    title="A Compose file takes back what it means to",
    phase="containers",
    source="https://docs.docker.com/reference/compose-file/merge: lists of several files are put "
    "together, and `!reset` empties one",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services that add to another file's", _judged),
    targets=("compose",),
    reads="empty lists and mappings of services that a second file of the folder adds to those of "
    "compose.yaml.",
)
