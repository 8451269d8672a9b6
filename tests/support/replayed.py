"""Rules of ours and of Sloth on one objective, and the same series replayed to both by promtool.

Decisions are compared inside promtool, from the series `ALERTS` that each evaluation leaves: who
fired at which step. What is said there by a query is nowhere computed a second time.
"""

from __future__ import annotations

import copy
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tarmac.base.written import duration
from tarmac.check.gates.views.programs import MORE_MEMORY
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.alerting.promtool import file, rule_test, sample
from tarmac.render.observability.alerting.promtool_lines import Line, Part
from tarmac.render.observability.alerting.slo_burn_rules import burns
from tarmac.render.observability.alerting.slo_recordings import recordings
from tarmac.render.observability.alerting.slo_rules import BURN

MINUTE_S = 60
#: Whole numbers for every share that is used here: a counter with a float's tail seems to fall.
PER_MINUTE = 10_000_000
#: Sloth's alert; ours is ErrorBudgetBurn.
THEIRS = "SlothBurn"
#: What Sloth calls it -> what we call it.
SEVERITIES = {"page": "critical", "ticket": "warning"}
#: How much later than Sloth's a ticket of ours may begin. Our windows of days are summed up from
#: what was recorded over 5 minutes, not from every pod's counters: a burst is in it after so long.
FOLDED_LAG_S = 5 * MINUTE_S
#: Of Sloth's two windows, its factor and its budget, as it writes them.
_PAIR = re.compile(
    r"ratio_rate(\w+)\{[^}]*\} > \(([\d.]+) \* ([\d.e-]+)\)\) without \(sloth_window\)"
    r"\s+and\s+max\(slo:sli_error:ratio_rate(\w+)\{"
)


@dataclass(frozen=True)
class Stretch:
    """What customers see for some time: the share that fails, of how much traffic."""

    bad: float
    lasts_s: float
    traffic: float = 1.0


@dataclass(frozen=True)
class Replay:
    """A course of events, by which clock it is looked at, and who must hear of it at all."""

    name: str
    stretches: tuple[Stretch, ...]
    told: frozenset[str]
    clock_s: int = MINUTE_S

    @property
    def end_s(self) -> float:
        """When the last of it is over."""
        return sum(stretch.lasts_s for stretch in self.stretches)

    def within_s(self, severity: str) -> int:
        """Say how far apart two decisions may be: one evaluation, and a ticket's lag."""
        if severity == "page" or self.clock_s > FOLDED_LAG_S:
            return self.clock_s
        return self.clock_s + FOLDED_LAG_S


def spec(plan: ClusterPlan, objective: MeasuredObjective) -> dict[str, Any]:
    """Write an objective as Sloth wants it, from the model alone."""
    asked = (
        f'http_requests_total{{namespace="{plan.namespace}",service="{objective.service}",'
        'route!~"/health(/.*)?|/metrics",status!~"408|499"'
    )
    events = {
        "error_query": f'sum(rate({asked},status=~"5.."}}[{{{{.window}}}}]))',
        "total_query": f"sum(rate({asked}}}[{{{{.window}}}}]))",
    }
    slo = {
        "name": objective.name,
        "objective": round(100 * objective.target, 10),
        "sli": {"events": events},
        "alerting": {"name": THEIRS},
    }
    return {"version": "prometheus/v1", "service": objective.service, "slos": [slo]}


def theirs(
    program: str, folder: Path, plan: ClusterPlan, objective: MeasuredObjective
) -> list[dict[str, Any]]:
    """Have Sloth write its groups of rules."""
    path = folder / "sloth.yaml"
    path.write_text(yaml.safe_dump(spec(plan, objective)))
    argv = [program, "generate", "-i", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    groups: list[dict[str, Any]] = yaml.safe_load(done.stdout)["groups"]
    return groups


def ours(plan: ClusterPlan, objective: MeasuredObjective) -> list[dict[str, Any]]:
    """Write our groups of rules on one objective, as the renderer of rules does for all."""
    return [
        {"name": "slo-rules", "rules": recordings(objective)},
        {"name": "slo-alerts", "rules": [told.rule for told in burns(plan, objective)]},
    ]


def pairs_of_sloth(groups: list[dict[str, Any]]) -> set[tuple[str, str, str, float, float]]:
    """Read Sloth's pairs: severity, long and short window, factor, budget."""
    return {
        (rule["labels"]["sloth_severity"], long, short, float(factor), round(float(allowed), 10))
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
        for short, factor, allowed, long in _PAIR.findall(rule["expr"])
    }


def _read_by_alerts(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what Sloth records for dashboards alone: it costs most of the time."""
    found = copy.deepcopy(groups)
    for group in found:
        group["rules"] = [
            rule
            for rule in group["rules"]
            if "alert" in rule
            or (
                rule["record"].startswith("slo:sli_error:")
                and rule["labels"]["sloth_window"] != "30d"
            )
        ]
    return [group for group in found if group["rules"]]


def _series(objective: MeasuredObjective, stretches: Iterable[Stretch]) -> list[Line]:
    """Make what a service exports meanwhile: also what counts for nothing."""

    def line(status: str, route: str, share: Any) -> Line:
        labels = {"namespace": objective.namespace, "service": objective.service}
        labels |= {"route": route, "method": "GET", "status": status}
        text = ",".join(f'{name}="{value}"' for name, value in labels.items())
        parts = tuple(
            Part(
                round(PER_MINUTE * stretch.traffic * share(stretch.bad)),
                round(stretch.lasts_s / MINUTE_S),
            )
            for stretch in stretches
        )
        return Line(f"http_requests_total{{{text}}}", parts, counter=True)

    found = [
        line("200", "/orders", lambda bad: (1 - bad) * 0.9),
        line("404", "/orders", lambda bad: (1 - bad) * 0.1),
        line("503", "/orders", lambda bad: bad),
        line("503", "/health/ready", lambda _bad: 0.5),
    ]
    # What has never happened has no series.
    return [row for row in found if any(part.value for part in row.parts)]


def _fired(severity: str, over: str = "") -> tuple[str, str]:
    """Select when we fired, and when Sloth did."""
    own = f'alertname="{BURN}",severity="{SEVERITIES[severity]}"'
    other = f'alertname="{THEIRS}",sloth_severity="{severity}"'
    said = [f'ALERTS{{alertstate="firing",{labels}}}{over}' for labels in (own, other)]
    return said[0], said[1]


def _compared(replay: Replay) -> list[dict[str, Any]]:
    """Ask at the end: who was told at all, and at which step one says what the other does not."""
    whole = f"[{duration(replay.end_s)}:{duration(replay.clock_s)}]"
    found = []
    for severity in SEVERITIES:
        within_s = replay.within_s(severity)
        # A step's half more, so that both ends count in every version of Prometheus.
        near = _fired(severity, f"[{duration(2 * within_s + replay.clock_s / 2)}]")
        then = _fired(severity, f" offset {duration(within_s)}")
        for one, other in ((then[0], near[1]), (then[1], near[0])):
            alone = f"(count({one}) unless on() count(count_over_time({other})))"
            first = f"min_over_time((time() + 0 * {alone}){whole})"
            found.append(sample(replay.end_s, first, "", 0))
        for said in _fired(severity, f"[{duration(replay.end_s)}]"):
            wanted = "{}" if severity in replay.told else ""
            asked = f"count(count_over_time({said})) > bool 0"
            found.append(sample(replay.end_s, asked, wanted, 1))
    return found


def replay(
    promtool: str,
    folder: Path,
    objective: MeasuredObjective,
    groups: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    replays: Iterable[Replay],
    samples: Iterable[Mapping[str, Any]] = (),
) -> str:
    """Replay to both; return what promtool objects to, nothing if all decisions are the same.

    Args:
        groups: our groups of rules, and Sloth's.
        samples: what else is expected of each.
    """
    both = [*groups[0], *_read_by_alerts(groups[1])]
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": both}))
    by_clock: dict[int, list[dict[str, Any]]] = {}
    for replayed in replays:
        asked = [*_compared(replayed), *samples]
        made = rule_test(
            replayed.name, MINUTE_S, _series(objective, replayed.stretches), samples=asked
        )
        by_clock.setdefault(replayed.clock_s, []).append(made)

    def said(clock_s: int) -> str:
        order = [group["name"] for group in both]
        path = folder / f"tests-{clock_s}.yaml"
        path.write_text(yaml.safe_dump(file(("rules.yaml",), clock_s, by_clock[clock_s], order)))
        argv = [promtool, "test", "rules", str(path)]
        environ = {**os.environ, **MORE_MEMORY}
        done = subprocess.run(
            argv, env=environ, capture_output=True, text=True, check=False, timeout=100
        )
        return done.stdout + done.stderr if done.returncode else ""

    # promtool uses one processor.
    with ThreadPoolExecutor() as pool:
        return "".join(pool.map(said, by_clock))
