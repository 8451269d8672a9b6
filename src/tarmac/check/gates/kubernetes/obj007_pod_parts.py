"""The parts of a pod fit together: mounts and volumes, probes, variables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.templated import is_templated
from tarmac.check.gates.views.objects.leaves import leaves
from tarmac.check.gates.views.objects.text_forms import is_replaced
from tarmac.check.gates.views.overlays.completed import is_completed
from tarmac.check.gates.views.overlays.parts import is_part
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.read_files import is_read

#: How a probe may ask.
WAYS = frozenset({"httpGet", "tcpSocket", "grpc", "exec"})
HOOKS = WAYS | {"sleep"}
#: A variable in the value of another; `$$(` is a text.
_NAMED = re.compile(r"(?<!\$)\$\((\w+)\)")
#: Below the root, or on Windows: of a drive, or of pipes and shares.
_ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]|\\\\")
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")

#: What stands at a volume and belongs to its mount: no source, and refused by the schema.
_OF_MOUNTS = {"mountPath", "subPath", "readOnly"}
_LEFT = re.compile(r" has (a \w+Probe with no handler|no image);")


def check(files: Files) -> Iterator[Finding]:
    """Yield parts of pods that name nothing, are empty, or are there twice."""
    for own in pods(files):
        # A program fills in an empty image, and more beside it.
        is_filled = any(not one.image and _names_image(own, one) for one in own.containers)
        is_open = is_filled or is_part(own.artifact) or is_completed(files, own.artifact)
        is_open = is_open or is_read(files, own.artifact.path)
        for where, what in misfits(own):
            # A chart's own values leave it open, and others give it.
            is_left = is_templated(own.artifact) and _LEFT.search(what) is not None
            yield Finding(where, f"{own.kind} {own.name}: {what}", warning=is_open or is_left)


def _names_image(own: Pods, container: Container) -> bool:
    at = (*container.path, "image")
    return "image" in container.data or at in own.artifact.lines or at in own.artifact.places


def _pods(files: Files) -> Iterator[Pods]:
    return pods(files)


def misfits(own: Pods) -> Iterator[tuple[str, str]]:
    """Yield where a part of a pod does not fit the others, and why."""
    claims = {
        text(claim, "metadata", "name")
        for claim in items(own.artifact.data, "spec", "volumeClaimTemplates")
    }
    volumes = {volume.name for volume in own.spec.volumes}
    mounted = {mount.volume for container in own.containers for mount in container.mounts}
    known = volumes | claims
    if mounted - known:  # controllers of others give their pods what the whole object claims
        known |= {
            value
            for path, value in leaves(own.artifact.data)
            if path[-1] == "name" and any(str(key).startswith("volumeClaim") for key in path)
        }
    for container in own.containers:
        for path, what in _container(container, known):
            yield container.at(*path), f"{container.title} {what}"
    for number, volume in enumerate(own.spec.volumes):
        where = own.at("volumes", number)
        if not volume.kinds:
            what = "has no source, so it is an empty folder that ends with the pod"
            yield where, f"volume {volume.name} {what}; write one, emptyDir if that is meant"
        elif len(sources := volume.kinds - _OF_MOUNTS) > 1:
            yield where, f"volume {volume.name} has {len(sources)} sources; keep one"
        if volume.name not in mounted:
            what = "is not mounted by any container; mount it, or remove it"
            yield where, f"volume {volume.name} {what}"
    for claim in claims - mounted:
        what = "is not mounted by any container, so its data is not kept; mount it"
        yield own.artifact.at("spec", "volumeClaimTemplates"), f"claim {claim} {what}"
    names = Counter(container.name for container in own.containers)
    for name, times in names.items():
        if times > 1:
            yield own.at("containers"), f"{times} containers are named {name}; rename one"


def _container(container: Container, volumes: set[str | None]) -> Iterator[tuple[Path, str]]:
    data = container.data
    if not container.image:
        yield (), "has no image; write one"
    for number, mount in enumerate(container.mounts):
        path = ("volumeMounts", number)
        if mount.volume not in volumes:
            yield path, f"mounts {mount.volume}, which is not a volume of its pod; add the volume"
        if not _ABSOLUTE.match(mount.path) and not is_replaced(mount.path):
            yield path, f"mounts at {mount.path!r}, which is not an absolute path; write one"
    yield from _twice(container)
    yield from _variables(data)
    for name in PROBES:
        if name in data:
            yield from _one_way((name,), fields(data, name), WAYS)
    for name, hook in fields(data, "lifecycle").items():
        if name in ("preStop", "postStart"):
            yield from _one_way(("lifecycle", name), hook or {}, HOOKS)


def _variables(data: Fields) -> Iterator[tuple[Path, str]]:
    names = [text(variable, "name") for variable in items(data, "env")]
    for number, variable in enumerate(items(data, "env")):
        for asked in _NAMED.findall(str(variable.get("value"))):
            if asked in names[number + 1 :] and asked not in names[:number]:
                what = (
                    f"sets {names[number]} by $({asked}), which is set below it and stays as it is"
                )
                yield ("env", number), f"{what} written; set {asked} above"
    for number, variable in enumerate(items(data, "env")):
        name = text(variable, "name")
        if "value" not in variable and not fields(variable, "valueFrom"):
            yield ("env", number), f"sets {name} without a value; write `value` or `valueFrom`"
        elif variable.get("value") and fields(variable, "valueFrom"):
            what = f"sets {name} twice, by `value` and by `valueFrom`, which is refused"
            yield ("env", number), f"{what}; keep one"
    for number, source in enumerate(items(data, "envFrom")):
        if not source.keys() & {"configMapRef", "secretRef"}:
            yield ("envFrom", number), "has `envFrom` without a source; name a ConfigMap or Secret"


def _twice(container: Container) -> Iterator[tuple[Path, str]]:
    for key, found in (
        ("volumeMounts", [mount.path for mount in container.mounts]),
        ("ports", [port.name for port in container.ports if port.name]),
    ):
        for value, times in Counter(found).items():
            if times > 1:
                yield (key,), f"has {value} {times} times in {key}: the last one counts; keep one"
    given: dict[str, list[Fields]] = {}
    for one in items(container.data, "env"):
        given.setdefault(str(one.get("name")), []).append(one)
    several = [name for name, all_of in given.items() if any(one != all_of[0] for one in all_of)]
    if several:
        rest = f" and {len(several) - 1} more" if len(several) > 1 else ""
        what = f"has {several[0]}{rest} {len(given[several[0]])} times in env, with other values"
        is_meant = all(map(_is_optional, (one for name in several for one in given[name][:-1])))
        why = ", and the first is optional" if is_meant else ""
        yield ("env",), f"{what}{why}: the last one counts; keep one"
    for name, all_of in given.items():
        if len(all_of) > 1 and name not in several:
            yield (
                ("env",),
                f"has {name} {len(all_of)} times in env, with one value: keep one of them",
            )


def _is_optional(variable: Fields) -> bool:
    """Tell whether a variable may be without its source: a later one is in its place then."""
    return any(
        dig(variable, "valueFrom", key, "optional") is True
        for key in ("secretKeyRef", "configMapKeyRef")
    )


def _one_way(path: Path, data: Fields, ways: frozenset[str]) -> Iterator[tuple[Path, str]]:
    found = sorted(data.keys() & ways)
    if len(found) != 1:
        kinds = f"{' and '.join(found)}" if found else "no handler"
        yield path, f"has a {path[-1]} with {kinds}; write one of {', '.join(sorted(ways))}"
    elif found == ["httpGet"] and text(data, "httpGet", "path") is None:
        yield path, f"has a {path[-1]} without a path, which requests /; write the path"
    elif found == ["exec"] and not items(data, "exec", "command"):
        yield path, f"has a {path[-1]} that runs no command; write it"


GATE = Gate(
    id="OBJ007",
    title="The parts of a pod fit together",
    phase="kubernetes",
    source="an API server rejects a mount without a volume; a volume without a source, and a "
    "variable without a value, it takes, and the program finds nothing there",
    check=check,
    of_files=check,
    scope=counted_in_files("pods", _pods),
    reads="volumes and their mounts, probes, hooks and variables of all pods.",
)
