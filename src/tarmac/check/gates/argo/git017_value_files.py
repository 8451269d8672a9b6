"""Files of values that an Application takes of another of its sources are there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import App, applications
from tarmac.check.gates.views.argo.sources import Source
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files


class TakenFile(NamedTuple):
    """A file of values that one source takes of another."""

    app: App
    #: Where it is named.
    where: str
    named: str
    #: Below the root of the other source's repository.
    path: str
    source: Source


def check(files: Files) -> Iterator[Finding]:
    """Yield files of values that are below the path of their source, and named without it."""
    if not (every := list(_judged(files))):
        return
    there = {one.path for one in files.artifacts}
    roots_of = _roots(there)
    named: dict[str, list[str]] = {}
    for path in there:
        named.setdefault(posixpath.basename(path), []).append(path)
    for taken in every:
        folder = str(taken.source.path or "").strip("./")
        below = posixpath.normpath(f"{folder}/{taken.path}") if folder else ""
        roots = roots_of.get(below, [])
        if roots and not any(f"{root}{taken.path}" in there for root in roots):
            ref = taken.named.partition("/")[0]
            what = (
                f"{taken.app.title} takes {taken.named}, and {ref} is the root of its repository,"
            )
            said = f"{what} whatever `path` says: it is not found; write {ref}/{below}"
            yield Finding(taken.where, said)
        elif taken.path not in there and (path := _only(taken, named)):
            ref = taken.named.partition("/")[0]
            what = f"{taken.app.title} takes {taken.named} of the root of its repository, and here"
            said = f"{what} it is {path}: it is not found; write {ref}/{path}"
            yield Finding(taken.where, said, warning=True)


def _only(taken: TakenFile, named: Mapping[str, list[str]]) -> str:
    """Find the one file that is called as its Application, where no root can be that of both."""
    own = taken.where.partition(":")[0]
    name = posixpath.basename(taken.path)
    if posixpath.splitext(name)[0] != taken.app.name:
        return ""
    found = [path for path in named.get(name, ()) if path != own]
    is_root = any(path.endswith(f"/{taken.path}") for path in found) and "/" in taken.path
    return found[0] if len(found) == 1 and not is_root and not taken.source.path else ""


def _roots(paths: set[str]) -> dict[str, list[str]]:
    """Find what is before each end of a path, by that end."""
    found: dict[str, list[str]] = {}
    for path in paths:
        steps = path.split("/")
        for number in range(len(steps)):
            end = "/".join(steps[number:])
            found.setdefault(end, []).append(path.removesuffix(end))
    return found


@once
def _judged(files: Files) -> Iterator[TakenFile]:
    for app in applications(files):
        refs = {str(one.data["ref"]): one for one in app.sources if one.data.get("ref")}
        for number, source in enumerate(app.sources if refs else ()):
            for place, named in enumerate(map(str, source.value_files)):
                ref, _, path = named.removeprefix("$").partition("/")
                if named.startswith("$") and ref in refs and path and "{{" not in named:
                    at = ("spec", "sources", number, "helm", "valueFiles", place)
                    yield TakenFile(app, app.at(*at), named, path, refs[ref])


GATE = Gate(
    id="GIT017",
    title="Files of values that an Application takes of another source are there",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/multiple_sources: $ref is the root "
    "of the repository, and not the path of that source",
    check=check,
    of_files=check,
    scope=counted_in_files("files of values of another source", _judged),
    targets=(),
    reads="valueFiles of Applications with several sources, beside the files here; that one of the "
    "Application's name is in another folder is a warning. Judges files without a plan only.",
)
