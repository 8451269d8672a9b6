"""What a difference of a rendered file means, where no difference of the plan explains it.

A table of what to look for; the first line that fits tells it, and what fits none is `other`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.change.compare.change import Risk, RiskAssessment
from tarmac.change.compare.objects import LINE, WHOLE, WRITING, FileDifference
from tarmac.change.compare.wording import code, listed, moved

HIGH, MEDIUM, LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW

#: What each key must be for a container to be as shut in as it can; anything else opens it.
SHUT_IN = {
    "privileged": False,
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "automountServiceAccountToken": False,
    "hostNetwork": False,
    "hostPID": False,
    "hostIPC": False,
}
#: Pod Security's profiles, the loosest first.
PROFILES = ("privileged", "baseline", "restricted")


@dataclass(frozen=True)
class ObjectRule:
    """The assessment of some file differences: added, removed or changed."""

    what: str
    #: Of which kinds, as a pattern of the whole name.
    kinds: str
    #: In which keys, as a pattern found in them; empty: the file as a whole.
    keys: str
    added: Risk
    removed: Risk
    changed: Risk
    #: What can come of it, where that is MEDIUM at least.
    why: str = ""

    def fits(self, shift: FileDifference) -> bool:
        """Tell whether it is about such a difference."""
        if re.fullmatch(self.kinds, shift.rendered.kind) is None:
            return False
        return bool(shift.path) == bool(self.keys) and bool(re.search(self.keys, shift.keys))


NET = "NetworkPolicy|AuthorizationPolicy|PeerAuthentication|RequestAuthentication"
INGRESS_KINDS = "Ingress|HTTPRoute|GRPCRoute|TCPRoute|Gateway|VirtualService"
#: The fields of an `ObjectRule` each; the first that fits counts.
_ROWS = (
    ("policy", NET, "", MEDIUM, HIGH, HIGH, "access to it is no longer restricted"),
    ("policy", NET, ".", HIGH, LOW, HIGH, "access rules differ"),
    ("disruption", "PodDisruptionBudget", "", LOW, HIGH, HIGH, "nodes may evict all of it"),
    ("disruption", "PodDisruptionBudget", ".", MEDIUM, MEDIUM, MEDIUM, "eviction limits differ"),
    ("scale", "HorizontalPodAutoscaler", "", LOW, MEDIUM, MEDIUM, "it no longer scales"),
    ("scale", "HorizontalPodAutoscaler", ".", LOW, MEDIUM, LOW, "scaling follows other rules"),
    ("permission", ".*RoleBinding", "", HIGH, LOW, HIGH, "wider permission"),
    ("permission", ".*RoleBinding", ".", HIGH, LOW, HIGH, "wider permission"),
    ("permission", "ServiceAccount", "", LOW, MEDIUM, MEDIUM, "permissions granted to it are gone"),
    ("permission", "ServiceAccount", "annotations", HIGH, MEDIUM, HIGH, "a different cloud role"),
    ("route", INGRESS_KINDS, "", HIGH, MEDIUM, HIGH, "public access differs"),
    ("route", INGRESS_KINDS, "rules|hosts?|paths?|tls|listeners|route", HIGH, MEDIUM, HIGH,
     "public access differs"),
    ("storage", "PersistentVolumeClaim|PersistentVolume", "", LOW, HIGH, HIGH, "data may be lost"),
    ("storage", ".*", "(?i)retention|reclaimPolicy", MEDIUM, HIGH, HIGH, "data may go earlier"),
    ("storage", ".*", "volumeClaimTemplates|storageClass|storage$", LOW, HIGH, MEDIUM,
     "a volume's claim cannot be changed in place"),
    ("quota", "ResourceQuota|LimitRange", "", MEDIUM, MEDIUM, MEDIUM, "pods may be rejected"),
    ("quota", "ResourceQuota|LimitRange", ".", MEDIUM, MEDIUM, MEDIUM, "pods may be rejected"),
    ("probe", ".*", "livenessProbe|readinessProbe|startupProbe|healthcheck", LOW, HIGH, MEDIUM,
     "health is not checked, or checked differently"),
    ("security", ".*", r"securityContext|capabilities|seccomp", MEDIUM, HIGH, HIGH,
     "a container may gain privileges"),
    ("secret", ".*Secret", "", MEDIUM, MEDIUM, MEDIUM, "its users cannot start without it"),
    ("secret", ".*Secret(Store)?", ".", MEDIUM, MEDIUM, MEDIUM,
     "its users cannot start without it"),
    ("schedule", "CronJob", "", LOW, MEDIUM, MEDIUM, "its runs stop"),
    ("namespace", "Namespace", "", LOW, HIGH, HIGH, "everything in it is deleted with it"),
    ("object", ".+", "", LOW, MEDIUM, MEDIUM, "its effect is gone"),
)  # fmt: skip
RULES = tuple(ObjectRule(*row) for row in _ROWS)


def assessments(shift: FileDifference) -> Iterator[tuple[str, RiskAssessment]]:
    """Assess a file difference: yield its kind and the assessment."""
    kind = shift.rendered.kind
    if kind.endswith("Role") and (not shift.path or shift.path[0] == "rules"):
        yield from _permissions(shift)
        return
    if kind == "NetworkPolicy" and shift.path[1:2] in (("ingress",), ("egress",)):
        yield "policy", _network(shift)
        return
    if (told := _shut_in(shift) or _profile(shift)) is not None:
        yield "security", told
        return
    if shift.path[-1:] == ("metrics",) and kind == "HorizontalPodAutoscaler":
        yield "scale", _metrics(shift)
        return
    if shift.path[-1:] in WHOLE and kind in ("Deployment", "StatefulSet", "DaemonSet"):
        yield "rollout", _rollout(shift)
        return
    rule = next((rule for rule in RULES if rule.fits(shift)), None)
    if shift.path == WRITING:
        yield "other", RiskAssessment(LOW, "only the order or comments of a file differ")
    elif rule is None:
        yield "other", RiskAssessment(LOW, _fact(shift))
    else:
        risk = {"added": rule.added, "removed": rule.removed, "changed": rule.changed}[shift.verb]
        yield rule.what, RiskAssessment(risk, _fact(shift), rule.why if risk > LOW else "")


def _fact(shift: FileDifference) -> str:
    one = shift.rendered
    own = one.name.removeprefix(f"{one.owner}-")
    name = "" if one.name == one.owner or not one.kind else f" {code(own)}"
    what = f"{one.kind}{name}" if one.kind else f"file {code(one.artifact.path)}"
    if not shift.path:
        return f"{what} {shift.verb}"
    if shift.path == LINE:
        side = f"has now {code(shift.new)}" if shift.old is None else f"had {code(shift.old)}"
        return f"{what}: {side}"
    if shift.old is None:
        return f"{what}: new {code(shift.keys)} = {code(_short(shift.new))}"
    if shift.new is None:
        return f"{what}: {code(shift.keys)} removed (was {code(_short(shift.old))})"
    return f"{what}: {code(shift.keys)} {moved(_short(shift.old), _short(shift.new))}"


def _short(value: Any) -> str:
    """Write data in YAML's short form."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_short(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_short, value)) + "]"
    return {True: "true", False: "false", None: "null"}[value] if _is_word(value) else str(value)


def _is_word(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _shut_in(shift: FileDifference) -> RiskAssessment | None:
    """Assess a key of container isolation, at any depth."""
    key = shift.path[-1] if shift.path else ""
    if key not in SHUT_IN:
        return None
    if shift.new == SHUT_IN[key]:
        return RiskAssessment(LOW, _fact(shift))
    return RiskAssessment(HIGH, _fact(shift), "a container may gain privileges")


def _profile(shift: FileDifference) -> RiskAssessment | None:
    key = shift.path[-1] if shift.path else ""
    if not key.startswith("pod-security.kubernetes.io/"):
        return None
    before, after = (PROFILES.index(v) if v in PROFILES else -1 for v in (shift.old, shift.new))
    looser = after < before and not key.endswith("version")
    return RiskAssessment(
        HIGH if looser else LOW, _fact(shift), "pods may gain privileges there" * looser
    )


def _network(shift: FileDifference) -> RiskAssessment:
    """Assess the peers of a NetworkPolicy."""
    way = {"ingress": "lets in from", "egress": "lets out to"}[shift.path[1]]
    before, after = (_peers(side) for side in (shift.old, shift.new))
    if shift.old is None:
        return RiskAssessment(HIGH, f"NetworkPolicy now {way} {after}", "wider network reach")
    if shift.new is None:
        return RiskAssessment(LOW, f"NetworkPolicy no longer {way} {before}")
    return RiskAssessment(HIGH, f"NetworkPolicy {way} {before} -> {after}", "access rules differ")


def _peers(value: Any) -> str:
    """Write an entry of a policy: a rule, or one of its peers or ports."""
    if not isinstance(value, Mapping):
        return code(_short(value))
    if "cidr" in value:
        value = {"ipBlock": value}
    said = [_peer(peer) for peer in (*value.get("from", ()), *value.get("to", ()))]
    if not said:
        said = (
            [_peer(value)] if {"podSelector", "namespaceSelector", "ipBlock"} & set(value) else []
        )
    ports = [port.get("port") for port in value.get("ports", ())] or [value.get("port")]
    on = f" on port {listed(ports)}" if any(ports) else ""
    return f"{listed(said) or 'any peer'}{on}"


def _peer(value: Mapping[str, Any]) -> str:
    if (block := value.get("ipBlock")) is not None:
        but = f" except {listed(map(code, block['except']))}" if block.get("except") else ""
        return f"{code(block.get('cidr'))}{but}"
    said = []
    for key, what in (("podSelector", "pods"), ("namespaceSelector", "namespace")):
        labels = (value.get(key) or {}).get("matchLabels") or {}
        if key in value:
            said.append(f"{what} {listed(map(code, labels.values())) or 'of any name'}")
    return " in ".join(said)


def _metrics(shift: FileDifference) -> RiskAssessment:
    """Assess the metrics of an autoscaler."""
    sides = (
        metrics if isinstance(metrics, list | tuple) else [] for metrics in (shift.old, shift.new)
    )
    before, after = (
        listed(code(_metric(metric)) for metric in side) or "nothing" for side in sides
    )
    return RiskAssessment(
        MEDIUM, f"its autoscaler follows {before} -> {after}", "scaling follows other metrics"
    )


def _metric(value: Any) -> str:
    kind = str(value.get("type", ""))
    body = value.get(kind[:1].lower() + kind[1:]) or {}
    target = body.get("target") or {}
    most = next((str(v) for k, v in target.items() if k.startswith(("average", "value"))), "")
    return f"{kind} {body.get('name', '')} {most}".rstrip()


def _rollout(shift: FileDifference) -> RiskAssessment:
    """Assess the update strategy."""
    was, now = (side if isinstance(side, Mapping) else {} for side in (shift.old, shift.new))
    types = was.get("type"), now.get("type")
    same = types[0] == types[1]
    before, after = (code(side) for side in (types if not same else map(_short, (was, now))))
    why = "each rollout has downtime: the old pod stops before the new one starts"
    stops = now.get("type") == "Recreate"
    return RiskAssessment(MEDIUM, f"pods are replaced by {before} -> {after}", why if stops else "")


def _permissions(shift: FileDifference) -> Iterator[tuple[str, RiskAssessment]]:
    """Assess the permissions of a role, verb by verb."""
    one = shift.rendered
    was, now = (set(_allowed(side, shift.path)) for side in (shift.old, shift.new))
    name = f"{one.kind} {code(one.name)}"
    if more := sorted(now - was):
        yield (
            "permission",
            RiskAssessment(HIGH, f"{name} now allows {_verbs(more)}", "wider permission"),
        )
    if less := sorted(was - now):
        yield "permission", RiskAssessment(LOW, f"{name} no longer allows {_verbs(less)}")
    if not (more or less):
        yield "permission", RiskAssessment(LOW, _fact(shift))


def _allowed(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield what a role's rules allow: resource and verb."""
    rules: Iterable[Any] = (value or ()) if path else (value or {}).get("rules") or ()
    for rule in rules:
        groups, only = rule.get("apiGroups") or [""], rule.get("resourceNames") or []
        named = f" ({', '.join(only)})" if only else ""
        for resource in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ())):
            for group in groups:
                full = f"{resource}.{group}" if group else str(resource)
                yield from ((f"{full}{named}", str(verb)) for verb in rule.get("verbs", ()))


def _verbs(pairs: list[tuple[str, str]]) -> str:
    by: dict[str, list[str]] = {}
    for resource, verb in pairs:
        by.setdefault(resource, []).append(verb)
    return listed(code(f"{', '.join(verbs)} {resource}") for resource, verbs in by.items())
