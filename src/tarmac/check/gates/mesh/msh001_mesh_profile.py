"""A mesh is installed with an existing profile."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.mesh import mesh_profile
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_INSTALL = re.compile(
    r"\bistioctl\b.*?(?:--set[ =]\"?profile=|\bprofile\s+(?:dump|diff)\s+)(\w[\w./-]*|\.[\w./-]+)"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield profiles that istioctl does not have."""
    for where, name in _named(files):
        yield from _profile(where, name)


def _profile(where: str, name: str) -> Iterator[Finding]:
    known = published("istio")
    if name not in known["profiles"] and "/" not in name:  # a path is a profile of one's own
        near = did_you_mean(name, known["profiles"])
        yield Finding(
            where,
            f"istioctl has no profile '{name}', and installs nothing; {near}. Istio advises "
            f"`{known['advised']}` for production ({known['source']})",
        )


@once
def _named(files: Files) -> Iterator[tuple[str, str]]:
    """Yield each profile that is named, by its place."""
    for command in commands(files):
        if found := _INSTALL.search(command.text):
            yield command.where, found[1]
    for artifact in files.objects("IstioOperator"):
        if name := mesh_profile(artifact):
            yield artifact.at("spec", "profile"), name


GATE = Gate(
    id="MSH001",
    title="The mesh profile exists in istioctl",
    phase="mesh",
    source="https://istio.io/latest/docs/setup/additional-setup/config-profiles",
    check=check,
    scope=counted_in_files("profiles", _named),
    of_files=check,
    alone=True,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="`istioctl ... --set profile=` in scripts, make's recipes and pipelines, and "
    "`profile` of IstioOperator objects.",
)
