"""What a command of kubectl names, and whether the shop's rendered tree has it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from kube_access import account, matrix, member
from kube_api import Object
from kube_trees import tree
from rendered import artifacts_of, plan_of, system_of
from sheet import Typed, options

OBJECTS = tree("shop", "production")
NAMESPACE = plan_of("shop", "production").namespace
PORTS = {service.port for service in system_of("shop").file.services.values()}
INJECTED = any(manifest["metadata"]["labels"].get("istio-injection") for manifest in OBJECTS)
#: Argo CD keeps its own objects apart from those that it applies.
ARGOCD = "argocd"
_FOLLOWED = [
    artifact.data
    for artifact in artifacts_of("shop", "production")
    if artifact.data.get("metadata", {}).get("namespace") == ARGOCD
]
APPLICATIONS = [one for one in _FOLLOWED if one["kind"] == "Application"]
#: Of these there is none before a cluster runs.
ONLY_THERE = {"event", "node", "pod"}
_KINDS = {manifest["kind"].lower() for manifest in [*OBJECTS, *_FOLLOWED]} | ONLY_THERE
_SPELLED = {f"{kind}s": kind for kind in _KINDS} | {kind: kind for kind in _KINDS}
_SPELLED |= {"hpa": "horizontalpodautoscaler", "pdb": "poddisruptionbudget"}
_SPELLED |= {"ingresses": "ingress", "networkpolicies": "networkpolicy"}

_FLAGS = ("--server-side", "-R", "--list", "--show-labels", "--previous")
_VALUED = ("-n", "-k", "-l", "-c", "-o", "-p", "--as", "--as-group", "--sort-by", "--timeout")
_LOGS = options(*_VALUED, "--tail", flags=(*_FLAGS, "-f"))
_OTHER = options(*_VALUED, "-f", flags=_FLAGS)


def told(command: Typed) -> Namespace:
    """Read the arguments; one that is not known here ends the test."""
    verb, *rest = command.argv[1:]
    return (_LOGS if verb == "logs" else _OTHER).parse_intermixed_args(rest)


def check(command: Typed, given: Namespace) -> None:
    """Find the namespace, labels, container and objects that a command names."""
    assert given.n in ([NAMESPACE], [ARGOCD], []), "another namespace"
    there = _FOLLOWED if given.n == [ARGOCD] else OBJECTS
    for key, _, value in (label.partition("=") for label in given.l):
        assert any(one["metadata"]["labels"].get(key) == value for one in OBJECTS)
    assert given.c in ([], ["istio-proxy"] if INJECTED else [])
    verb = command.argv[1]
    if verb == "auth":
        _check_right(given, command.remark)
    elif verb == "config":
        assert given.words == ["current-context"]
    elif verb != "kustomize":
        for word in given.words[verb == "rollout" :]:
            check_name(word, there)


def check_name(word: str, objects: Sequence[Object] = OBJECTS) -> None:
    """Find what `kind/name`, `kind,kind` or `port:port` names."""
    if ":" in word:
        assert {int(port) for port in word.split(":")} <= PORTS, word
        return
    kinds, _, name = word.partition("/")
    for kind in (_SPELLED[spelling] for spelling in kinds.split(",")):
        there = {one["metadata"]["name"] for one in objects if one["kind"].lower() == kind}
        assert name in there if name else there or kind in ONLY_THERE, f"{word}: {sorted(there)}"


def _check_right(given: Namespace, answer: str) -> None:
    """Answer `can-i` from the rendered roles."""
    who = vars(given)["as"][0].split(":")
    subject = account(*who[2:]) if len(who) == 4 else member(given.as_group[0])
    granted = {(verb, resource) for _, resource, verb in matrix(OBJECTS)[subject]}
    if right := given.words[1:]:
        assert answer == ("yes" if tuple(right) in granted else "no")
