"""Compose files agree with themselves: volumes, secrets, waits and addresses are declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.compose_faults import faults
from tarmac.gates.views.compose_files import DECLARED, ComposeFiles, compose_files, named
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield what Docker refuses in Compose files, and what does other than it says."""
    for beside in compose_files(files):
        for artifact in beside.artifacts:
            keys = artifact.data.keys() & {"services", "include", "name", *DECLARED}
            if keys and not {"services", "include"} & keys and len(beside.artifacts) == 1:
                yield Finding(artifact.at(), "has no services, so nothing runs; write some")
        for service in beside.services:
            for path, what in faults(service, beside):
                yield Finding(service.at(*path), f"service {service.name} {what}")
        yield from _declarations(beside)


def _declarations(beside: ComposeFiles) -> Iterator[Finding]:
    used = Counter((key, name) for one in beside.services for _, key, name in named(one))
    for key in DECLARED:
        for name, (artifact, _) in beside.declared(key).items():
            which, at = f"{key.removesuffix('s')} {name}", artifact.at(key, name)
            if not used[key, name] and name != "default" and beside.services and beside.is_whole:
                yield Finding(at, f"{which} is declared, and no service uses it; remove it")
            if beside.is_empty(key, name):
                yield Finding(at, f"{which} has no content; write `file` or `environment`")


GATE = Gate(
    id="IMG015",
    title="Compose files declare what their services name",
    phase="containers",
    source="https://docs.docker.com/reference/compose-file: an undeclared volume stops `up`; a "
    "store without one loses its data with its container, and a lost `depends_on` starts too early",
    check=check,
    of_files=lenient(
        check, "no service uses", "has no healthcheck", "does not wait", "calls ", "keeps its data"
    ),
    scope=counted_in_files(
        "services of Compose files",
        lambda files: (one for beside in compose_files(files) for one in beside.services),
    ),
    targets=("compose",),
    reads="files that are called compose.yaml or docker-compose.yml, together with the others of "
    "their folder; addresses of the form scheme://host:port in variables. With `include`, what is "
    "not declared may be elsewhere, and is not judged.",
)
