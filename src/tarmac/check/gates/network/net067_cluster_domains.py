"""Full names of Services end as those of a cluster do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.typos import typos

_DOMAIN = "cluster.local"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
#: A Service, its namespace, and what follows them.
_WHOLE = re.compile(rf"\b({_LABEL}\.{_LABEL}\.svc)\.([a-z]+(?:\.[a-z]+)*)(?![\w.-]*\w)")
_MISSPELT = re.compile(
    rf"\b({_LABEL}\.{_LABEL})\.(scv|vsc|csv|svcs|svs|sv|sc|services?)\.cluster\.local\b"
)


class FullName(NamedTuple):
    """A text of an object that has the full name of a Service in it."""

    artifact: Artifact
    path: Path
    name: str
    #: What it is to be; empty: it is that.
    meant: str


def check(files: Files) -> Iterator[Finding]:
    """Yield names that no DNS of a cluster knows, by a typo at their end."""
    for one in _names(files):
        if one.meant:
            what = f"{title(one.artifact)} names {one.name}, and Services' names end in"
            said = f"{what} .svc.{_DOMAIN}: it is not found; did you mean {one.meant}?"
            yield Finding(one.artifact.at(*one.path), said)


@once
def _names(files: Files) -> Iterator[FullName]:
    for artifact in files.objects():
        for path, text in places(artifact.data):
            if ".cluster" not in text and ".svc." not in text:
                continue
            for beginning, rest in _WHOLE.findall(text):
                # A list of all names that something has may have shorter ones.
                is_alone = text.count(beginning) == 1 and kind_of(artifact) != "Certificate"
                is_cut = rest == "cluster" and is_alone
                is_typo = is_cut or bool([*typos({_DOMAIN: 2, rest: 1}, ())])
                meant = f"{beginning}.{_DOMAIN}" if is_typo else ""
                yield FullName(artifact, path, f"{beginning}.{rest}", meant)
            for beginning, word in _MISSPELT.findall(text):
                meant = f"{beginning}.svc.{_DOMAIN}"
                yield FullName(artifact, path, f"{beginning}.{word}.{_DOMAIN}", meant)


GATE = Gate(
    id="NET067",
    title="Full names of Services end as those of a cluster do",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/dns-pod-service: a Service is "
    "found by name.namespace.svc.cluster.local, unless the cluster has another domain",
    check=check,
    of_files=check,
    scope=counted_in_files("full names of Services", _names),
    targets=("cluster",),
    reads="all texts of objects: names with `.svc.` and with `.cluster.local`. Another domain than "
    "cluster.local may be a cluster's own; one character too many, too few or moved is a typo.",
)
