"""What a pod is beside its containers: its volumes, account, rights, and where it may run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, fields, items, text
from tarmac.check.gates.views.pods.security_contexts import SecurityContext
from tarmac.check.gates.views.pods.volumes import Volume

#: Folders of a node with its devices, modules, and what its kubelet mounts.
DEVICES = ("/dev/", "/sys/", "/lib/modules/", "/run/udev/", "/var/lib/kubelet/")


class SpreadConstraint:
    """Over which domains pods are spread, and which pods are counted."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def topology_key(self) -> str | None:
        """The label of nodes that tells the domains apart."""
        return text(self.data, "topologyKey")

    @property
    def selector(self) -> Fields:
        """Which pods are counted."""
        return fields(self.data, "labelSelector")


class Toleration:
    """A taint of nodes that a pod bears, and how long."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def key(self) -> str:
        """The taint's key; empty: every one's."""
        return text(self.data, "key") or ""

    def of(self, taint: str, effect: str) -> bool:
        """Tell whether it is about a taint of this key and effect; without a key it is of all."""
        exists = text(self.data, "operator") == "Exists"
        fits = self.key == taint or (not self.key and exists)
        return fits and text(self.data, "effect") in (None, "", effect)

    @property
    def after_s(self) -> float | None:
        """How long the pod stays on a node with it, in seconds; None: for ever."""
        found: float | None = self.data.get("tolerationSeconds")
        return found


class PodSpec:
    """The `spec` of a pod."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """What its containers may mount."""
        return tuple(map(Volume, items(self.data, "volumes")))

    @property
    def security(self) -> SecurityContext:
        """What its processes may do, where a container does not say so itself."""
        return SecurityContext(fields(self.data, "securityContext"))

    @property
    def account(self) -> str | None:
        """Its service account; None: the namespace's."""
        return text(self.data, "serviceAccountName")

    def mounts_token(self, default: bool | None) -> bool:
        """Tell whether it gets a token of the API server; `default` is its account's setting."""
        return self.data.get("automountServiceAccountToken", default) is not False

    @property
    def is_pinned(self) -> bool:
        """Whether it names the one node that it is for: it works on that, or looks at it."""
        return bool(text(self.data, "nodeName"))

    @property
    def has_devices(self) -> bool:
        """Whether it mounts what only root of a node may use: devices, modules, mounts."""
        paths = (text(one, "hostPath", "path") or "" for one in items(self.data, "volumes"))
        return any(f"{path}/".startswith(DEVICES) for path in paths)

    def shares(self, namespace: str) -> bool:
        """Tell whether it is in a namespace of its node, e.g. `hostPID`."""
        return bool(self.data.get(namespace))

    @property
    def grace_s(self) -> float:
        """How long its termination may take, in seconds."""
        found: float = self.data.get("terminationGracePeriodSeconds", 30)
        return found

    @property
    def spread(self) -> tuple[SpreadConstraint, ...]:
        """How it and its like are spread over the nodes."""
        return tuple(map(SpreadConstraint, items(self.data, "topologySpreadConstraints")))

    @property
    def kept_apart_by(self) -> Iterator[str | None]:
        """The domains in which it is alone, if possible: `podAntiAffinity`."""
        terms: Mapping[str, Any] = fields(self.data, "affinity", "podAntiAffinity")
        for term in (term for listed in terms.values() for term in listed):
            yield text(term, "podAffinityTerm", "topologyKey") or text(term, "topologyKey")

    @property
    def tolerations(self) -> tuple[Toleration, ...]:
        """The taints of nodes that it bears."""
        return tuple(map(Toleration, items(self.data, "tolerations")))

    @property
    def node_selector(self) -> dict[str, str]:
        """The labels of the nodes that it may run on."""
        return dict(fields(self.data, "nodeSelector"))
