"""GitHub's jobs that deliver without a GitOps repository: a version's tag, and Helm."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import delivery_steps as d
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import signing, store_setups
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.pipelines.parts.github_tools import tools


def release(plan: ClusterPlan, stage: st.Stage) -> dict[str, Any]:
    """Put a version's tag on the images that were just pushed; the image updater looks for it."""
    target = stage.settings.registry or ""
    copy = 'skopeo copy --all --preserve-digests "docker://$REGISTRY/$SERVICE@$(cat "$DIGEST")"'
    ready, signature = d.ready(plan, stage), signing.asked(plan, target)
    return g.job(
        [
            # Its images are all that it needs otherwise.
            *([d.checkout()] if ready or signature else []),
            *([*tools(plan, only="python"), *ready] if ready else []),
            d.digest(),
            *g.login(plan, target, f"ci-deploy-{stage.name}"),
            *signature,
            g.step(
                "Name it by the version",
                f'{copy} "docker://$REGISTRY/$SERVICE:${{GITHUB_REF_NAME#v}}"',
                env={
                    "REGISTRY": target,
                    "SERVICE": g.SERVICE,
                    "DIGEST": f".tarmac/ci/{g.SERVICE}.digest",
                },
            ),
        ],
        minutes=10,
        needs=d.needs(stage, "detect-changes", "build-and-scan"),
        when="github.ref_type == 'tag'",
        permissions=g.identity(target),
        **d.named(stage),
        **d.once(stage, g.SERVICE),
        **g.matrix(),
    )


def helm(plan: ClusterPlan, stage: st.Stage) -> dict[str, Any]:
    """Deploy with Helm, wait until it serves, and go back where it does not."""
    registry, namespace = stage.settings.registry or "", stage.settings.namespace or plan.system
    render = f"{' '.join(st.TARMAC)} render {st.command(plan)} --env {stage.name} --out .deploy"
    region = stage.settings.region or "us-east-1"
    setting_up = store_setups.commands(stage)
    steps = [
        d.checkout(),
        d.newest(plan),
        d.digest(),
        *tools(plan, only="python"),
        *d.ready(plan, stage),
        *g.login(plan, registry, f"ci-deploy-{stage.name}"),
        *signing.asked(plan, registry),
        g.step(
            "Reach the cluster",
            f'aws eks update-kubeconfig --name "$CLUSTER" --region {region}',
            env={"CLUSTER": f"${{{{ vars.EKS_CLUSTER || '{plan.system}' }}}}"},
        ),
        g.step("The chart and its values", render),
        *([g.step("Set the stores up", *setting_up, when=d.GO)] if setting_up else []),
        g.step(
            "Deploy",
            'helm upgrade --install "$SERVICE" .deploy/charts/service \\',
            '  --values ".deploy/charts/values/$SERVICE.yaml" \\',
            f"  --namespace {namespace} \\",
            '  --set "image.digest=$(cat "$DIGEST")" \\',
            "  --wait --atomic --timeout 5m",
            when=d.GO,
            env={"SERVICE": g.SERVICE, "DIGEST": f".tarmac/ci/{g.SERVICE}.digest"},
        ),
    ]
    return g.job(
        steps,
        minutes=15,
        needs=d.needs(stage, "detect-changes", "build-and-scan"),
        when=d.MAIN,
        permissions=g.identity(registry),
        **d.named(stage),
        **d.once(stage, g.SERVICE),
        **g.matrix(),
    )
