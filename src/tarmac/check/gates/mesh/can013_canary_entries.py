"""A canary entry of nginx has the host and path of the entry that it takes requests from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_CANARY = "nginx.ingress.kubernetes.io/canary"


class EntryRule(NamedTuple):
    """A host with one of its paths, and where the host is."""

    artifact: Artifact
    at: Path
    host: str
    path: str


def check(files: Files) -> Iterator[Finding]:
    """Yield canaries to which nginx sends nothing, as no entry has their host and path."""
    main: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for artifact in files.objects("Ingress"):
        if not _is_canary(artifact):
            own = {(one.host, one.path) for one in _rules(artifact)}
            main.setdefault(place_of(artifact), set()).update(own)
    for one in _tried(files):
        beside = main.get(place_of(one.artifact), set())
        hosts = {host for host, _ in beside}
        if not beside or (one.host, one.path) in beside or any(map(is_mark, (one.host, one.path))):
            continue
        if one.host not in hosts:
            known = ", ".join(sorted(host or "no host" for host in hosts)[:3])
            lack, advice = f"the host {one.host or '(none)'}", f"write one of theirs: {known}"
        else:
            paths = sorted(path for host, path in beside if host == one.host)
            lack, advice = f"the path {one.path} of {one.host}", f"there is {', '.join(paths[:3])}"
        what = f"{title(one.artifact)} is a canary, and no other entry here has {lack}, so nginx"
        yield Finding(one.artifact.at(*one.at), f"{what} sends it nothing; {advice}")


@once
def _tried(files: Files) -> Iterator[EntryRule]:
    for artifact in files.objects("Ingress"):
        if _is_canary(artifact):
            yield from _rules(artifact)


def _is_canary(artifact: Artifact) -> bool:
    return str(metadata(artifact).annotations.get(_CANARY, "")).lower() == "true"


def _rules(artifact: Artifact) -> Iterator[EntryRule]:
    for number, rule in numbered(artifact.data, "spec", "rules"):
        at: Path = ("spec", "rules", number)
        for place, path in numbered(rule, "http", "paths"):
            own = at if "host" not in rule else (*at, "host")
            where = own if place == 0 else (*at, "http", "paths", place)
            yield EntryRule(artifact, where, string(rule, "host"), string(path, "path") or "/")


GATE = Gate(
    id="CAN013",
    title="A canary entry of nginx has the host and path of another entry",
    phase="gitops",
    source="https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/"
    "#canary: the canary is joined to the entry of the same host and path",
    check=check,
    of_files=check,
    scope=counted_in_files("canary entries", _tried),
    targets=("cluster",),
    reads="hosts and paths of Ingresses with nginx's annotation `canary`, beside the others of "
    "their namespace, where there are any.",
)
