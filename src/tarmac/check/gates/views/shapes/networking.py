"""The shapes of Services, of routes to them and of the policies between pods."""

from __future__ import annotations

from tarmac.check.gates.views.shapes.references import REFERENCE, SELECTOR
from tarmac.check.gates.views.shapes.shape import (
    INTEGER,
    LABELS,
    NETWORK,
    PORT,
    TEXT,
    TEXTS,
    ListOf,
    Record,
)

_PEER = Record(
    {
        "podSelector": SELECTOR,
        "namespaceSelector": SELECTOR,
        "ipBlock": Record({"cidr": NETWORK, "except": ListOf(NETWORK)}),
    }
)
_OPEN = ListOf(Record({"port": PORT, "endPort": INTEGER, "protocol": TEXT}))
POLICY = Record(
    {
        "podSelector": SELECTOR,
        "policyTypes": TEXTS,
        "ingress": ListOf(Record({"from": ListOf(_PEER), "ports": _OPEN})),
        "egress": ListOf(Record({"to": ListOf(_PEER), "ports": _OPEN})),
    }
)
SERVICE = Record(
    {
        "selector": LABELS,
        "ports": ListOf(Record({"name": TEXT, "port": INTEGER, "targetPort": PORT})),
    }
)
_BACKEND = Record(
    {"service": Record({"name": TEXT, "port": Record({"number": INTEGER, "name": TEXT})})}
)
INGRESS = Record(
    {
        "rules": ListOf(
            Record(
                {
                    "host": TEXT,
                    "http": Record({"paths": ListOf(Record({"path": TEXT, "backend": _BACKEND}))}),
                }
            )
        ),
        "tls": ListOf(Record({"secretName": TEXT, "hosts": TEXTS})),
    }
)
_ENDPOINTS = ListOf(Record({"name": TEXT, "port": PORT, "kind": TEXT, "namespace": TEXT}))
ROUTE = Record(
    {
        "parentRefs": ListOf(REFERENCE),
        "hostnames": TEXTS,
        "rules": ListOf(
            Record(
                {
                    "backendRefs": _ENDPOINTS,
                    "filters": ListOf(Record({"type": TEXT})),
                    "matches": ListOf(Record({"path": Record({"value": TEXT})})),
                }
            )
        ),
    }
)
MESH_ROUTE = Record(
    {
        "hosts": TEXTS,
        "host": TEXT,
        "gateways": TEXTS,
        "http": ListOf(
            Record({"name": TEXT, "route": ListOf(Record({"destination": Record({})}))})
        ),
    }
)
GATEWAY = Record(
    {
        "listeners": ListOf(
            Record(
                {
                    "hostname": TEXT,
                    "tls": Record({"certificateRefs": ListOf(Record({"name": TEXT}))}),
                }
            )
        )
    }
)
