"""Policies select namespaces by labels that these have; annotations have the form that is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.scope import counted_in_files

#: Namespaces that a cluster makes itself, with one label: their name under its own key.
_SYSTEM = ("kube-system", "default", "kube-public", "kube-node-lease")
_OWN = "kubernetes.io/metadata.name"
#: Labels by which people mean the name.
_NAMES = ("name", "namespace", "kubernetes.io/name", "app.kubernetes.io/name")
_NGINX = "nginx.ingress.kubernetes.io/"
#: Annotations of ingress-nginx that are numbers, in seconds where it is a time, and that are sizes.
_NUMBERS = re.compile(
    r"(proxy|auth)-[a-z-]*-timeout|proxy-next-upstream-tries|limit-(connections|rps|rpm|burst-multiplier)"
)
_SIZES = re.compile(r"proxy-body-size|client-body-buffer-size|proxy-buffer-size")
_SIZE = re.compile(r"(?i)\d+[kmg]?")
_SECONDS = re.compile(r"(\d+)\s*(s|sec|seconds|m|ms|h)")


def check(files: Files) -> Iterator[Finding]:
    """Yield selectors that no namespace meets, and values that ingress-nginx passes over."""
    labelled = {
        (key, value)
        for one in files.objects("Namespace")
        for key, value in metadata(one).labels.items()
    }
    for policy in files.objects("NetworkPolicy"):
        for path, labels in _peers(policy):
            for key, value in labels.items():
                is_met = (key, value) in labelled or key not in _NAMES
                if value in _SYSTEM and not is_met:
                    what = f"{title(policy)} takes namespaces by {key}={value}, a label that"
                    said = f"{what} {value} does not have by itself: none is met; write"
                    yield Finding(policy.at(*path, key), f"{said} {_OWN}: {value}", warning=True)
    for ingress in files.objects("Ingress"):
        for key, value in metadata(ingress).annotations.items():
            if key.startswith(_NGINX) and (what := _misread(key.removeprefix(_NGINX), str(value))):
                where = ingress.at("metadata", "annotations", key)
                yield Finding(where, f"{title(ingress)} has {key}: {value}, {what}")


def _misread(key: str, value: str) -> str:
    """Say what ingress-nginx makes of a value; "" where it reads it."""
    if "{" in value or "$" in value:
        return ""
    if _NUMBERS.fullmatch(key) and not value.isdecimal():
        found = _SECONDS.fullmatch(value)
        plain = found[1] if found and found[2].startswith("s") else "a number"
        return f"which it takes as a number alone, so its own default is used; write {plain}"
    if _SIZES.fullmatch(key) and not _SIZE.fullmatch(value):
        return "which nginx does not take as a size, as 8m is one; write one of that form"
    return ""


def _peers(policy: Artifact) -> Iterator[tuple[Path, dict[str, str]]]:
    for direction, end in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(items(policy.data, "spec", direction)):
            for place, peer in enumerate(items(rule, end)):
                at: Path = ("spec", direction, number, end, place, "namespaceSelector")
                found = fields(peer, "namespaceSelector", "matchLabels")
                if found:
                    yield (*at, "matchLabels"), {str(k): str(v) for k, v in found.items()}


def _judged(files: Files) -> Iterator[object]:
    yield from files.objects("NetworkPolicy")
    yield from files.objects("Ingress")


GATE = Gate(
    id="NET054",
    title="Policies select namespaces by labels that they have; annotations are read",
    phase="kubernetes",
    source="https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-"
    "name; https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations",
    check=check,
    of_files=check,
    scope=counted_in_files("NetworkPolicies and Ingresses", _judged),
    targets=("cluster",),
    reads="namespaceSelector of NetworkPolicies beside the Namespaces that are here; numbers and "
    "sizes in annotations of ingress-nginx.",
)
