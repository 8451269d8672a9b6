"""Dockerfiles: pinned bases, no secret in the history, no root, signals that reach the program."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.dockerfile_rules import findings
from tarmac.gates.views.dockerfile_runtime import runtime_faults
from tarmac.gates.views.dockerfiles import dockerfiles
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding

#: In files without a plan: what Kubernetes does not read, what a pod may say, what may be meant.
UNUSUAL = (
    "has no USER",
    "has no HEALTHCHECK",
    "HEALTHCHECK asks",
    "^starts what",
    "is no number",
    "base is not known",
    "line for a shell",
    "^adds what",
)


def check(files: Files) -> Iterator[Finding]:
    """Yield what is wrong with any Dockerfile."""
    for dockerfile in dockerfiles(files):
        yield from findings(dockerfile.path, str(dockerfile.content))
        for line, what in runtime_faults(str(dockerfile.content)):
            yield Finding(f"{dockerfile.path}:{line}", what)


GATE = Gate(
    id="IMG014",
    title="A Dockerfile pins its bases, keeps no secret, and runs as a user that is not root",
    phase="containers",
    source="https://docs.docker.com/build/building/best-practices: what an ENV or ARG holds stays "
    "in the history, a moving base is another image each day, a shell keeps signals to itself",
    check=check,
    scope=counted_in_files("Dockerfiles", dockerfiles),
    of_files=lenient(check, *UNUSUAL),
    reads="FROM with its ARGs, ENV, ARG, ADD, RUN, and USER, EXPOSE, HEALTHCHECK, CMD and "
    "ENTRYPOINT of the last stage.",
)
