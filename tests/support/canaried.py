"""What Flagger and Argo Rollouts would ask of Prometheus, read off the objects that are rendered.

`promtool` answers, over series of two versions of a service as a ServiceMonitor brings them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from objects import named
from rendered import plan_of

from tarmac.base.report import Skip
from tarmac.check.gates.views.programs import find
from tarmac.plan import analysis
from tarmac.plan.analysis import Analysis

#: The two revisions' hashes, and who tries: (system, environment, service).
NEW, OLD = "6d9f8b7c5x", "7c5x6d9f8b"
FLAGGER = ("shop", "production", "api-gateway")
ARGO = ("travel", "prod", "catalog")
#: A scrape each 30 s for so long; the question is put at its end.
MINUTES = 4


@dataclass(frozen=True)
class Traffic:
    """What one version of a service is asked in a minute, and how it answers."""

    per_minute: float
    failing_percent: float = 0.0
    #: How long all requests take: the bucket that they are in.
    takes_s: float = 0.1
    route: str = "/x"


def promtool() -> str:
    """Find promtool; without it a test is skipped and says how to get it."""
    try:
        return find("promtool")
    except Skip as missing:
        pytest.skip(f"{missing}; Debian's package prometheus has it")


def asked(case: tuple[str, str, str]) -> Analysis:
    """Give the analysis of a case."""
    plan = plan_of(*case[:2])
    return analysis.analysis(plan, plan.workload(case[2]))


def pods_of(case: tuple[str, str, str]) -> tuple[str, str]:
    """Name a pod of the new version and one of the stable, as each tool calls them."""
    name = case[2]
    stable = f"{name}-primary-{OLD}-x7k2p" if case == FLAGGER else f"{name}-{OLD}-x7k2p"
    return f"{name}-{NEW}-p2k7x", stable


def series(case: tuple[str, str, str], pod: str, traffic: Traffic) -> list[dict[str, str]]:
    """Write what a pod exports, as promtool reads it: a first value, and what each scrape adds."""
    name, plan = case[2], plan_of(*case[:2])
    step = traffic.per_minute / 2
    found = []
    for status, share in (("200", 100 - traffic.failing_percent), ("503", traffic.failing_percent)):
        if not share:
            continue
        labels = (
            f'namespace="{plan.namespace}",pod="{pod}",container="{name}",job="{name}",'
            f'endpoint="http",service="{name}",method="GET",route="{traffic.route}",status="{status}"'
        )
        per_step = step * share / 100
        values = f"0+{per_step:g}x{MINUTES * 2}"
        found.append({"series": f"http_requests_total{{{labels}}}", "values": values})
        for bound in ("0.05", "0.1", "0.2", "0.3", "0.5", "1.0", "2.5", "+Inf"):
            within = traffic.takes_s <= float(bound)
            found.append(
                {
                    "series": f'http_request_duration_seconds_bucket{{{labels},le="{bound}"}}',
                    "values": values if within else f"0x{MINUTES * 2}",
                }
            )
    return found


def flagger_conditions(case: tuple[str, str, str]) -> list[tuple[str, str]]:
    """List the rules by which Flagger takes a look for good: a query, and what its value must be.

    It halts where there is no value or no number, and where one is out of its range.
    """
    canary = named(*case[:2], "Canary", case[2])
    found = []
    for metric in canary["spec"]["analysis"]["metrics"]:
        template = named(*case[:2], "MetricTemplate", metric["templateRef"]["name"])
        bounds = metric["thresholdRange"]
        condition = f">= {bounds['min']}" if "min" in bounds else f"<= {bounds['max']}"
        found.append((template["spec"]["query"], condition))
    return found


def argo_conditions(case: tuple[str, str, str], template: str) -> list[tuple[str, str]]:
    """List the rules by which Argo Rollouts takes a look for good; a dry run decides nothing."""
    spec = named(*case[:2], "AnalysisTemplate", f"{case[2]}-{template}")["spec"]
    dry = {metric["metricName"] for metric in spec.get("dryRun", ())}
    found = []
    for metric in spec["metrics"]:
        if metric["name"] in dry:
            continue
        start, _, condition = metric["successCondition"].partition("result[0] ")
        assert start == "len(result) > 0 && "
        query = metric["provider"]["prometheus"]["query"].replace("{{args.revision}}", NEW)
        found.append((query, condition))
    return found


def good_looks(
    looks: Iterable[tuple[list[tuple[str, str]], list[dict[str, str]]]], folder: Path
) -> list[bool]:
    """Have promtool say of each look, by its conditions and its series, whether it is good.

    Of each a rule is made that yields something where all conditions hold; its unit test expects
    that it does, and fails where it does not.
    """
    rules, tests = [], []
    for number, (conditions, given) in enumerate(looks):
        name = f"look_{number}"
        # A comparison of a scalar vector keeps the value where it holds; NaN never does.
        whole = " and on () ".join(f"(({query}) {condition})" for query, condition in conditions)
        rules.append({"alert": name, "expr": f"vector(1) and on () {whole}"})
        firing = [{"exp_labels": {}}]
        tests.append(
            {
                "interval": "30s",
                "input_series": given,
                "alert_rule_test": [
                    {"eval_time": f"{MINUTES}m", "alertname": name, "exp_alerts": firing}
                ],
            }
        )
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    verdicts = []
    for number, test in enumerate(tests):
        file = folder / f"test-{number}.yaml"
        file.write_text(json.dumps({"rule_files": ["rules.yaml"], "tests": [test]}))
        done = subprocess.run(
            [promtool(), "test", "rules", str(file)], text=True, capture_output=True, check=False
        )
        said = done.stdout + done.stderr
        assert "SUCCESS" in said or "got:[" in said.replace(" ", ""), said
        verdicts.append(done.returncode == 0)
    return verdicts
