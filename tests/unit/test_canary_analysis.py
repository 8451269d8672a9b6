"""One analysis: Flagger and Argo Rollouts ask the same of a new version and decide the same."""

from __future__ import annotations

import pytest
from canaried import (
    ARGO,
    FLAGGER,
    NEW,
    OLD,
    Traffic,
    argo_conditions,
    asked,
    flagger_conditions,
    good_looks,
    pods_of,
    series,
)
from objects import named, objects_of

from tarmac.base.written import duration
from tarmac.plan.analysis import Analysis, AnalysisRun, CanaryDecision, decide, is_good

ANALYSIS = Analysis(
    service="x",
    namespace="y",
    weights=(10, 20, 30, 40, 50),
    every_s=60.0,
    failures=5,
    success=99.0,
    p99_s=0.5,
    requests=10,
    measured="service",
)
GOOD = AnalysisRun(requests=100, success=100, p99_s=0.1)
SLOW = AnalysisRun(requests=100, success=100, p99_s=0.51)
FAILING = AnalysisRun(requests=100, success=98.9, p99_s=0.1)
THIN = AnalysisRun(requests=9, success=100, p99_s=0.1)


@pytest.mark.parametrize(
    ("looks", "decision"),
    [
        ([], CanaryDecision("hold", 10)),
        ([GOOD], CanaryDecision("hold", 20)),
        ([GOOD] * 4, CanaryDecision("hold", 50)),
        ([GOOD] * 5, CanaryDecision("promote", 100)),
        ([FAILING], CanaryDecision("hold", 10)),
        ([GOOD, SLOW, GOOD], CanaryDecision("hold", 30)),
        ([FAILING] * 4, CanaryDecision("hold", 10)),
        ([FAILING] * 5, CanaryDecision("abort", 0)),
        ([SLOW] * 5, CanaryDecision("abort", 0)),
        ([THIN] * 5, CanaryDecision("abort", 0)),
        ([THIN, SLOW, FAILING, THIN, GOOD], CanaryDecision("hold", 20)),
        ([GOOD, FAILING] * 4 + [GOOD], CanaryDecision("promote", 100)),
        ([FAILING, GOOD] * 4 + [FAILING], CanaryDecision("abort", 0)),
        ([GOOD] * 5 + [FAILING] * 5, CanaryDecision("promote", 100)),
    ],
)
def test_analysis_runs_lead_to_a_decision(looks, decision):
    assert decide(ANALYSIS, looks) == decision


def test_what_is_just_at_its_bound_is_good():
    assert is_good(ANALYSIS, AnalysisRun(requests=10, success=99, p99_s=0.5))


def test_durations_are_written_as_both_tools_read_them():
    assert [duration(seconds, "m") for seconds in (60.0, 90.0, 600.0)] == ["1m", "90s", "10m"]


#: What the new version does while the stable one does well, and whether its look is good.
NEW_VERSIONS = {
    "as good as before": (Traffic(60), True),
    "no requests": (None, False),
    "too few requests": (Traffic(3), False),
    "every request fails": (Traffic(60, failing_percent=100), False),
    "2% fail": (Traffic(60, failing_percent=2), False),
    "0.5% fail": (Traffic(600, failing_percent=0.5), True),
    "slow": (Traffic(60, takes_s=0.9), False),
    "as slow as it may be": (Traffic(60, takes_s=0.5), True),
    "probes alone": (Traffic(60, route="/health/ready"), False),
    "scrapes alone": (Traffic(60, route="/metrics"), False),
    "slow and failing": (Traffic(60, failing_percent=50, takes_s=2.0), False),
}


def seen(case, new, old):
    fresh, stable = pods_of(case)
    return (series(case, fresh, new) if new else []) + series(case, stable, old)


#: By which tool a case is judged, and how its conditions are read from what is rendered.
TOOLS = {
    "flagger": (FLAGGER, lambda: flagger_conditions(FLAGGER)),
    "argo step": (ARGO, lambda: argo_conditions(ARGO, "step")),
    "argo whole": (ARGO, lambda: argo_conditions(ARGO, "whole")),
}


def conditions_of(tool):
    case, read = TOOLS[tool]
    return case, read()


@pytest.mark.parametrize("tool", TOOLS)
def test_prometheus_tells_a_good_version_from_a_bad_one_beside_a_good_stable_one(tool, tmp_path):
    case, conditions = conditions_of(tool)
    looks = [(conditions, seen(case, new, Traffic(600))) for new, _ in NEW_VERSIONS.values()]
    found = dict(zip(NEW_VERSIONS, good_looks(looks, tmp_path), strict=True))
    assert found == {name: good for name, (_, good) in NEW_VERSIONS.items()}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_stable_version_that_fails_is_not_held_against_a_good_new_one(tool, tmp_path):
    case, conditions = conditions_of(tool)
    looks = [
        (conditions, seen(case, Traffic(60), Traffic(600, failing_percent=50, takes_s=2.0))),
        # Nor does what only looks like it from afar: a job of the service, a neighbour's pods.
        (conditions, neighbours(case)),
    ]
    assert good_looks(looks, tmp_path) == [True, False]


def neighbours(case):
    name = case[2]
    found = []
    for pod in (f"{name}-x-{NEW}-abcde", f"x-{name}-{NEW}-abcde", f"{name}-primary-{OLD}-abcde"):
        found += series(case, pod, Traffic(600))
    return found


def test_both_ask_by_the_numbers_of_their_environment():
    for case in (FLAGGER, ARGO):
        wanted = asked(case)
        assert (wanted.weights, wanted.every_s, wanted.failures) == ((10, 20, 30, 40, 50), 60.0, 5)
        assert (wanted.success, wanted.p99_s) == (99, 0.5)
    canary = named(*FLAGGER[:2], "Canary", FLAGGER[2])["spec"]
    assert canary["analysis"]["stepWeights"] == [10, 20, 30, 40, 50]
    assert (canary["analysis"]["interval"], canary["analysis"]["threshold"]) == ("1m", 5)
    rollout = named(*ARGO[:2], "Rollout", ARGO[2])["spec"]
    steps = rollout["strategy"]["canary"]["steps"]
    assert [step["setWeight"] for step in steps[::2]] == [10, 20, 30, 40, 50]
    assert all("analysis" in step for step in steps[1::2])
    for template in ("step", "whole"):
        spec = named(*ARGO[:2], "AnalysisTemplate", f"{ARGO[2]}-{template}")["spec"]
        for metric in spec["metrics"]:
            # One failure more than the limit ends it.
            assert (metric["interval"], metric["failureLimit"] + 1) == ("1m", 5)


def test_a_step_lasts_until_a_good_look_and_bad_looks_are_counted_over_all_steps():
    step, whole = (
        named(*ARGO[:2], "AnalysisTemplate", f"{ARGO[2]}-{scope}")["spec"]["metrics"]
        for scope in ("step", "whole")
    )
    assert {metric["consecutiveSuccessLimit"] for metric in step} == {1}
    assert [metric.get("consecutiveSuccessLimit") for metric in whole] == [None]
    analysed = named(*ARGO[:2], "Rollout", ARGO[2])["spec"]["strategy"]["canary"]["analysis"]
    assert analysed["templates"] == [{"templateName": f"{ARGO[2]}-whole"}]


def test_flaggers_copy_is_found_by_all_that_finds_the_original():
    deployment = named(*FLAGGER[:2], "Deployment", FLAGGER[2])["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    # Of a selector's labels it changes the first of these, in the pods' labels too.
    changed = next(k for k in ("app", "name", "app.kubernetes.io/name") if k in labels)
    assert deployment["selector"]["matchLabels"][changed] == FLAGGER[2]
    copied = {**labels, changed: f"{FLAGGER[2]}-primary"}
    for kind, path in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
        wanted = named(*FLAGGER[:2], kind, FLAGGER[2])["spec"][path]["matchLabels"]
        assert wanted.items() <= copied.items(), kind
    # And in a spread's, where it is one of them and its value the name.
    for rule in deployment["template"]["spec"]["topologySpreadConstraints"]:
        spread = {
            k: f"{v}-primary" if v == FLAGGER[2] else v
            for k, v in rule["labelSelector"]["matchLabels"].items()
        }
        assert spread.items() <= copied.items()
    for role in ("primary", "canary"):
        service = named(*FLAGGER[:2], "Canary", FLAGGER[2])["spec"]["service"][role]["labels"]
        monitor = named(*FLAGGER[:2], "ServiceMonitor", FLAGGER[2])["spec"]["selector"]
        assert monitor["matchLabels"].items() <= service.items()


def test_nothing_is_rendered_that_flagger_makes_itself():
    tried = {
        manifest["metadata"]["name"] for manifest in objects_of("shop", "production", "Canary")
    }
    assert tried == {"api-gateway", "product-service"}
    made = {f"{name}{end}" for name in tried for end in ("", "-primary", "-canary")}
    for kind in ("Service", "VirtualService", "DestinationRule", "HTTPRoute"):
        there = {
            manifest["metadata"]["name"] for manifest in objects_of("shop", "production", kind)
        }
        assert there & made == set()
    for name in tried:
        assert "replicas" not in named("shop", "production", "Deployment", name)["spec"]


@pytest.mark.parametrize("environment", ["stg", "prod"])
def test_a_rollout_has_the_number_and_its_pods_are_counted_once(environment):
    for rollout in objects_of("travel", environment, "Rollout"):
        name = rollout["metadata"]["name"]
        deployment = named("travel", environment, "Deployment", name)
        assert rollout["spec"]["workloadRef"]["name"] == name
        assert "replicas" not in deployment["spec"]
        scaler = named("travel", environment, "HorizontalPodAutoscaler", name)["spec"]
        assert scaler["scaleTargetRef"]["kind"] == "Rollout"
        wanted = named("travel", environment, "ServiceMonitor", name)["spec"]["selector"]
        scraped = [
            manifest["metadata"]["name"]
            for manifest in objects_of("travel", environment, "Service")
            if wanted["matchLabels"].items() <= manifest["metadata"]["labels"].items()
        ]
        assert scraped == [name]


@pytest.mark.parametrize("environment", ["stg", "prod"])
def test_every_route_that_a_rollout_moves_leads_to_both_of_its_revisions(environment):
    for rollout in objects_of("travel", environment, "Rollout"):
        canary = rollout["spec"]["strategy"]["canary"]
        both = {canary["stableService"]: 100, canary["canaryService"]: 0}
        (plugin,) = canary["trafficRouting"]["plugins"].values()
        assert len(plugin["httpRoutes"]) >= 2
        for http_route in plugin["httpRoutes"]:
            route = named("travel", environment, "HTTPRoute", http_route["name"])
            weights = [
                {end["name"]: end.get("weight") for end in rule["backendRefs"]}
                for rule in route["spec"]["rules"]
            ]
            assert both in weights
