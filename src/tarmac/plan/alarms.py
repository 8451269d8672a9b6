"""The alarms of an environment's objectives, which stop an experiment of AWS FIS.

`plan.infrastructure` has Terraform make them and the export of a drill names them: both by these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.model.objective import Objective
from tarmac.plan.cloud import CloudAlarm
from tarmac.plan.slo import budget
from tarmac.plan.slo.measured import MeasuredObjective

#: Of five minutes, as Prometheus records it: shorter ones are of too few scrapes.
METRIC = "slo:{name}:ratio_rate5m"
#: The burn rate at which a person is called at once (budget.TABLE).
FASTEST = budget.TABLE[0].factor
#: An objective whose budget is larger would burn so fast at no share above zero.
SMALLEST = 0.01


def alarms(objectives: Iterable[Objective], namespace: str) -> Iterator[CloudAlarm]:
    """Yield the alarm of each objective.

    Args:
        namespace: Kubernetes', which is that of the metrics, too.
    """
    for one in objectives:
        measured = MeasuredObjective(one, namespace)
        least = round(max(SMALLEST, 1 - FASTEST * measured.budget), 6)
        about = f"{measured.service}: {100 * least:g} % good requests at least, in five minutes"
        metric = METRIC.format(name=measured.name)
        # An alarm's name is unique in its account.
        name = f"{namespace}-{measured.name}"
        yield CloudAlarm(name, measured.name, metric, least, about)
