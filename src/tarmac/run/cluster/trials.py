"""Services whose new versions a controller tries: what has their pods, how far a trial has come.

Argo Rollouts makes them by the template of a Deployment that it has scaled down; Flagger copies a
Deployment as `NAME-primary` and scales its own down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.run.cluster.kubectl import Object

#: A Rollout's resource, as kubectl names it.
ROLLOUTS = "rollouts.argoproj.io"
#: The label of one version's pods, which a Rollout's controller puts into its Services' selectors.
REVISION = "rollouts-pod-template-hash"
#: What has pods, by its kind, as kubectl names it.
RESOURCES = {"Deployment": "deployment", "StatefulSet": "statefulset", "Rollout": ROLLOUTS}
#: A Rollout's phase once its last version has all requests, and while it gets none any more.
HEALTHY, TAKEN_BACK = "Healthy", "Degraded"
#: A Canary's phase before any trial, after one that went well, and after one that did not.
SETTLED, FAILED = ("Initialized", "Succeeded"), "Failed"
#: Where an object names the Deployment whose versions it tries.
_REFERENCE = {"Rollout": "workloadRef", "Canary": "targetRef"}
#: What Flagger writes into the pods of its copy, and puts to the names of what these read.
_ITS_OWN, _COPY = "flagger-id", "-primary"


def resource(plan: ClusterPlan, workload: Workload, *, rollouts: bool) -> str:
    """Name what sets how many pods a workload has, for kubectl: `deployment/NAME`.

    Args:
        rollouts: whether the cluster has the kind; without, a Deployment keeps its pods.
    """
    if workload.role != "service":
        return f"statefulset/{workload.name}"
    by = rollout_controller(plan, workload.name)
    if by == "argo" and rollouts:
        return f"{ROLLOUTS}/{workload.name}"
    return f"deployment/{workload.name}{'-primary' if by == 'flagger' else ''}"


def references(found: Object) -> tuple[dict[str, Any], ...]:
    """Give the Deployment whose versions are tried, as bare objects; with its copy for a Canary."""
    if found["kind"] not in _REFERENCE:
        return ()
    named = found.get("spec", {}).get(_REFERENCE[found["kind"]])
    if not named:
        return ()
    names = (named["name"], *((f"{named['name']}{_COPY}",) if found["kind"] == "Canary" else ()))
    space = found["metadata"].get("namespace", "")
    about = {"apiVersion": named["apiVersion"], "kind": named["kind"]}
    return tuple({**about, "metadata": {"name": name, "namespace": space}} for name in names)


def with_template(found: Object, others: Iterable[Object]) -> Object:
    """Give a Rollout or a Canary with what is of its Deployment, among others; all else as it is.

    That is the selector and the template of its pods, and as `templateGeneration` its generation;
    for a Canary, the template of Flagger's copy as `promoted`.
    """
    named = {(one["kind"], _name(one)): one for one in others}
    of_it = [named.get((one["kind"], _name(one))) for one in references(found)]
    if not of_it or of_it[0] is None:
        return found
    spec = of_it[0]["spec"]
    taken = {
        "selector": spec.get("selector", {}),
        "template": spec.get("template", {}),
        "templateGeneration": of_it[0]["metadata"].get("generation", 0),
    }
    if of_it[-1] is not None and of_it[-1] is not of_it[0]:
        taken["promoted"] = of_it[-1]["spec"].get("template", {})
    return {**found, "spec": {**found["spec"], **taken}}


def _name(found: Object) -> str:
    return str(found["metadata"]["name"])


def with_revisions(objects: Iterable[Object], live: Iterable[Object]) -> list[Object]:
    """Give objects in which Services stay at the versions to which a controller leads them now.

    A selector is applied as a whole: without this the requests of all versions would be mixed until
    the controller looks again.
    """
    led = {
        (_name(one), one["metadata"].get("namespace", "")): one["spec"]["selector"][REVISION]
        for one in live
        if one["kind"] == "Service" and REVISION in one["spec"].get("selector", {})
    }
    return [_led(one, led) for one in objects]


def _led(found: Object, led: Mapping[tuple[str, str], str]) -> Object:
    key = (_name(found), found["metadata"].get("namespace", ""))
    if found["kind"] != "Service" or key not in led:
        return found
    selector = {**found["spec"].get("selector", {}), REVISION: led[key]}
    return {**found, "spec": {**found["spec"], "selector": selector}}


def is_observed(found: Object) -> bool:
    """Tell whether the controller has looked at a Rollout, and its template, as they are now."""
    status, spec = found.get("status", {}), found["spec"]
    looked = int(status.get("observedGeneration") or 0)
    read = int(status.get("workloadObservedGeneration") or 0)
    generation: int = found["metadata"].get("generation", 0)
    return looked >= generation and read >= int(spec.get("templateGeneration", 0))


def is_promoted(found: Object) -> bool:
    """Tell whether Flagger's copy of a Deployment has the version that the Deployment has."""
    promoted = found["spec"].get("promoted")
    return promoted is not None and _version(promoted) == _version(found["spec"]["template"])


def _version(template: Object) -> str:
    """Give what makes a template another version, with names as they were before a copy."""
    notes = dict(template.get("metadata", {}).get("annotations") or {})
    notes.pop(_ITS_OWN, None)
    spec = {**template.get("spec", {}), "affinity": None, "topologySpreadConstraints": None}
    return json.dumps([notes, spec], sort_keys=True).replace(_COPY, "")


def step(found: Object) -> str:
    """Say at which step of a trial a service is: `step 2 of 4, 25 % of the requests`."""
    status = found.get("status", {})
    if found["kind"] == "Canary":
        weight = status.get("canaryWeight", 0)
        phase = status.get("phase", "")
        return f"{weight} % of the requests" if phase == "Progressing" else phase.lower()
    steps = found["spec"].get("strategy", {}).get("canary", {}).get("steps", ())
    at = status.get("currentStepIndex", len(steps))
    if status.get("stableRS") == status.get("currentPodHash") or at >= len(steps):
        return ""
    weights = [one["setWeight"] for one in steps[: at + 1] if "setWeight" in one]
    return f"step {at + 1} of {len(steps)}, {weights[-1] if weights else 0} % of the requests"


def message(found: Object) -> str:
    """Return why a version was taken back, in the controller's words."""
    status: Mapping[str, Any] = found.get("status", {})
    said = [one["message"] for one in status.get("conditions", ()) if found["kind"] == "Canary"]
    return str(status.get("message") or next(iter(said), status.get("phase", "")))
