"""What fills an empty cluster: the programs whose kinds are rendered, Argo CD, then the root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tarmac import versions
from tarmac.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset
from tarmac.render.gitops.parts import argo_objects, environment

ARGO, ISTIO = (
    "https://argoproj.github.io/argo-helm",
    "https://istio-release.storage.googleapis.com/charts",
)
#: Program of the catalogue -> its releases: name, namespace, chart's repository, chart. The
#: operator is first: the others make monitors, which are of its kinds.
CHARTS: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "prometheus-operator": (
        ("kube-prometheus-stack", "monitoring",
         "https://prometheus-community.github.io/helm-charts", "kube-prometheus-stack"),
    ),
    "cert-manager": (
        ("cert-manager", "cert-manager", "https://charts.jetstack.io", "cert-manager"),
    ),
    "external-secrets": (
        ("external-secrets", "external-secrets", "https://charts.external-secrets.io",
         "external-secrets"),
    ),
    "istio": (
        ("istio-base", "istio-system", ISTIO, "base"),
        ("istio-cni", "istio-system", ISTIO, "cni"),
        ("istiod", "istio-system", ISTIO, "istiod"),
    ),
    "flagger": (("flagger", "istio-system", "https://flagger.app", "flagger"),),
    "argo-rollouts": (("argo-rollouts", "argo-rollouts", ARGO, "argo-rollouts"),),
    "keda": (("keda", "keda", "https://kedacore.github.io/charts", "keda"),),
    "argo-cd": (("argocd", argo_objects.NAMESPACE, ARGO, "argo-cd"),),
    "argocd-image-updater": (
        ("argocd-image-updater", argo_objects.NAMESPACE, ARGO, "argocd-image-updater"),
    ),
}  # fmt: skip
#: Kinds of the Argo family that Argo CD does not bring itself.
ROLLOUTS = ("Rollout", "AnalysisTemplate", "ClusterAnalysisTemplate", "Experiment")
#: Applications are health-checked no more by default since Argo CD 1.8, and without that a wave of
#: the root would not wait for the one before (argo-cd: operator-manual/health).
HEALTH = """\
local hs = {status = "Progressing", message = ""}
if obj.status ~= nil and obj.status.health ~= nil and obj.status.health.status ~= nil then
  hs.status = obj.status.health.status
  hs.message = obj.status.health.message or ""
end
return hs
"""
GATEWAY_API = "gateway.networking.k8s.io/v1"


def programs(plan: ClusterPlan, objects: Iterable[Artifact]) -> dict[str, str]:
    """List what must be there before, with its version: by the objects' kinds."""
    catalogue = versions.read()
    found = set()
    for artifact in objects:
        api = catalogue.apis.get(artifact.data["apiVersion"])
        if artifact.data["kind"] in ROLLOUTS:
            found.add("argo-rollouts")
        elif api is not None and api.chart:
            found.add(api.chart)
    if plan.settings.mesh:
        found.add(plan.settings.mesh)
    if environment.settings(plan).updater:
        found.add("argocd-image-updater")
    names = [chart for chart in CHARTS if chart in {*found, "argo-cd"}]
    return {name: catalogue.charts[name].version.removeprefix("v") for name in names}


def values(plan: ClusterPlan) -> Artifact:
    """Write the values of Argo CD's published chart."""
    health = "resource.customizations.health.argoproj.io_Application"
    watched = plan.settings.observability
    metrics: dict[str, Any] = {"enabled": True}
    if watched and watched.metrics == "prometheus":
        metrics["serviceMonitor"] = {"enabled": True}
    content: dict[str, Any] = {
        "global": {"domain": f"argocd.{plan.domain}"},
        "configs": {
            "params": {"server.insecure": False},
            "cm": {
                "exec.enabled": False,
                "application.resourceTrackingMethod": "annotation",
                health: HEALTH,
            },
            "rbac": {"policy.default": "role:readonly", "scopes": "[groups]"},
        },
        "controller": {"replicas": 1, "metrics": metrics},
        "server": {"replicas": 2},
        "repoServer": {"replicas": 2},
        "applicationSet": {"replicas": 2},
    }
    notes = (
        "The AppProject's roles say which users may sync; all others may read. Tracking by",
        "annotation: labels are copied by what makes pods of its own (Flagger's primaries).",
        "The first password is in the Secret argocd-initial-admin-secret: delete it after the",
        "first login, and set `configs.cm.admin.enabled: false` when single sign-on works.",
    )
    return Artifact("argocd/values/argo-cd.yaml", content, plan.model, notes)


def updater(plan: ClusterPlan) -> Artifact:
    """Write the values of the image updater's chart: it reads the Applications' annotations."""
    registry = (plan.settings.registry or plan.system).partition("/")[0]
    own = {
        "apiVersion": "argocd-image-updater.argoproj.io/v1alpha1",
        "kind": "ImageUpdater",
        "metadata": {"name": plan.system, "namespace": argo_objects.NAMESPACE},
        "spec": {"applicationRefs": [{"namePattern": "*", "useAnnotations": True}]},
    }
    content: dict[str, Any] = {
        "extraObjects": [own],
        "config": {
            "registries": [
                {"name": "images", "prefix": registry, "api_url": f"https://{registry}",
                 "credentials": "ext:/scripts/login.sh", "credsexpire": "10h"}
            ]
        },
    }  # fmt: skip
    notes = (
        "From 1.0 on the updater reads annotations only where an ImageUpdater says so. The script",
        "/scripts/login.sh is yours (`authScripts`): it prints USER:PASSWORD for the registry.",
        "Its commits need the right to push to the repository, as the only program besides CI's.",
    )
    return Artifact("argocd/values/argocd-image-updater.yaml", content, plan.model, notes)


def script(plan: ClusterPlan, needed: Mapping[str, str], apis: Iterable[str]) -> Artifact:
    """Write the one command that fills an empty cluster."""
    lines = [
        "#!/usr/bin/env bash",
        "set -euo pipefail",
        "# shellcheck source=/dev/null",
        '. "$(dirname "$0")/platform.sh"',
        "need helm kubectl",
    ]
    if GATEWAY_API in apis:
        lines.append("need_kind gateways.gateway.networking.k8s.io")
    for name, version in needed.items():
        for release, namespace, repository, chart in CHARTS[name]:
            where = f"{release} {namespace} {repository} {chart}"
            lines.append(f"chart {where} {version}")
    lines += [
        (
            "kubectl wait --for=condition=available --timeout=300s "
            f"--namespace {argo_objects.NAMESPACE} \\"
        ),
        "  deployment/argocd-server",
        "# Only the root and its project: what is below is for Argo CD to read.",
        "start project.yaml",
        "start root.yaml",
    ]
    note = f"Fills an empty cluster with {plan.system} for {plan.environment}; repeatable."
    text = "\n".join(lines) + "\n"
    return Artifact("bootstrap/start.sh", text, plan.model, (note,), executable=True)


def readme(
    plan: ClusterPlan, needed: Mapping[str, str], apps: Sequence[tuple[str, int, str]]
) -> Artifact:
    """Write the steps from an empty cluster and this repository."""
    rows = "\n".join(f"| {name} | {version} |" for name, version in needed.items())
    order = "\n".join(f"| {wave} | {name} | `{path}` |" for name, wave, path in apps)
    space, home = argo_objects.NAMESPACE, environment.home(plan)
    text = f"""\
# {plan.system}, {plan.environment}: from an empty cluster

All that runs is in this repository. One command fills the cluster that kubectl points at; it may be
repeated:

```sh
{home}/bootstrap/start.sh
```

It installs these, then Argo CD, then `argocd/project.yaml` and `argocd/root.yaml`; the rest is
Argo CD's:

| Program | Version |
|---|---|
{rows}

Before it, once, manually:

- the Secret with which Argo CD reads this repository, if it is private: in the namespace `{space}`,
  with the label `argocd.argoproj.io/secret-type: repository`;
- what the secrets' store in the cloud must hold, and the role that reads it: see the SecretStore
  and the ExternalSecrets below `k8s/`.

## What comes in which order

A wave begins when all of the one before is healthy.

| Wave | Application | From |
|---|---|---|
{order}

## Open its page

```sh
kubectl -n {space} get applications
kubectl -n {space} get secret argocd-initial-admin-secret \\
  -o jsonpath='{{.data.password}}' | base64 -d
kubectl -n {space} port-forward svc/argocd-server 8080:443     # https://localhost:8080
```

A namespace or a disk that is no longer in git stays until an operator confirms it in Argo CD.
"""
    return Artifact("bootstrap/README.md", text, plan.model)


def files(
    plan: ClusterPlan, objects: Sequence[Artifact], apps: Sequence[tuple[str, int, str]]
) -> Iterator[Artifact]:
    """Yield what fills an empty cluster: values, a script and its page."""
    needed = programs(plan, objects)
    apis = {artifact.data["apiVersion"] for artifact in objects}
    yield values(plan)
    if environment.settings(plan).updater:
        yield updater(plan)
    yield Artifact(
        "bootstrap/platform.sh", asset("gitops/platform.sh"), plan.model, executable=True
    )
    yield script(plan, needed, apis)
    yield readme(plan, needed, apps)
