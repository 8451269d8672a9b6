"""A mesh is installed with a profile that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.errors import did_you_mean
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig
from tarmac.gates._published import published
from tarmac.gates._scripts import commands
from tarmac.report import Finding

_INSTALL = re.compile(
    r"\bistioctl\b.*?(?:--set[ =]\"?profile=|\bprofile\s+(?:dump|diff)\s+)([\w./-]+)"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield profiles that istioctl does not have."""
    for command in commands(files):
        if found := _INSTALL.search(command.text):
            yield from _profile(command.where, found[1])
    for artifact in files.objects("IstioOperator"):
        if name := dig(artifact.data, "spec", "profile"):
            yield from _profile(artifact.at("spec", "profile"), str(name))


def _profile(where: str, name: str) -> Iterator[Finding]:
    known = published("istio")
    if name not in known["profiles"] and "/" not in name:  # a path is a profile of one's own
        near = did_you_mean(name, known["profiles"])
        yield Finding(
            where,
            f"istioctl has no profile '{name}', and installs nothing; {near}. Its makers advise "
            f"`{known['advised']}` for production ({known['source']})",
        )


GATE = Gate(
    id="MSH001",
    title="The mesh's profile is one that istioctl has",
    phase="mesh",
    source="https://istio.io/latest/docs/setup/additional-setup/config-profiles",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="`istioctl ... --set profile=` in scripts, make's recipes and pipelines, and "
    "`profile` of IstioOperator objects.",
)
