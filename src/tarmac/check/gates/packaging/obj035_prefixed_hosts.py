"""Addresses of Services follow the prefix that a kustomization gives to names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_HOST = re.compile(r"(?:\w+://(?:[^@/\s]*@)?)?([a-z][a-z0-9-]*)(:\d+)?(/\S*)?")
_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
#: A variable whose value is a host, where the value alone does not say so.
_NAMED = re.compile(r"(?i).*(host|addr|url|uri|endpoint|server|broker|upstream).*")


def check(files: Files) -> Iterator[Finding]:
    """Yield variables with the name that a Service had before it got its prefix."""
    ends = set(_ends(files))
    services = {(space_of(one), name_of(one)) for one in files.objects("Service")}
    for own in pods(files) if ends else ():
        space = space_of(own.artifact)
        for container in own.containers:
            for number, variable in enumerate(container.variables):
                found = _HOST.fullmatch(str(variable.value or ""))
                is_host = found and (
                    "//" in found[0] or found[2] or _NAMED.match(str(variable.name))
                )
                if not found or not is_host or (space, found[1]) in services:
                    continue
                names = (f"{prefix}{found[1]}{suffix}" for prefix, suffix in sorted(ends))
                if there := next((name for name in names if (space, name) in services), None):
                    what = (
                        f"{title(own.artifact)} asks {found[1]} ({variable.name}), which is called"
                    )
                    advice = f"{there} by its kustomization: values keep the old name; replace it"
                    yield Finding(container.at("env", number), f"{what} {advice} by `replacements`")


@once
def _ends(files: Files) -> Iterator[tuple[str, str]]:
    """Yield what kustomizations put before and behind the names of their objects."""
    for one in files.artifacts:
        if one.path.rpartition("/")[2] in _FILES:
            prefix, suffix = string(one.data, "namePrefix"), string(one.data, "nameSuffix")
            if prefix or suffix:
                yield prefix, suffix


GATE = Gate(
    id="OBJ035",
    title="Addresses of Services follow the prefix of their kustomization",
    phase="kubernetes",
    source="https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/nameprefix: "
    "references between objects are changed, and values of variables are not",
    check=check,
    of_files=check,
    scope=counted_in_files("kustomizations with a prefix or suffix", _ends),
    reads="variables of pods that are hosts or addresses beside the Services that kustomizations "
    "make. Needs kubectl or kustomize.",
)
