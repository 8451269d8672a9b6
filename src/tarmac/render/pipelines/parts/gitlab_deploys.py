"""The jobs of GitLab's pipeline that deploy, and the one whose results they may wait for."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.pipelines.parts import service_checks, signing, store_setups
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.pipelines.parts.gitlab_jobs import MAIN, rules

#: The job that runs the checklist's tests.
CHECKLIST = "checklist"


def checklist(plan: ClusterPlan) -> dict[str, Any]:
    """Run the tests that the checklist names: once, for the deployments of all services."""
    return {
        "extends": ".python" if "python" in service_checks.languages(plan) else ".images",
        "stage": "build",
        "needs": [],
        "script": ["scripts/prove"],
        "artifacts": {"paths": [st.PROVEN], "expire_in": "1 week"},
        "timeout": "15 minutes",
        "rules": [{"if": MAIN}],
    }


def deploy(plan: ClusterPlan, workload: Workload, stage: st.Stage) -> dict[str, Any]:
    """Write what was pushed into the GitOps repository, or deploy it with Helm."""
    name = workload.name
    digest = f'"$(cat .tarmac/ci/{name}.digest)"'
    if stage.by == "helm":
        namespace = stage.settings.namespace or plan.system
        script = [
            f"{' '.join(st.TARMAC)} render {st.command(plan)} --env {stage.name} --out .deploy",
            *(["\n".join(setting_up)] if (setting_up := store_setups.commands(stage)) else []),
            (
                f"helm upgrade --install {name} .deploy/charts/service "
                f"--values .deploy/charts/values/{name}.yaml --namespace {namespace} "
                f"--set image.digest={digest} --wait --atomic --timeout 5m"
            ),
        ]
    else:
        script = [
            'git clone --depth 1 "$GITOPS_URL" .gitops',
            f"scripts/bump {stage.name} .gitops --image {name}={digest}",
        ]
    asked = stage.settings.checklist
    script[:0] = [
        *([st.ready(plan)] if asked else []),
        *signing.in_script(plan, "verify", name, st.registry(plan)),
    ]
    asks = {"when": "manual"} if stage.settings.approval else {}
    return {
        "extends": ".deploys",
        "stage": "deploy",
        "needs": [f"build:{name}", *([CHECKLIST] if asked else [])],
        "environment": {"name": stage.name},
        "resource_group": f"{stage.name}-{name}",
        "script": script,
        "timeout": "15 minutes",
        "rules": [{**rule, **asks} for rule in rules(plan, workload, main=True)],
    }
