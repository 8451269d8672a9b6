"""Names of hosts: which pods are given one, and which policies let them ask for its address."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.base.foreign.reading import Fields
from tarmac.check.gates.views.network.policies import NAMESPACE
from tarmac.check.gates.views.objects.network_policies import PolicyRule
from tarmac.check.gates.views.objects.selectors import labels_of, selects
from tarmac.check.gates.views.pods.pods import Pods

#: Where distributions keep their DNS, and the labels of its pods: kubeadm and clouds, node-local,
#: OpenShift.
_SPACES = ("kube-system", "openshift-dns")
_LABELS = (
    {"k8s-app": "kube-dns", "app.kubernetes.io/name": "coredns"},
    {"k8s-app": "coredns", "app.kubernetes.io/name": "coredns"},
    {"k8s-app": "node-local-dns"},
    {"dns.operator.openshift.io/daemonset-dns": "default"},
)

#: A host by its name, alone or in a URL; an address ends with a number.
_HOST = re.compile(
    r"(?:[a-z+]+://(?:[^@/\s]*@)?)?((?:[a-z0-9][a-z0-9-]*\.)+(?:[a-z]{2,}))(?::\d+)?(?:/\S*)?"
)

#: Variables that tell of a server.
_TOLD = re.compile(r"(?i)host|server|url|uri|endpoint|addr|broker|dsn")
_DNS = 53


def named_host(own: Pods) -> str:
    """Find a variable of a pod that names a host; "" without one."""
    for container in own.main_containers:
        for name, given in own.variables.of(container).items():
            found = _HOST.fullmatch(given.text.strip())
            if found and ("://" in given.text or _TOLD.search(name)):
                return f"{name}: {found[1]}"
    return ""


def answers(rule: PolicyRule) -> bool:
    """Tell whether a rule lets pods ask the cluster's DNS."""
    is_open = not rule.ports or any(
        opened.protocol == "UDP"
        and (
            opened.first is None
            or isinstance(opened.first, str)
            or opened.first <= _DNS <= (opened.last or opened.first)
        )
        for opened in rule.ports
    )
    return is_open and (not rule.peers or any(map(_is_resolver, rule.peers)))


def asks_no_resolver(rule: PolicyRule) -> Mapping[str, str]:
    """Return the labels of a rule for DNS alone that no DNS of a cluster has; none of others."""
    if {opened.first for opened in rule.ports} != {_DNS} or any(map(_is_resolver, rule.peers)):
        return {}
    found = [labels_of(peer.get("podSelector")) for peer in rule.peers]
    known = {key for one in _LABELS for key in one}
    return next((labels for labels in found if known & labels.keys()), {})


def _is_resolver(peer: Fields) -> bool:
    """Tell whether a peer may be the cluster's DNS, by its namespace, labels or address."""
    if "ipBlock" in peer:
        return True
    space = peer.get("namespaceSelector")
    if space is None:
        return False
    asked = labels_of(space).get(NAMESPACE)
    labels = labels_of(peer.get("podSelector"))
    known = any(key in one for key in labels for one in _LABELS)
    is_pod = not known or any(selects(peer["podSelector"], one) for one in _LABELS)
    return (asked is None or asked in _SPACES) and is_pod
