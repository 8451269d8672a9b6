"""One thing has one owner: two that write it undo each other, and no client says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, string, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.claims import Claim, addresses, paths
from tarmac.check.gates.views.objects.indexes import LabelIndex, place_of
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of, space_of, title
from tarmac.check.gates.views.objects.references import SCALERS, reference, target_of
from tarmac.check.gates.views.objects.scaled import are_apart
from tarmac.check.gates.views.objects.scaling import Controller
from tarmac.check.gates.views.objects.selectors import labels_of, selects
from tarmac.check.gates.views.overlays.alternatives import are_alternatives
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds that make pods again when their selector finds too few or too many.
_COUNTING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
#: A vertical autoscaler in this mode says what it would do, and does nothing.
_IDLE = ("Off", "Initial")


def check(files: Files) -> Iterator[Finding]:
    """Yield each object that owns what another one of its place owns as well."""
    first: dict[Hashable, Claim] = {}
    for key, claim in _claims(files):
        # In another folder is another example, or the same thing of another environment.
        whole = (key, *place_of(claim.artifact))
        other = first.setdefault(whole, claim)
        both = {kind_of(other.artifact), kind_of(claim.artifact)}
        is_choice = are_alternatives(files, other.artifact, claim.artifact)
        if is_choice or both <= {*SCALERS}:  # SCL005's
            continue
        if _differ(other.artifact, claim.artifact):
            what = f"{title(claim.artifact)} and {title(other.artifact)} both {claim.what}"
            yield Finding(claim.artifact.at(*claim.path), f"{what}: {claim.why}; keep one")
    yield from _shared_hosts(files)
    yield from _shared_pods(files)
    yield from _budgets(files)


def _shared_hosts(files: Files) -> Iterator[Finding]:
    """Yield paths of a host that Ingresses of two folders or namespaces have.

    An entry serves all of them. What names no namespace may be of another cluster.
    """
    first: dict[Hashable, Claim] = {}
    for key, claim in paths(files):
        other = first.setdefault(key, claim)
        one, two = other.artifact, claim.artifact
        spaces = {space_of(one), space_of(two)}
        is_told = place_of(one) == place_of(two)  # as it is by what is above
        is_named = bool(name_of(one) and name_of(two))
        is_apart = is_told or not is_named or are_apart(one, two) or not _differ(one, two)
        # Examples beside each other are in the namespace default.
        if "" not in spaces and spaces != {"default"} and not is_apart:
            what = f"{title(two)} and {title(one)} of the namespace {space_of(one)} both"
            said = f"{what} {claim.what}: {claim.why}; keep one"
            yield Finding(two.at(*claim.path), said, warning=True)


def _differ(one: Artifact, other: Artifact) -> bool:
    return (kind_of(one), name_of(one)) != (kind_of(other), name_of(other))


def _claims(files: Files) -> Iterator[tuple[Hashable, Claim]]:
    for claims in (_sizes, addresses, _secrets):
        yield from claims(files)


def _sizes(files: Files) -> Iterator[tuple[Hashable, Claim]]:
    """Yield what changes the number or the size of a workload, by its measure."""
    why = "one adds pods while the other gives each of them more"
    for artifact in files.objects(*SCALERS, "VerticalPodAutoscaler"):
        spec = fields(artifact.data, "spec")
        if kind_of(artifact) == "VerticalPodAutoscaler":
            target, path = reference(fields(spec, "targetRef")), ("spec", "targetRef")
            asked = (
                set() if text(spec, "updatePolicy", "updateMode") in _IDLE else {"cpu", "memory"}
            )
            policies = items(spec, "resourcePolicy", "containerPolicies")
            if len(policies) == 1 and (only := items(policies[0], "controlledResources")):
                asked &= set(only)
        else:
            if spec.get("maxReplicas") == spec.get("minReplicas", 1):
                continue  # it holds one number of pods
            target, path = target_of(artifact), ("spec", "scaleTargetRef")
            asked = {string(one, "resource", "name") for one in items(spec, "metrics")}
            asked |= {string(one, "type") for one in items(spec, "triggers")}
        owner = f"{target.kind or 'Deployment'} {target.name}"
        for measure in sorted(asked & {"cpu", "memory"}):
            claim = Claim(artifact, path, f"size {owner} by its {measure}", why)
            yield ("size", owner, measure), claim


def _secrets(files: Files) -> Iterator[tuple[Hashable, Claim]]:
    """Yield what writes a Secret: a controller overwrites what it did not make, or gives up."""
    for artifact in files.objects("Secret", "ExternalSecret", "SealedSecret", "Certificate"):
        spec, name = fields(artifact.data, "spec"), name_of(artifact)
        path: Path = ("spec",)
        match kind_of(artifact):
            case "ExternalSecret":
                if text(spec, "target", "creationPolicy") in ("Merge", "None", "Orphan"):
                    continue
                name = string(spec, "target", "name") or name
            case "SealedSecret":
                if "sealedsecrets.bitnami.com/patch" in str(metadata(artifact).annotations):
                    continue
                name = string(spec, "template", "metadata", "name") or name
            case "Certificate":
                name, path = string(spec, "secretName"), ("spec", "secretName")
            case "Secret":
                held = {**fields(artifact.data, "data"), **fields(artifact.data, "stringData")}
                if not any(held.values()):
                    continue  # it is there to be filled
                path = ("metadata", "name")
        if name:
            claim = Claim(artifact, path, f"write Secret {name}", "each undoes the other")
            yield ("secret", name), claim


def _shared_pods(files: Files) -> Iterator[Finding]:
    """Yield workloads that select the pods of others as well as their own."""
    index = LabelIndex(pods(files, *_COUNTING), lambda own: own.labels)
    for own in index.things:
        asked = Controller(own.artifact).selector
        for other in index.selected(asked) if labels_of(asked) else ():
            is_near = place_of(own.artifact) == place_of(other.artifact)
            # Of two that select each other, the first is told.
            is_mutual = selects(Controller(other.artifact).selector, own.labels)
            is_told = own.name < other.name or not is_mutual
            is_near = is_near and not are_alternatives(files, own.artifact, other.artifact)
            if is_near and _differ(own.artifact, other.artifact) and is_told:
                what = f"{title(own.artifact)} selects the pods of {title(other.artifact)} as well"
                why = "what finds the pods of one, finds those of both"
                where = own.artifact.at("spec", "selector")
                yield Finding(where, f"{what}: {why}; give each a label of its own")
                break


def _budgets(files: Files) -> Iterator[Finding]:
    """Yield budgets of pods that have one already: the API server then evicts none of them."""
    index = LabelIndex(pods(files), lambda own: own.labels)
    twins = Counter(_identity(own.artifact) for own in index.things)
    first: dict[int, Artifact] = {}
    told = set[tuple[str, str]]()
    for artifact in files.objects("PodDisruptionBudget"):
        selector = fields(artifact.data, "spec", "selector")
        chosen = index.selected(selector) if selector else []
        # One that is for pods of its own folder may be too wide, and reach those of another one.
        is_wide = any(place_of(own.artifact) == place_of(artifact) for own in chosen)
        is_wide = is_wide and space_of(artifact) not in ("", "default")
        for own in chosen:
            is_one = twins[_identity(own.artifact)] == 1 and not are_apart(own.artifact, artifact)
            is_far = is_wide and is_one and space_of(own.artifact) == space_of(artifact)
            if not is_far and place_of(own.artifact) != place_of(artifact):
                continue
            if are_alternatives(files, own.artifact, artifact):
                continue
            other = first.setdefault(id(own), artifact)
            pair = (name_of(other), name_of(artifact))
            if pair[0] != pair[1] and pair not in told:
                told.add(pair)
                what = f"{title(artifact)} and {title(other)} both protect {title(own.artifact)}"
                why = "an eviction that two budgets are about is refused"
                is_far = place_of(other) != place_of(artifact)
                said = f"{what}: {why}; keep one"
                yield Finding(artifact.at("spec", "selector"), said, warning=is_far)


def _identity(artifact: Artifact) -> tuple[str, str, str]:
    return kind_of(artifact), space_of(artifact), name_of(artifact)


def _judged(files: Files) -> Iterator[object]:
    yield from (claim for _, claim in _claims(files))
    yield from files.objects("PodDisruptionBudget", *_COUNTING)


GATE = Gate(
    id="OBJ015",
    title="One thing has one owner",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/pods/disruptions: a pod with two budgets "
    "cannot be evicted; two writers of one Secret, host or size undo each other without a word",
    check=check,
    of_files=check,
    scope=counted_in_files("owners", _judged),
    targets=(),
    reads="autoscalers of pods and of their sizes, hosts and paths, names for DNS, ports of nodes, "
    "writers of Secrets, selectors of workloads and budgets; of one namespace and folder. Judges "
    "files without a plan only, since a plan has one owner of each.",
)
