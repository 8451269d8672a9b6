"""Which peers of a NetworkPolicy are a cluster's DNS."""

from __future__ import annotations

from tarmac.gates.views.objects.selectors import labels_of, selects
from tarmac.gates.views.policies import NAMESPACE
from tarmac.gates.views.reading import Fields

#: Where distributions keep their DNS, and the labels of its pods: kubeadm and clouds, node-local,
#: OpenShift.
_SPACES = ("kube-system", "openshift-dns")
_LABELS = (
    {"k8s-app": "kube-dns", "app.kubernetes.io/name": "coredns"},
    {"k8s-app": "coredns", "app.kubernetes.io/name": "coredns"},
    {"k8s-app": "node-local-dns"},
    {"dns.operator.openshift.io/daemonset-dns": "default"},
)


def is_resolver(peer: Fields) -> bool:
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
