"""AnalysisTemplates of Argo Rollouts: what a new version is asked at each step, and over all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.written import duration
from tarmac.plan import analysis
from tarmac.plan.analysis import Analysis
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.gitops.parts.argo_objects import API
from tarmac.render.kubernetes.parts.metadata import an_object

#: Seconds until what could not be measured is measured again (argo-rollouts, analysis.go).
ERROR_RETRY_S = 10.0
STEP_NOTES = (
    "Measured at each step, which ends with a successful run; until then the weight stays. Only",
    "`good` counts; the two others are for readers. Too few requests give no value: a failed run.",
)
WHOLE_NOTES = (
    "Asked from the first step to the last: bad looks are counted over all steps, and so many",
    "take the new version back.",
)


def templates(plan: ClusterPlan, workload: Workload, asked: Analysis) -> Iterator[Artifact]:
    """Yield what is asked at each step, and what over all of them."""
    pods = analysis.hashed_pods(workload.name, "{{args.revision}}")
    written = analysis.queries(asked, pods)
    address = analysis.PROMETHEUS.format(namespace=plan.settings.monitoring)
    every = duration(asked.every_s, "m")

    def metric(name: str, query: str, condition: str, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            # An expression of an empty list's first item would be an error, and be asked again.
            "successCondition": f"len(result) > 0 && result[0] {condition}",
            "initialDelay": every,
            "interval": every,
            "failureLimit": asked.failures - 1,
            # As long as so many bad looks take.
            "consecutiveErrorLimit": round(asked.failures * asked.every_s / ERROR_RETRY_S) - 1,
            **more,
            "provider": {"prometheus": {"address": address, "query": query}},
        }

    # A step's analysis has to come to an end, or the controller refuses the Rollout: a successful
    # run ends it, and as many failed ones as may be.
    ends = {"count": asked.failures, "consecutiveSuccessLimit": 1}
    read = [
        metric("success", written.success, f">= {asked.success:g}", **ends),
        metric("p99", written.p99, f"<= {asked.p99_s:g}", **ends),
    ]
    step = {
        "args": [{"name": "revision"}],
        "dryRun": [{"metricName": query["name"]} for query in read],
        "metrics": [metric("good", written.good, ">= 1", **ends), *read],
    }
    whole = {"args": [{"name": "revision"}], "metrics": [metric("good", written.good, ">= 1")]}
    for when, spec, notes in (("step", step, STEP_NOTES), ("whole", whole, WHOLE_NOTES)):
        kind, name = "AnalysisTemplate", f"{workload.name}-{when}"
        yield an_object(plan, API, kind, name, {"spec": spec}, of=workload, notes=notes)
