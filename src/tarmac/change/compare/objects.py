"""Rendered files compared as data: which object, which keys, what it was and is.

An object is known by folder, kind, namespace and name; entries of a list by their `name`, or else
by what they hold, so that a new first entry is not a change of all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.change.compare.change import Verb
from tarmac.plan.cluster import ClusterPlan

NAME = "app.kubernetes.io/name"
#: The digest at the end of an object's name.
HASH = re.compile(r"-[0-9a-f]{6,16}$")


@dataclass(frozen=True)
class RenderedFile:
    """A rendered file, and what it is about."""

    #: What it is compared as: an object's folder, kind, namespace and name, or a file's path.
    identity: tuple[str, ...]
    artifact: Artifact
    #: Its kind in Kubernetes; empty for other files.
    kind: str
    name: str
    #: The workload that it belongs to; the system for all others.
    owner: str
    content: Any


@dataclass(frozen=True)
class FileDifference:
    """A difference of rendered files."""

    rendered: RenderedFile
    #: Keys from the top; none for a file as a whole.
    path: tuple[str, ...]
    old: Any
    new: Any

    @property
    def verb(self) -> Verb:
        """Whether it was added, removed or changed."""
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"

    @property
    def keys(self) -> str:
        """The keys as one text, without the name of the workload that it is about."""
        own = f"[{self.rendered.owner}]"
        return "".join(
            step if step.startswith("[") else f".{step}"
            for step in (key.replace(own, "[*]") for key in self.path)
        ).lstrip(".")


#: What is made of rules that are compared as objects: the same for other programs, and pages.
FOLLOWING = ("observability/rules/", "observability/tests/", "runbooks/")
#: Keys whose value says something as a whole only.
WHOLE = (("strategy",), ("updateStrategy",), ("metrics",))
#: The keys of a difference that is none of the data: comments, the order of keys and entries.
WRITING = ("formatting only",)

#: The same for one line of a file that is text.
LINE = ("line",)


#: Dashboards are drawn from what is told by itself: that one is another says enough. The object by
#: which Grafana finds it holds the same text.
DASHBOARDS, DASHBOARD = "observability/dashboards/", "grafana_dashboard"


def rendered_files(
    plan: ClusterPlan, artifacts: Iterable[Artifact]
) -> dict[tuple[str, ...], RenderedFile]:
    """Find out what each file is about."""
    names = {workload.name for workload in plan.workloads} | {store.name for store in plan.managed}
    telling = (artifact for artifact in artifacts if not artifact.path.startswith(FOLLOWING))
    found = [_rendered(plan, names, artifact) for artifact in telling if not _is_twin(artifact)]
    return {file.identity: file for file in found}


def _is_twin(artifact: Artifact) -> bool:
    meta = artifact.data.get("metadata")
    return isinstance(meta, Mapping) and DASHBOARD in (meta.get("labels") or {})


def _rendered(plan: ClusterPlan, names: set[str], artifact: Artifact) -> RenderedFile:
    content = artifact.content
    folder, _, file = artifact.path.rpartition("/")
    data = artifact.data
    meta = data.get("metadata")
    kind, about = str(data.get("kind", "")), meta if isinstance(meta, Mapping) else {}
    name = str(about.get("name", ""))
    if not (kind and name and artifact.is_object):
        steps = artifact.path.replace(".", "/").split("/")
        owner = next((step for step in steps if step in names), plan.system)
        return RenderedFile((artifact.path,), artifact, "", file, owner, content)
    label = str((about.get("labels") or {}).get(NAME, ""))
    space = str(about.get("namespace", ""))
    # All of a system's objects move with its namespace, which is reported once.
    space = "" if space == plan.namespace else space
    owner = label if label in names else plan.system
    if kind == "Job":  # each new one is named by a digest of what it runs
        name = HASH.sub("", name)
    return RenderedFile((folder, kind, space, name), artifact, kind, name, owner, content)


def file_differences(
    old: Mapping[tuple[str, ...], RenderedFile], new: Mapping[tuple[str, ...], RenderedFile]
) -> Iterator[FileDifference]:
    """Yield what differs, file by file in their order."""
    for identity in sorted({*old, *new}):
        was, now = old.get(identity), new.get(identity)
        if was is None or now is None:
            one = now or was
            if one is not None:
                yield FileDifference(one, (), was and was.content, now and now.content)
            continue
        if now.artifact.path.startswith(DASHBOARDS):
            found = []
        elif isinstance(was.content, str) or isinstance(now.content, str):
            found = list(_lines(now, str(was.content), str(now.content)))
        else:
            found = list(_objects(was, now))
        yield from found
        if not found and _written(was.artifact) != _written(now.artifact):
            yield FileDifference(now, WRITING, _written(was.artifact), _written(now.artifact))


def _objects(was: RenderedFile, now: RenderedFile) -> Iterator[FileDifference]:
    """Yield what differs in an object; a role's rules as a whole, for only all of them say much."""
    before, after = dict(was.content), dict(now.content)
    if now.kind.endswith("Role"):
        rules = before.pop("rules", []), after.pop("rules", [])
        if rules[0] != rules[1]:
            yield FileDifference(now, ("rules",), *rules)
    for path, old, new in _differ(before, after, ()):
        yield FileDifference(now, path, old, new)


def _lines(now: RenderedFile, old: str, new: str) -> Iterator[FileDifference]:
    """Yield the lines that only one side has."""
    before, after = (dict.fromkeys(content.splitlines()) for content in (old, new))
    yield from (FileDifference(now, LINE, line, None) for line in before if line not in after)
    yield from (FileDifference(now, LINE, None, line) for line in after if line not in before)


def _written(artifact: Artifact) -> str:
    """Write all that is in a file: order and notes are not data, but they are there."""
    return json.dumps([artifact.content, artifact.notes, artifact.executable], default=str)


def _differ(
    old: Any, new: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield the keys of what differs, and both values; None where there is none."""
    if type(old) is type(new) and old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping) and path[-1:] not in WHOLE:
        for key in sorted({*old, *new}, key=str):
            yield from _differ(old.get(key), new.get(key), (*path, str(key)))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and path[-1:] not in WHOLE:
        yield from _lists(old, new, path)
    else:
        yield path, old, new


def _lists(
    old: Iterable[Any], new: Iterable[Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    before, after = list(old), list(new)
    if not all(isinstance(entry, Mapping) for entry in (*before, *after)):
        yield path, before, after
        return
    named = [_by_name(side) for side in (before, after)]
    if named[0] is not None and named[1] is not None:
        for name in sorted({*named[0], *named[1]}):
            yield from _differ(named[0].get(name), named[1].get(name), (*path, f"[{name}]"))
        return
    gone, come = _without(before, after), _without(after, before)
    if len(gone) == len(come) == 1:
        yield from _differ(gone[0], come[0], (*path, "[]"))
        return
    for entry in gone:
        yield (*path, "[]"), entry, None
    for entry in come:
        yield (*path, "[]"), None, entry


def _by_name(entries: list[Any]) -> dict[str, Any] | None:
    found = {str(entry.get("name")): entry for entry in entries if entry.get("name") is not None}
    return found if len(found) == len(entries) else None


def _without(entries: list[Any], others: list[Any]) -> list[Any]:
    """Take out what the others have too, each once."""
    left = [json.dumps(other, sort_keys=True, default=str) for other in others]
    found = []
    for entry in entries:
        if (written := json.dumps(entry, sort_keys=True, default=str)) in left:
            left.remove(written)
        else:
            found.append(entry)
    return found
