"""Each object is of one Application: two that bring it take it from each other."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import App
from tarmac.check.gates.views.argo.followed import followed
from tarmac.check.gates.views.objects.metadata import CLUSTER_WIDE
from tarmac.check.gates.views.overlays.kustomized import Base, as_written, gather
from tarmac.check.gates.views.scope import counted_in_files

#: An object as a cluster tells it from others.
Key = tuple[str, str, str, str]
#: What an Application or a kustomization says that makes other objects of the files.
_CHANGING = frozenset({"kustomize", "helm", "plugin", "chart"})
_RENAMING = ("namePrefix", "nameSuffix", "patchesJson6902", "transformers", "components")
_MOST_TOLD = 3


class Brought(NamedTuple):
    """What an Application brings, and where that is said."""

    app: App
    where: str
    objects: dict[Key, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield pairs of Applications that bring one object to one cluster."""
    first: dict[tuple[str, Key], Brought] = {}
    for one in _brought(files):
        shared: dict[str, tuple[Brought, list[str]]] = {}
        for key, said in one.objects.items():
            other = first.setdefault((_cluster(one.app), key), one)
            if other.app.name != one.app.name:
                shared.setdefault(other.app.name, (other, []))[1].append(said)
        for before, names in shared.values():
            told = ", ".join(names[:_MOST_TOLD]) + (", ..." if len(names) > _MOST_TOLD else "")
            what = f"{one.app.title} brings {told}, and so does {before.app.title}: each takes it"
            advice = "from the other, and what prunes one removes it for both; leave it to one"
            yield Finding(one.where, f"{what} {advice}", warning=True)


def _cluster(app: App) -> str:
    where = dig(app.data, "spec", "destination") or {}
    found = str(dig(where, "server") or dig(where, "name") or "")
    # By this address, and name, each cluster calls itself: those of a folder are of one.
    is_own = found in ("", "in-cluster") or "kubernetes.default.svc" in found
    return f"{found} {posixpath.dirname(app.artifact.path)}" if is_own else found


def _brought(files: Files) -> Iterator[Brought]:
    own, by_path = as_written(files)
    for one in followed(files):
        app = one.app
        told = f"{_cluster(app)} {app.name} {app.space}"
        if "{" in told or any(_CHANGING & source.data.keys() for source in app.sources):
            continue
        kustomization = own.get(one.folder)
        if kustomization is not None:
            found = _built(files, one.folder, own, by_path)
            yield Brought(app, kustomization.at("resources"), _keys(found, app.space))
        else:
            whole = any(source.recursive for source in app.sources)
            plain = [
                artifact.data
                for artifact in one.sent
                if artifact.is_object
                and (whole or posixpath.dirname(artifact.path) == one.folder)
                and not any(source.include or source.exclude for source in app.sources)
            ]
            yield Brought(app, app.at("spec"), _keys(plain, app.space))


def _built(
    files: Files,
    folder: str,
    own: Mapping[str, Artifact],
    by_path: dict[str, list[Mapping[str, Any]]],
) -> list[Mapping[str, Any]]:
    """List what a kustomization makes, with the namespace it sets; nothing where names change."""
    base, seen = Base(), set[str]()
    gather(files, folder, own, by_path, base, seen)
    parts = [own[one].data for one in seen]
    changes = any(part.get(key) for part in parts for key in _RENAMING)
    space = string(own[folder].data, "namespace")
    if (
        changes
        or base.renames
        or "$patch" in str(parts)
        or (not space and any(part.get("namespace") for part in parts))
    ):
        return []
    kept = [
        one for one in base.objects
        if (str(one.get("kind")), string(one, "metadata", "name")) not in base.hashed
    ]  # fmt: skip
    set_here = {"namespace": space} if space else {}
    return [{**one, "metadata": {**fields(one, "metadata"), **set_here}} for one in kept]


def _keys(objects: list[Mapping[str, Any]], space: str) -> dict[Key, str]:
    found: dict[Key, str] = {}
    for one in objects:
        kind, name = string(one, "kind"), string(one, "metadata", "name")
        group = string(one, "apiVersion").rpartition("/")[0]
        within = "" if kind in CLUSTER_WIDE else string(one, "metadata", "namespace") or space
        is_made = kind not in ("Kustomization", "Component") or "fluxcd" in group
        if name and is_made and not any(sign in name for sign in "{$"):
            found.setdefault((group, kind, within, name), f"{kind} {name}")
    return found


def _judged(files: Files) -> Iterator[object]:
    yield from followed(files)


GATE = Gate(
    id="GIT011",
    title="Each object is of one Application",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#fail-the-sync-if-a-"
    "shared-resource-is-found: an object has one owner, so two Applications are in sync in turns",
    check=check,
    of_files=check,
    scope=counted_in_files("folders of Applications", _judged),
    targets=(),
    reads="objects in the folders that Applications follow here, by their kustomizations as they "
    "are written; not those of charts, and of what changes names. Judges files without a plan "
    "only.",
)
