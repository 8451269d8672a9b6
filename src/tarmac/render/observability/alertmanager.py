"""Alertmanager's configuration as a file: receivers, routes and inhibitions."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.routing import MOUNTED, config, secret_name, secrets
from tarmac.render.renderer import Renderer

FILE = "observability/alertmanager.yaml"


def _notes(plan: ClusterPlan) -> tuple[str, ...]:
    name = secret_name(plan)
    mounted = f"Mount the Secret {name} of the namespace {plan.settings.monitoring} at"
    made = [
        f"  {key}: {what}" + (f" ({where})" if where else "")
        for key, (what, where) in secrets(plan).items()
    ]
    return (
        f"{mounted} {MOUNTED}/{name}; it holds no more than",
        *made,
        "amtool check-config observability/alertmanager.yaml",
    )


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the configuration where an Alertmanager reads one."""
    if written := config(plan):
        yield Artifact(FILE, written, place=plan.model, notes=_notes(plan))


RENDERER = Renderer(
    id="alertmanager",
    phase="observability",
    title="Alertmanager: routes by severity, receivers, inhibition along declared edges",
    render=render,
)
