"""The jobs of GitHub's workflow that deliver: one for each environment, in the model's order."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _github_jobs as j
from tarmac.render import _pipeline as p

GITOPS = ".gitops"
#: The key of a deployment: of the GitOps repository alone, and with the right to write.
KEY = "${{ secrets.GITOPS_DEPLOY_KEY }}"
MAIN = "github.ref_type == 'branch'"
#: Seconds within which a pipeline is to be done (the shop's roadmap: under eight minutes).
MOST_S = 480


def stages(plan: ClusterPlan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each job by its name."""
    if p.asks_checklist(plan):
        yield j.CHECKLIST, j.checklist(plan)
    for stage in p.stages(plan):
        make = {"bump": bump, "promote": promote, "release": release, "helm": helm}[stage.by]
        yield f"{_VERBS[stage.by]}-{stage.name}", make(plan, stage)


_VERBS = {"bump": "deploy", "promote": "deploy", "release": "release", "helm": "deploy"}


def _named(stage: p.Stage) -> dict[str, Any]:
    """Stand in the GitHub environment of that name: who lets a change in is said there."""
    return {"environment": {"name": stage.name}}


def _digest() -> dict[str, Any]:
    given = {"name": f"digest-{j.SERVICE}", "path": ".tarmac/ci"}
    return j.action("Its digest", "actions/download-artifact", given)


def _gitops(plan: ClusterPlan, revision: str) -> list[dict[str, Any]]:
    url = plan.delivery.gitops if plan.delivery else None
    given = {
        "repository": j.repository(url or ""),
        "ref": revision,
        "ssh-key": KEY,
        "path": GITOPS,
    }
    found = j.action("Check out the GitOps repository", "actions/checkout", given)
    who = (
        f'git -C {GITOPS} config user.name "$GITHUB_REPOSITORY"',
        f"git -C {GITOPS} config user.email ci@users.noreply.github.com",
    )
    return [found, j.step("Who commits there", *who)]


def _once(stage: p.Stage, each: str = "") -> dict[str, Any]:
    """Let one at a time write, by service: GitHub drops one that waits when a newer one comes."""
    group = f"deliver-{stage.name}" + (f"-{each}" if each else "")
    return {"concurrency": {"group": group, "cancel-in-progress": False}}


def _newest(plan: ClusterPlan) -> dict[str, Any]:
    """Do not put an older image over a newer one: a later commit may have been faster."""
    branch = plan.delivery.branch if plan.delivery else "main"
    return j.step(
        "Is it still the newest",
        f"git fetch --quiet origin {branch}",
        f'later=$(scripts/changed-services --base "$GITHUB_SHA" --head origin/{branch})',
        'if grep -qx "$SERVICE" <<<"$later"; then',
        '  echo "a later commit has changed $SERVICE; it delivers that" >>"$GITHUB_STEP_SUMMARY"',
        "else",
        '  echo "go=yes" >>"$GITHUB_OUTPUT"',
        "fi",
        id="newest",
        env={"SERVICE": j.SERVICE},
    )


GO = "steps.newest.outputs.go == 'yes'"


def _checkout() -> dict[str, Any]:
    return j.checkout(**{"fetch-depth": 0})


def _copied(plan: ClusterPlan, stage: p.Stage, source: str) -> list[dict[str, Any]]:
    """Bring the same image into the environment's own registry, where it has one."""
    target = stage.settings.registry or source
    if target == source:
        return []
    line = 'skopeo copy --all --preserve-digests "docker://$FROM/$SERVICE@$(cat "$DIGEST")"'
    return [
        *j.login(plan, target, f"ci-deploy-{stage.name}"),
        _other_login(plan, source),
        j.step(
            "Copy the image",
            f'{line} "docker://$TO/$SERVICE:sha-${{GITHUB_SHA:0:12}}"',
            env={
                "FROM": source,
                "TO": target,
                "SERVICE": j.SERVICE,
                "DIGEST": f".tarmac/ci/{j.SERVICE}.digest",
            },
        ),
    ]


def _other_login(plan: ClusterPlan, source: str) -> dict[str, Any]:
    login = j.login(plan, source, "")[-1]
    return {**login, "name": "Log in to the registry that it comes from"}


def _ready(plan: ClusterPlan, stage: p.Stage) -> list[dict[str, Any]]:
    """Go no further while a box of the checklist is open, where the environment asks for that."""
    if not stage.settings.checklist:
        return []
    given = {"name": j.CHECKLIST, "path": posixpath.dirname(p.PROVEN)}
    return [
        j.action("What came of its tests", "actions/download-artifact", given),
        j.step("Every box of the checklist passes", p.ready(plan)),
    ]


def _needs(stage: p.Stage, *others: str) -> tuple[str, ...]:
    return (*others, j.CHECKLIST) if stage.settings.checklist else others


def bump(plan: ClusterPlan, stage: p.Stage) -> dict[str, Any]:
    """Write what was pushed into the GitOps repository."""
    line = f'scripts/bump {stage.name} {GITOPS} --image "$SERVICE=$(cat "$DIGEST")"'
    env = {"SERVICE": j.SERVICE, "DIGEST": f".tarmac/ci/{j.SERVICE}.digest"}
    copy = _copied(plan, stage, p.registry(plan))
    steps = [
        _checkout(),
        _newest(plan),
        _digest(),
        *copy,
        *_gitops(plan, stage.settings.gitops.revision if stage.settings.gitops else "main"),
        *j.tools(plan, only="python"),
        *_ready(plan, stage),
        j.step("Commit", line, when=GO, env=env),
    ]
    return j.job(
        steps,
        minutes=10,
        needs=_needs(stage, "detect-changes", "build-and-scan"),
        when=MAIN,
        permissions=j.identity(stage.settings.registry or "" if copy else ""),
        **_named(stage),
        **_once(stage, j.SERVICE),
        **j.matrix(),
    )


def promote(plan: ClusterPlan, stage: p.Stage) -> dict[str, Any]:
    """Let the environment run what the one before it runs, once somebody has said so."""
    before = next(each for each in p.stages(plan) if each.name == stage.after)
    source, target = before.settings.registry or "", stage.settings.registry or ""
    copy: list[dict[str, Any]] = []
    if source != target:
        listed = (
            f"jq -r 'to_entries[] | \"\\(.key) \\(.value)\"' {GITOPS}/images/{before.name}.json"
        )
        copy = [
            *j.login(plan, target, f"ci-deploy-{stage.name}"),
            _other_login(plan, source),
            j.step(
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
        _checkout(),
        *_gitops(plan, stage.settings.gitops.revision if stage.settings.gitops else "main"),
        *copy,
        *j.tools(plan, only="python"),
        *_ready(plan, stage),
        j.step("Commit", f"scripts/bump {stage.name} {GITOPS} --from {stage.after}"),
    ]
    return j.job(
        steps,
        minutes=10,
        needs=_needs(stage, f"deploy-{stage.after}"),
        when=MAIN,
        permissions=j.identity(target if copy else ""),
        **_named(stage),
        **_once(stage),
    )


def release(plan: ClusterPlan, stage: p.Stage) -> dict[str, Any]:
    """Put a version's tag on the images that were just pushed; the image updater looks for it."""
    target = stage.settings.registry or ""
    copy = 'skopeo copy --all --preserve-digests "docker://$REGISTRY/$SERVICE@$(cat "$DIGEST")"'
    ready = _ready(plan, stage)
    return j.job(
        [
            # Its images are all that it needs otherwise.
            *([_checkout(), *j.tools(plan, only="python"), *ready] if ready else []),
            _digest(),
            *j.login(plan, target, f"ci-deploy-{stage.name}"),
            j.step(
                "Name it by the version",
                f'{copy} "docker://$REGISTRY/$SERVICE:${{GITHUB_REF_NAME#v}}"',
                env={
                    "REGISTRY": target,
                    "SERVICE": j.SERVICE,
                    "DIGEST": f".tarmac/ci/{j.SERVICE}.digest",
                },
            ),
        ],
        minutes=10,
        needs=_needs(stage, "detect-changes", "build-and-scan"),
        when="github.ref_type == 'tag'",
        permissions=j.identity(target),
        **_named(stage),
        **_once(stage, j.SERVICE),
        **j.matrix(),
    )


def helm(plan: ClusterPlan, stage: p.Stage) -> dict[str, Any]:
    """Deploy with Helm, wait until it serves, and go back where it does not."""
    registry, namespace = stage.settings.registry or "", stage.settings.namespace or plan.system
    render = f"{' '.join(p.TARMAC)} render {p.command(plan)} --env {stage.name} --out .deploy"
    region = stage.settings.region or "us-east-1"
    steps = [
        _checkout(),
        _newest(plan),
        _digest(),
        *j.tools(plan, only="python"),
        *_ready(plan, stage),
        *j.login(plan, registry, f"ci-deploy-{stage.name}"),
        j.step(
            "Reach the cluster",
            f'aws eks update-kubeconfig --name "$CLUSTER" --region {region}',
            env={"CLUSTER": f"${{{{ vars.EKS_CLUSTER || '{plan.system}' }}}}"},
        ),
        j.step("The chart and its values", render),
        j.step(
            "Deploy",
            'helm upgrade --install "$SERVICE" .deploy/charts/service \\',
            '  --values ".deploy/charts/values/$SERVICE.yaml" \\',
            f"  --namespace {namespace} \\",
            '  --set "image.digest=$(cat "$DIGEST")" \\',
            "  --wait --atomic --timeout 5m",
            when=GO,
            env={"SERVICE": j.SERVICE, "DIGEST": f".tarmac/ci/{j.SERVICE}.digest"},
        ),
    ]
    return j.job(
        steps,
        minutes=15,
        needs=_needs(stage, "detect-changes", "build-and-scan"),
        when=MAIN,
        permissions=j.identity(registry),
        **_named(stage),
        **_once(stage, j.SERVICE),
        **j.matrix(),
    )


def duration() -> dict[str, Any]:
    """Record how long it took until images were there; waiting for people is not counted."""
    return j.job(
        [
            j.step(
                "How long it took",
                'path="repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"',
                'began=$(gh api "$path" --jq .run_started_at)',
                'took=$(($(date +%s) - $(date -d "$began" +%s)))',
                'echo "commit to image: $took s" | tee -a "$GITHUB_STEP_SUMMARY"',
                f'if [ "$took" -gt {MOST_S} ]; then',
                f'  echo "::warning::$took s from commit to image; {MOST_S} are the most"',
                "fi",
                env={"GH_TOKEN": "${{ github.token }}"},
            )
        ],
        minutes=5,
        needs=("build-and-scan",),
        permissions={"actions": "read"},
    )
