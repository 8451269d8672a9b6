"""Experiments of Chaos Mesh do something: they find pods, and have what their kind needs."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.objects.indexes import LabelIndex
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, space_of, title
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

API = "chaos-mesh.org"
_PAUSED = "experiment.chaos-mesh.org/pause"


def check(files: Files) -> Iterator[Finding]:
    """Yield experiments that change nothing."""
    index = LabelIndex(pods(files), lambda own: own.labels)
    spaces = {space_of(own.artifact) for own in index.things}
    for artifact in _experiments(files):
        for path, what in _faults(artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")
        for kind, path, spec in experiments(artifact):
            for at, what in (*_settings(kind, spec), *_unmounted(kind, spec, index)):
                yield Finding(artifact.at(*path, *at), f"{title(artifact)} {what}")
            for key in ("selector", "target"):
                yield from _selects(artifact, (*path, key), fields(spec, key), index, spaces)


def _experiments(files: Files) -> list[Artifact]:
    return [one for one in files.objects() if group_of(one) == API and "spec" in one.data]


def experiments(artifact: Artifact) -> Iterator[tuple[str, Path, Fields]]:
    """Yield each fault of an object, by its kind: its own, those of a schedule or a workflow."""
    kind, spec = kind_of(artifact).partition(".")[0], fields(artifact.data, "spec")
    keys: dict[str, str] = published("chaos")["keys"]
    if kind in keys.values():
        yield kind, ("spec",), spec
    for key, of in keys.items():
        if kind == "Schedule" and key in spec:
            yield of, ("spec", key), fields(spec, key)
        for number, template in enumerate(items(spec, "templates") if kind == "Workflow" else ()):
            if key in fields(template):
                yield of, ("spec", "templates", number, key), fields(template, key)


def _faults(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    spec, kind = fields(artifact.data, "spec"), kind_of(artifact).partition(".")[0]
    keys: dict[str, str] = published("chaos")["keys"]
    noted = fields(artifact.data, "metadata", "annotations")
    if str(noted.get(_PAUSED)) == "true":
        yield ("metadata", "annotations"), f"is paused by {_PAUSED}, so it never begins; remove it"
    if kind == "Schedule":
        asked = string(spec, "type")
        key = next((key for key, of in keys.items() if of == asked), "")
        if key and key not in spec:
            given = ", ".join(one for one in spec if one in keys) or "none"
            what = f"is of the type {asked} and has no {key} (it has {given}), so nothing is made"
            yield ("spec", "type"), f"{what}; write it"
        length = duration_s(dig(spec, key, "duration")) if key else None
        every = string(spec, "schedule")
        if length and every.startswith("@every ") and string(spec, "concurrencyPolicy") == "Forbid":
            apart = duration_s(every.removeprefix("@every ").strip())
            if apart and length > apart:
                what = f"begins every {every[7:]} and lasts longer: the next one is left out"
                yield ("spec", "schedule"), f"{what}; give it less time"
    if kind == "Workflow":
        names = {string(one, "name") for one in items(spec, "templates")}
        for path, name in _named(spec):
            if name not in names:
                there = ", ".join(sorted(names)) or "none"
                yield path, f"names the template {name}, which it does not have; there are: {there}"


def _named(spec: Fields) -> Iterator[tuple[Path, str]]:
    if entry := string(spec, "entry"):
        yield ("spec", "entry"), entry
    for number, template in enumerate(items(spec, "templates")):
        for place, child in enumerate(items(template, "children")):
            yield ("spec", "templates", number, "children", place), str(child)


def _settings(kind: str, spec: Fields) -> Iterator[tuple[Path, str]]:
    """Yield what an action needs and lacks, and values that take nothing."""
    action = string(spec, "action")
    needed = published("chaos")["needed"].get(kind, {}).get(action, ())
    if needed and not any(dig(spec, *one.split(".")) not in (None, "", {}) for one in needed):
        which = f"has the action {action} and" if action else "has"
        what = f"{which} no {' or '.join(needed)}, so it changes nothing"
        yield (("action",) if action else ()), f"{what}; write it"
    mode, value = string(spec, "mode"), spec.get("value")
    if mode in ("fixed", "fixed-percent", "random-max-percent") and value in (None, "", "0", 0):
        yield ("mode",), f"has the mode {mode} and no value, so it is of no pod; write `value`"
    is_of_two = kind == "NetworkChaos" and string(spec, "direction") in ("both", "from")
    if is_of_two and not fields(spec, "target") and not items(spec, "externalTargets"):
        what = f"has the direction {spec['direction']} and no target, which is refused"
        yield ("direction",), f"{what}; write `target`"
    if is_of_two and items(spec, "externalTargets") and action != "partition":
        what = f"has externalTargets and the direction {spec['direction']}, which is refused for"
        yield ("direction",), f"{what} the action {action}; write to"
    for key in ("loss", "corrupt", "duplicate"):
        share = str(dig(spec, key, key) or "")
        if key in spec and share in ("", "0"):
            yield (key,), f"has {key} of {share or 'nothing'}, so it changes nothing; write e.g. 25"


def _unmounted(kind: str, spec: Fields, index: LabelIndex[Pods]) -> Iterator[tuple[Path, str]]:
    """Yield a place of a fault on files at which no volume of the chosen pods is mounted."""
    place, labels = string(spec, "volumePath").rstrip("/"), fields(spec, "labelSelectors")
    labels = fields(spec, "selector", "labelSelectors") or labels
    spaces = set(map(str, items(spec, "selector", "namespaces")))
    if kind != "IOChaos" or not place or not labels:
        return
    found = index.selected({"matchLabels": labels})
    own = [one for one in found if not spaces or space_of(one.artifact) in {"", *spaces}]
    mounted = {
        str(mount.path).rstrip("/")
        for one in own
        for container in one.main_containers
        for mount in container.mounts
    }
    if mounted and place not in mounted:
        above = sorted(path for path in mounted if path and place.startswith(f"{path}/"))
        what = f"names the volumePath {place}, at which its pods mount no volume: the fault cannot"
        advice = f"write {above[-1]}" if above else f"there are: {', '.join(sorted(mounted))}"
        yield ("volumePath",), f"{what} be injected; {advice}"


def _selects(
    artifact: Artifact, path: Path, holder: Fields, index: LabelIndex[Pods], spaces: set[str]
) -> Iterator[Finding]:
    """Yield selectors of which no pod is found, where the pods of the namespace are here."""
    selector = fields(holder, "selector") if path[-1] == "target" else holder
    labels = fields(selector, "labelSelectors")
    asked = set(map(str, items(selector, "namespaces"))) or {space_of(artifact)}
    if not labels:
        return
    told = ", ".join(f"{key}={value}" for key, value in labels.items())
    there = {space_of(own.artifact) for own in index.selected({"matchLabels": labels})}
    if not items(selector, "namespaces") and not {"", *asked} & there and there and "" not in asked:
        what = f"{title(artifact)} names no namespace, so it is of pods in its own, {min(asked)}"
        why = f"and those of {told} are in {', '.join(sorted(there))}: it does nothing"
        yield Finding(artifact.at(*path), f"{what}, {why}; write `namespaces`", warning=True)
    elif not there & asked and asked <= spaces:
        where = ", ".join(sorted(asked - {""})) or "its own namespace"
        what = f"{title(artifact)} is of pods of {told} in {where}, which are not there"
        yield Finding(artifact.at(*path), f"{what}; write labels of a pod template")


GATE = Gate(
    id="CHS002",
    title="Experiments of Chaos Mesh change something",
    phase="resilience",
    source="https://chaos-mesh.org/docs/define-chaos-experiment-scope: an experiment that selects "
    "no pod, or has no fault of its type, ends well and has shown nothing",
    check=check,
    of_files=check,
    scope=counted_in_files("experiments", _experiments),
    targets=(),
    reads="selectors beside the pods of those namespaces that are in these files, actions, modes, "
    "schedules and workflows of chaos-mesh.org. Judges files without a plan only.",
)
