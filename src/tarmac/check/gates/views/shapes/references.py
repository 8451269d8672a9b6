"""The parts that objects of all kinds have: metadata, selectors and references."""

from __future__ import annotations

from tarmac.check.gates.views.shapes.shape import LABELS, SCALAR, TEXT, TEXTS, ListOf, Record

METADATA = Record(
    {
        "name": TEXT, "namespace": TEXT, "labels": LABELS, "annotations": LABELS,
        "finalizers": TEXTS, "description": TEXT,
    }
)  # fmt: skip
SELECTOR = Record(
    {
        "matchLabels": LABELS,
        "matchExpressions": ListOf(
            Record({"key": TEXT, "operator": TEXT, "values": ListOf(SCALAR)})
        ),
    }
)
REFERENCE = Record({"kind": TEXT, "name": TEXT, "apiVersion": TEXT})
