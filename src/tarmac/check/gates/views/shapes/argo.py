"""The shapes of Argo CD's objects."""

from __future__ import annotations

from tarmac.check.gates.views.shapes.references import METADATA
from tarmac.check.gates.views.shapes.shape import (
    ANY,
    FLAG,
    SCALAR,
    TEXT,
    TEXTS,
    ListOf,
    MapOf,
    Record,
)

_SOURCE_OF_APP = Record(
    {
        "path": TEXT, "repoURL": TEXT, "targetRevision": SCALAR, "chart": TEXT,
        "helm": Record({"valueFiles": TEXTS, "releaseName": TEXT}),
        "directory": Record({"recurse": FLAG, "include": TEXT, "exclude": TEXT}),
    }
)  # fmt: skip
APPLICATION = Record(
    {
        "project": TEXT,
        "source": _SOURCE_OF_APP,
        "sources": ListOf(_SOURCE_OF_APP),
        "destination": Record({"namespace": TEXT, "server": TEXT, "name": TEXT}),
        "syncPolicy": Record(
            {
                "automated": Record({"prune": FLAG, "selfHeal": FLAG}),
                "syncOptions": TEXTS,
            }
        ),
        "ignoreDifferences": ListOf(
            Record({"kind": TEXT, "name": TEXT, "jsonPointers": TEXTS, "jqPathExpressions": TEXTS})
        ),
    }
)
_ALLOWED = ListOf(Record({"group": TEXT, "kind": TEXT}))
PROJECT = Record(
    {
        "sourceRepos": TEXTS,
        "destinations": ListOf(Record({"namespace": TEXT, "server": TEXT})),
        "clusterResourceWhitelist": _ALLOWED,
        "namespaceResourceWhitelist": _ALLOWED,
    }
)
SETS = Record(
    {
        "generators": ListOf(Record({"list": Record({"elements": ListOf(MapOf(ANY))})})),
        "template": Record({"metadata": METADATA, "spec": APPLICATION}),
        "templatePatch": TEXT,
    }
)
