"""What fills an empty cluster: the programs whose kinds are rendered, Argo CD, then the root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tarmac.base.artifact import Artifact
from tarmac.model import vault
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.assets import asset
from tarmac.render.gitops.parts import argocd_values, awaited_secrets, environment
from tarmac.render.gitops.parts.argo_objects import NAMESPACE
from tarmac.render.gitops.parts.programs import programs, releases, signals

PAGE = "gitops/bootstrap.md"
#: Servers that begin at once each make a first password; one is kept, and any of them is told.
FIRST_ALONE = (
    "# The first time one server begins alone: two would make a first password each.",
    f"kubectl get deployment argocd-server --namespace {NAMESPACE} >/dev/null 2>&1 ||",
    "  chart {chart} --set server.replicas=1",
)
GATEWAY_API = "gateway.networking.k8s.io/v1"


def script(plan: ClusterPlan, needed: Mapping[str, str], objects: Sequence[Artifact]) -> Artifact:
    """Write the one command that fills an empty cluster."""
    apis = {artifact.data["apiVersion"] for artifact in objects}
    lines = [
        "#!/usr/bin/env bash",
        "set -euo pipefail",
        "# shellcheck source=/dev/null",
        '. "$(dirname "$0")/platform.sh"',
        "need helm kubectl",
    ]
    if GATEWAY_API in apis:
        lines.append("need_kind gateways.gateway.networking.k8s.io")
    lines += awaited_secrets.steps(plan)
    installed = {name: list(releases(name)) for name in needed}
    for name, version in needed.items():
        if name == "vault":
            lines.append(f"space {vault.NAMESPACE}")
            lines.append("given vault/tls.yaml")
        if name == "argo-cd":
            (release,) = installed[name]
            lines += [line.format(chart=f"{release} {version}") for line in FIRST_ALONE]
        lines += [f"chart {release} {version}" for release in installed[name]]
        if name == "gatekeeper":
            lines.append("policies")
    made = {release.split()[1] for found in installed.values() for release in found}
    lines += [f"space {name}" for name in _spaces(objects) if name not in made]
    lines += [
        f"kubectl wait --for=condition=available --timeout=300s --namespace {NAMESPACE} \\",
        "  deployment/argocd-server",
        *_secrets(plan, objects),
        "# Only the root and its project: what is below is for Argo CD to read.",
        "start project.yaml",
        "start root.yaml",
        *(f"chart {release} ={number}" for release, number in signals(plan).items()),
    ]
    note = f"Fills an empty cluster with {plan.system} for {plan.environment}; repeatable."
    text = "\n".join(lines) + "\n"
    return Artifact("bootstrap/start.sh", text, plan.model, (note,), executable=True)


def _spaces(objects: Sequence[Artifact]) -> list[str]:
    """List the namespaces of objects that none of the objects makes."""
    wanted = {artifact.data["metadata"].get("namespace", "") for artifact in objects}
    named = [one.data["metadata"]["name"] for one in objects if one.data["kind"] == "Namespace"]
    return sorted(wanted - {"", NAMESPACE, *named})


def _secrets(plan: ClusterPlan, objects: Iterable[Artifact]) -> Iterator[str]:
    """Write the step that creates Secrets in the namespace, if no external store has them."""
    if plan.settings.secrets != "script":
        return
    for artifact in objects:
        if artifact.data["kind"] == "Namespace":
            yield f'kubectl apply --filename "$tree/{artifact.path}"'
    yield '"$tree/scripts/secrets.sh"'


def readme(
    plan: ClusterPlan, needed: Mapping[str, str], apps: Sequence[tuple[str, int, str]]
) -> Artifact:
    """Write the steps from an empty cluster and this repository."""
    charts = {f"{release.split()[0]}, its chart": one for release, one in signals(plan).items()}
    rows = "\n".join(f"| {name} | {version} |" for name, version in {**needed, **charts}.items())
    order = "\n".join(f"| {wave} | {name} | `{path}` |" for name, wave, path in apps)
    given = {
        "system": plan.system,
        "environment": plan.environment,
        "namespace": NAMESPACE,
        "home": environment.home(plan),
        "programs": rows,
        "awaited": awaited_secrets.listed(plan),
        "secrets": asset(f"gitops/secrets_{plan.settings.secrets}.md").rstrip(),
        "order": order,
    }
    text = texts.filled(asset(PAGE), given, PAGE)
    return Artifact("bootstrap/README.md", text, plan.model)


def files(
    plan: ClusterPlan, objects: Sequence[Artifact], apps: Sequence[tuple[str, int, str]]
) -> Iterator[Artifact]:
    """Yield what fills an empty cluster: values, a script and its page."""
    needed = programs(plan, objects)
    yield argocd_values.values(plan)
    if environment.settings(plan).updater:
        yield argocd_values.updater(plan)
    yield Artifact(
        "bootstrap/platform.sh", asset("gitops/platform.sh"), plan.model, executable=True
    )
    yield script(plan, needed, objects)
    yield readme(plan, needed, apps)
