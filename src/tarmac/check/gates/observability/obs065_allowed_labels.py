"""Labels of objects that a rule asks kube-state-metrics for are among those that it gives."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, placed_groups
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_FAMILY = re.compile(r"\bkube_([a-z]+)_(label|annotation)s\b")
_IMAGE = re.compile(r"(.*/)?kube-state-metrics:v?(\d+)\.")
_ENTRY = re.compile(r"([\w*]+)=\[([^\]]*)\]")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLURALS = {"ingress": "ingresses", "networkpolicy": "networkpolicies"}
#: Since this version no label is given that is not named.
_FIRST = 2


class AskedLabels(NamedTuple):
    """The labels that a rule asks of a family of metrics, by their names in these."""

    rule: PlacedRule
    family: str
    resource: str
    #: `label` or `annotation`.
    what: str
    names: frozenset[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield rules on labels that kube-state-metrics does not give."""
    asked = list(_asked(files))
    servers = list(_servers(files)) if asked else []
    if len(servers) != 1:
        return
    own, container = servers[0]
    for one in asked:
        allowed = _allowed(container, one.what)
        given = allowed.get(one.resource, allowed.get("*", frozenset()))
        lost = sorted(name for name in one.names if name not in given)
        if lost and "*" not in given:
            what = f"{one.rule.name} asks for {lost[0]} of {one.family}, and {title(own.artifact)}"
            option = f"--metric-{one.what}s-allowlist={one.resource}"
            said = f"{what} gives only what {option}=[...] names: it finds nothing; name it there"
            yield Finding(one.rule.artifact.at(*one.rule.path, "expr"), said)


def _servers(files: Files) -> Iterator[tuple[Pods, Container]]:
    for own in pods(files):
        for container in own.main_containers:
            found = _IMAGE.match(container.image)
            if found and int(found[2]) >= _FIRST and "$" not in " ".join(container.words):
                yield own, container


def _allowed(container: Container, what: str) -> Mapping[str, frozenset[str]]:
    """Read what an option allows: by the resource, the labels as metrics have them."""
    option = f"--metric-{what}s-allowlist"
    words = [str(word) for word in container.words]
    texts = [word.partition("=")[2] for word in words if word.startswith(f"{option}=")]
    texts += [after for word, after in itertools.pairwise(words) if word == option]
    return {
        resource: frozenset(_as_label(one.strip(), what) for one in listed.split(","))
        for text in texts
        for resource, listed in _ENTRY.findall(text)
    }


def _as_label(key: str, what: str) -> str:
    """Write a label's key as kube-state-metrics does: `a.b/cD` -> `label_a_b_c_d`."""
    if key == "*":
        return key
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", key)
    return f"{what}_{_HUMPS.sub('_', plain).lower()}"


def _asked(files: Files) -> Iterator[AskedLabels]:
    for group in placed_groups(files):
        for rule in group:
            families = set(_FAMILY.findall(rule.expr))
            if len(families) != 1:
                continue
            kind, what = families.pop()
            # Behind `unless` it leaves out what has a label: where nothing has it, nothing is lost.
            expr = re.split(r"\bunless\b", rule.expr)[0]
            names = frozenset(re.findall(rf"\b{what}_\w+", expr))
            if names:
                resource = _PLURALS.get(kind, f"{kind}s")
                yield AskedLabels(rule, f"kube_{kind}_{what}s", resource, what, names)


GATE = Gate(
    id="OBS065",
    title="kube-state-metrics gives the labels that rules ask it for",
    phase="observability",
    source="https://github.com/kubernetes/kube-state-metrics/blob/main/docs/developer/"
    "cli-arguments.md: --metric-labels-allowlist; by default a metric has no label of its object",
    check=check,
    of_files=check,
    scope=counted_in_files("rules on labels of objects", _asked),
    targets=(),
    reads="label_ and annotation_ in rules on kube_*_labels and kube_*_annotations, beside the "
    "arguments of the one kube-state-metrics of these files. Judges files without a plan only.",
)
