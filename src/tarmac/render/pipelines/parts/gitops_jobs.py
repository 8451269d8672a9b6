"""GitHub's jobs that write the GitOps repository: after a push, and after an approval."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import delivery_steps as d
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import signing
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.pipelines.parts.github_tools import tools


def bump(plan: ClusterPlan, stage: st.Stage) -> dict[str, Any]:
    """Write what was pushed into the GitOps repository."""
    line = f'scripts/bump {stage.name} {d.GITOPS} --image "$SERVICE=$(cat "$DIGEST")"'
    env = {"SERVICE": g.SERVICE, "DIGEST": f".tarmac/ci/{g.SERVICE}.digest"}
    copy = d.copied(plan, stage, st.registry(plan))
    steps = [
        d.checkout(),
        d.newest(plan),
        d.digest(),
        *copy,
        *d.gitops(plan, stage.settings.gitops.revision if stage.settings.gitops else "main"),
        *tools(plan, only="python"),
        *d.ready(plan, stage),
        g.step("Commit", line, when=d.GO, env=env),
    ]
    return g.job(
        steps,
        minutes=10,
        needs=d.needs(stage, "detect-changes", "build-and-scan"),
        when=d.MAIN,
        permissions=g.identity(stage.settings.registry or "" if copy else ""),
        **d.named(stage),
        **d.once(stage, g.SERVICE),
        **g.matrix(),
    )


def promote(plan: ClusterPlan, stage: st.Stage) -> dict[str, Any]:
    """Let the environment run what the one before it runs, once it is approved."""
    before = next(earlier for earlier in st.stages(plan) if earlier.name == stage.after)
    source, target = before.settings.registry or "", stage.settings.registry or ""
    listed = f"jq -r 'to_entries[] | \"\\(.key) \\(.value)\"' {d.GITOPS}/images/{before.name}.json"
    login = g.login(plan, target, f"ci-deploy-{stage.name}")
    signatures = signing.asked_of_all(plan, source, listed)
    copy = [*login, *signatures] if signatures else []
    if source != target:
        copy = [
            *login,
            d.other_login(plan, source),
            *signatures,
            g.step(
                "Copy the images",
                f"{listed} |",
                "  while read -r service digest; do",
                '    skopeo copy --all --preserve-digests "docker://$FROM/$service@$digest" \\',
                '      "docker://$TO/$service@$digest"',
                "  done",
                env={"FROM": source, "TO": target},
            ),
        ]
    steps = [
        d.checkout(),
        *d.gitops(plan, stage.settings.gitops.revision if stage.settings.gitops else "main"),
        *copy,
        *tools(plan, only="python"),
        *d.ready(plan, stage),
        g.step("Commit", f"scripts/bump {stage.name} {d.GITOPS} --from {stage.after}"),
    ]
    return g.job(
        steps,
        minutes=10,
        needs=d.needs(stage, f"deploy-{stage.after}"),
        when=d.MAIN,
        permissions=g.identity(target if copy else ""),
        **d.named(stage),
        **d.once(stage),
    )
