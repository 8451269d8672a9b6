"""Identity: no object twice, and only valid names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.metadata import (
    group_of,
    kind_of,
    metadata,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.scope import kinds

#: RFC 1123: a label of 63 characters; most kinds take a whole DNS name, a Service one label.
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
LABELLED = ("Service", "Namespace", "Deployment", "StatefulSet", "Job", "CronJob")
#: A CronJob's jobs have eleven characters more.
CRON_LONGEST = 52
#: How long a name may be by what its controller makes of it, where an API server takes more; the
#: groups and kinds, and what becomes of a longer one.
LONGEST = {
    ("apps", "StatefulSet"): (
        52, "its pods get a label of it with eleven characters more, so each pod is refused",
    ),
    ("batch", "CronJob"): (CRON_LONGEST, "its Jobs have eleven characters more, so it is refused"),
    ("batch", "Job"): (63, "its pods get the name as a label, so it is refused"),
    ("", "Service"): (63, "it is one label of a DNS name, so it is refused"),
    ("", "Namespace"): (63, "it is one label of a DNS name, so it is refused"),
    ("argoproj.io", "CronWorkflow"): (
        52, "its Workflows have eleven characters more, so its controller starts none",
    ),
    ("postgresql.cnpg.io", "Cluster"): (
        50, "its Services and pods have more characters, so its webhook refuses it",
    ),
}  # fmt: skip
#: The hash of a revision has ten digits mostly, and eight at least but for one in a hundred.
_SHORT_HASH = 2
#: Of two that are the same, one may be forgotten to be given its name.
_STEPS = 3
#: What chooses the clusters or namespaces that Config Sync gives an object to.
_CHOOSE = (
    "configmanagement.gke.io/namespace-selector",
    "configmanagement.gke.io/cluster-selector",
    "configsync.gke.io/cluster-name-selector",
)
#: What is filled in later.
_OPEN = re.compile(r"[{$]")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objects of one identity in two files, and names that would be rejected."""
    seen: dict[tuple[str, str, str, str], str] = {}
    for artifact in subject.objects():
        group, kind, name = group_of(artifact), kind_of(artifact), name_of(artifact)
        key = (group, kind, metadata(artifact).namespace or "", name)
        if key in seen:
            yield Finding(
                artifact.path,
                f"{title(artifact)} is also in {seen[key]}: the last one applied wins; remove one",
            )
        seen.setdefault(key, artifact.path)
        pattern = LABEL if kind in LABELLED else NAME
        # RBAC's names are paths and may hold colons.
        if not pattern.fullmatch(name) and "rbac" not in group:
            yield Finding(
                artifact.path, f"{kind} cannot be named '{name}'; use a-z, 0-9 and -, 63 at most"
            )
        if kind == "CronJob" and len(name) > CRON_LONGEST:
            yield Finding(
                artifact.path,
                f"{title(artifact)}: the name is longer than {CRON_LONGEST}; shorten it",
            )


def of_files(files: Files) -> Iterator[Finding]:
    """Yield objects that are twice in one file or folder, and names that are too long."""
    yield from _too_long(files)
    told: dict[str, list[tuple[str, ...]]] = {}
    for artifact in files.objects():
        told.setdefault(artifact.path, []).append(_key(artifact))
    # A file of nothing else shows what becomes of one object, step by step.
    steps = {path for path, own in told.items() if len(own) >= _STEPS and len({*own}) == 1}
    for one, other in _twice(files):
        place = other.at("metadata", "name")
        what = f"{title(one)} is also in {place}: the last one applied wins"
        # Two files may be two examples, or a choice; and the same words twice do no harm, as of a
        # namespace that each part brings along. What Knative serves is a revision each time.
        is_revision = group_of(one) == "serving.knative.dev"
        meant = other.data == one.data or one.path != other.path or is_revision
        meant = meant or one.path in steps
        yield Finding(one.at("metadata", "name"), f"{what}; remove one", warning=meant)


def _too_long(files: Files) -> Iterator[Finding]:
    for artifact in files.objects(*(kind for _, kind in LONGEST)):
        key = (group_of(artifact), str(artifact.data.get("kind")))
        most, why = LONGEST.get(key, (0, ""))
        name = name_of(artifact)
        if most and len(name) > most and not _OPEN.search(name):
            is_near = key[1] == "StatefulSet" and len(name) <= most + _SHORT_HASH
            what = f"{title(artifact)} has a name of {len(name)} characters: {why}"
            where = artifact.at("metadata", "name")
            yield Finding(where, f"{what}; write {most} at most", warning=is_near)


def _twice(files: Files) -> Iterator[tuple[Artifact, Artifact]]:
    """Yield each object that is there once more, with the first one."""
    seen: dict[tuple[str, ...], Artifact] = {}
    for artifact in files.objects():
        other = seen.setdefault(_key(artifact), artifact)
        if name_of(artifact) and other is not artifact:
            yield artifact, other


def _key(artifact: Artifact) -> tuple[str, ...]:
    folder, kind = artifact.path.rpartition("/")[0], kind_of(artifact)
    own = (folder, group_of(artifact), kind, space_of(artifact), name_of(artifact))
    return (*own, *(text(artifact.data, "metadata", "annotations", key) or "" for key in _CHOOSE))


GATE = Gate(
    id="OBJ003",
    title="Object names are unique and valid",
    phase="kubernetes",
    source="Kubernetes: Object Names and IDs",
    check=check,
    of_files=of_files,
    scope=kinds("objects"),
    reads="apiVersion's group, kind, namespace and name of every object. Of files "
    "without a plan: objects that are twice in one folder, and names that are too long for what a "
    "controller makes of them.",
)
