"""Secrets that charts of the script wait for, whose values are an operator's to give."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.routing import config, secret_name, secrets
from tarmac.render.observability.charts.prometheus import stack
from tarmac.render.observability.charts.used import STACK, used


def awaited(plan: ClusterPlan) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name and the keys of each; they are beside what keeps signals.

    Helm waits for Grafana, whose pod does not begin without its Secret, and so does Alertmanager's.
    """
    if STACK not in used(plan):
        return
    admin = stack(plan)["grafana"]["admin"]
    yield admin["existingSecret"], (admin["userKey"], admin["passwordKey"])
    if config(plan):
        yield secret_name(plan), tuple(secrets(plan))


def steps(plan: ClusterPlan) -> Iterator[str]:
    """Write what asks for them before anything is installed."""
    for name, keys in awaited(plan):
        yield " ".join(("need_secret", plan.settings.monitoring, name, *keys))


def listed(plan: ClusterPlan) -> str:
    """Write an item of a page's list for each."""
    return "".join(
        f"- the Secret `{name}` in the namespace `{plan.settings.monitoring}`, with "
        f"{' and '.join(f'`{key}`' for key in keys)}: a chart waits for it;\n"
        for name, keys in awaited(plan)
    )
