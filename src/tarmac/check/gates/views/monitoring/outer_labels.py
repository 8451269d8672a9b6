"""Labels that a Prometheus gives to all that it sends elsewhere, or a store adds."""

from __future__ import annotations

import re

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.scrapes import scrapes

#: What people usually call them.
OUTER = frozenset((
    "cluster", "region", "zone", "env", "environment", "stage", "tier", "dc", "datacenter", "site",
    "tenant", "tenant_id", "replica", "prometheus", "prometheus_replica", "__replica__", "monitor",
    "receive", "ruler_replica", "account", "project", "location", "customer",
))  # fmt: skip
#: By these other programs add some: vmalert, Thanos, and the operator of Prometheus.
_ELSEWHERE = re.compile(r"-external\.label\b|--label=|externalLabels|external-labels")
_OF_OPERATOR = ("Prometheus", "PrometheusAgent", "ThanosRuler", "VMAlert", "VMAgent")


def may_be_added(files: Files, rules: list[Artifact], label: str) -> bool:
    """Tell whether alerts of some files of rules may get a label when they are sent.

    They do not where each Prometheus that is here is told by a plain file, one loads each of them,
    and none of these files adds the label.
    """
    own = [
        one for one in files.artifacts if not one.is_object and items(one.data, "scrape_configs")
    ]
    if files.objects(*_OF_OPERATOR) or not own:
        return True
    loaded = list(scrapes(files))
    if not all(any(one.load(rule) for one in loaded) for rule in rules):
        return True
    if any(_ELSEWHERE.search(str(one.content)) for one in files.artifacts):
        return True
    return any(
        label in fields(one.data, "global", "external_labels")
        or items(one.data, "alerting", "alert_relabel_configs")
        or dig(one.data, "alerting") is None  # it is told more by another file
        for one in own
    )
