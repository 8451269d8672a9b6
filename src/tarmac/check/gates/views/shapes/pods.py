"""The shape of a pod's template."""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.check.gates.views.shapes.containers import CONTAINER, CONTEXT
from tarmac.check.gates.views.shapes.references import METADATA, SELECTOR
from tarmac.check.gates.views.shapes.shape import (
    FLAG,
    INTEGER,
    LABELS,
    NUMBER,
    TEXT,
    ListOf,
    MapOf,
    Record,
    Shape,
)

_SOURCE = Record(
    {
        "name": TEXT, "secretName": TEXT, "optional": FLAG,
        "items": ListOf(Record({"key": TEXT, "path": TEXT})),
    }
)  # fmt: skip
_SOURCES: Mapping[str, Shape] = {"configMap": _SOURCE, "secret": _SOURCE}
_TOKEN: Mapping[str, Shape] = {
    "serviceAccountToken": Record({"audience": TEXT, "path": TEXT, "expirationSeconds": INTEGER})
}
_AFFINITY = ListOf(Record({"topologyKey": TEXT, "podAffinityTerm": Record({"topologyKey": TEXT})}))
TEMPLATE = Record(
    {
        "metadata": METADATA,
        "spec": Record(
            {
                "containers": ListOf(CONTAINER),
                "initContainers": ListOf(CONTAINER),
                "volumes": ListOf(
                    Record(
                        {
                            "name": TEXT,
                            **_SOURCES,
                            "projected": Record(
                                {"sources": ListOf(Record({**_SOURCES, **_TOKEN}))}
                            ),
                            "persistentVolumeClaim": Record({"claimName": TEXT}),
                        }
                    )
                ),
                "securityContext": CONTEXT,
                "serviceAccountName": TEXT,
                "nodeSelector": LABELS,
                "terminationGracePeriodSeconds": NUMBER,
                "topologySpreadConstraints": ListOf(
                    Record({"topologyKey": TEXT, "labelSelector": SELECTOR})
                ),
                "tolerations": ListOf(
                    Record(
                        {"key": TEXT, "operator": TEXT, "effect": TEXT, "tolerationSeconds": NUMBER}
                    )
                ),
                "affinity": Record({"podAntiAffinity": MapOf(_AFFINITY)}),
            }
        ),
    }
)
