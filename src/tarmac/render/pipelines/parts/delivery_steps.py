"""What GitHub's delivery jobs share: the checkouts, the digest, the copies and the checklist."""

from __future__ import annotations

import posixpath
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import github_pushed, signing
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import stages as st

GITOPS = ".gitops"
#: The key of a deployment: of the GitOps repository alone, and with the right to write.
KEY = "${{ secrets.GITOPS_DEPLOY_KEY }}"
MAIN = "github.ref_type == 'branch'"
GO = "steps.newest.outputs.go == 'yes'"


def named(stage: st.Stage) -> dict[str, Any]:
    """Stand in the GitHub environment of that name: its approvers are configured there."""
    return {"environment": {"name": stage.name}}


def digest() -> dict[str, Any]:
    """Download the digest of the image that was pushed."""
    given = {"name": f"digest-{g.SERVICE}", "path": ".tarmac/ci"}
    return g.action("Its digest", "actions/download-artifact", given)


def gitops(plan: ClusterPlan, revision: str) -> list[dict[str, Any]]:
    """Check out the GitOps repository, with an author for commits."""
    url = plan.delivery.gitops if plan.delivery else None
    given = {
        "repository": g.repository(url or ""),
        "ref": revision,
        "ssh-key": KEY,
        "path": GITOPS,
    }
    found = g.action("Check out the GitOps repository", "actions/checkout", given)
    author = (
        f'git -C {GITOPS} config user.name "$GITHUB_REPOSITORY"',
        f"git -C {GITOPS} config user.email ci@users.noreply.github.com",
    )
    return [found, g.step("Set the author of commits", *author)]


def once(stage: st.Stage, service: str = "") -> dict[str, Any]:
    """Let one at a time write, by service: GitHub drops one that waits when a newer one comes."""
    group = f"deliver-{stage.name}" + (f"-{service}" if service else "")
    return {"concurrency": {"group": group, "cancel-in-progress": False}}


def newest(plan: ClusterPlan) -> dict[str, Any]:
    """Do not put an older image over a newer one: a later commit may have been faster."""
    branch = plan.delivery.branch if plan.delivery else "main"
    return g.step(
        "Is it still the newest",
        f"git fetch --quiet origin {branch}",
        f'later=$(scripts/changed-services --base "$GITHUB_SHA" --head origin/{branch})',
        'if grep -qx "$SERVICE" <<<"$later"; then',
        '  echo "a later commit has changed $SERVICE; it delivers that" >>"$GITHUB_STEP_SUMMARY"',
        "else",
        '  echo "go=yes" >>"$GITHUB_OUTPUT"',
        "fi",
        id="newest",
        env={"SERVICE": g.SERVICE},
    )


def checkout() -> dict[str, Any]:
    """Check out the code with its history, which says what a commit changes."""
    return g.checkout(**{"fetch-depth": 0})


def copied(plan: ClusterPlan, stage: st.Stage, source: str) -> list[dict[str, Any]]:
    """Ask for its signature, and bring the image into the environment's own registry, if any."""
    target = stage.settings.registry or source
    signature = signing.asked(plan, source)
    if target == source:
        return [*g.login(plan, source, f"ci-deploy-{stage.name}"), *signature] if signature else []
    line = 'skopeo copy --all --preserve-digests "docker://$FROM/$SERVICE@$(cat "$DIGEST")"'
    return [
        *g.login(plan, target, f"ci-deploy-{stage.name}"),
        other_login(plan, source),
        *signature,
        g.step(
            "Copy the image",
            f'{line} "docker://$TO/$SERVICE:sha-${{GITHUB_SHA:0:12}}"',
            env={
                "FROM": source,
                "TO": target,
                "SERVICE": g.SERVICE,
                "DIGEST": f".tarmac/ci/{g.SERVICE}.digest",
            },
        ),
    ]


def other_login(plan: ClusterPlan, source: str) -> dict[str, Any]:
    """Log in to the registry that images are copied from."""
    login = g.login(plan, source, "")[-1]
    return {**login, "name": "Log in to the registry that it comes from"}


def ready(plan: ClusterPlan, stage: st.Stage) -> list[dict[str, Any]]:
    """Stop while a checklist item is open, where the environment requires the checklist."""
    if not stage.settings.checklist:
        return []
    given = {"name": github_pushed.CHECKLIST, "path": posixpath.dirname(st.PROVEN)}
    return [
        g.action("What came of its tests", "actions/download-artifact", given),
        g.step("Every checklist item passes", st.ready(plan)),
    ]


def needs(stage: st.Stage, *others: str) -> tuple[str, ...]:
    """List what a stage waits for: the checklist too, where it asks for it."""
    return (*others, github_pushed.CHECKLIST) if stage.settings.checklist else others
