"""Steps and jobs of GitHub's workflow in general: actions by their commit, logins, rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tarmac.base import versions
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import stages as st

RUNNER = "ubuntu-24.04"
#: Tags of versions.
VERSIONS = "v*.*.*"
PULL = "github.event_name == 'pull_request'"
MATRIX = "${{ fromJSON(needs.detect-changes.outputs.matrix) }}"
#: The service that a job of the matrix is of.
SERVICE = "${{ matrix.service }}"


def uses(action: str) -> str:
    """Name an action by the commit of its version; the version itself is a remark behind it."""
    return f"{action}@{versions.read().actions[action].digest}"


def remarks() -> dict[str, str]:
    """Say of each action that is named by a commit which version it is."""
    return {uses(name): pin.version for name, pin in versions.read().actions.items()}


def step(name: str, *lines: str, **more: Any) -> dict[str, Any]:
    """Make a step that runs a script."""
    env = more.pop("env", None)
    return {
        "name": name,
        **({"id": more.pop("id")} if "id" in more else {}),
        **({"if": more.pop("when")} if "when" in more else {}),
        **more,
        **({"env": env} if env else {}),
        "run": "\n".join(lines) + ("\n" if len(lines) > 1 else ""),
    }


def action(name: str, of: str, given: Mapping[str, Any], when: str = "") -> dict[str, Any]:
    """Make a step that runs an action."""
    return {"name": name, **({"if": when} if when else {}), "uses": uses(of), "with": dict(given)}


def checkout(**given: Any) -> dict[str, Any]:
    """Take the code; the token that it was taken with is not left behind."""
    return action("Check out", "actions/checkout", {"persist-credentials": False, **given})


def job(
    steps: Iterable[Mapping[str, Any]],
    *,
    minutes: int,
    needs: tuple[str, ...] = (),
    when: str = "",
    permissions: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Make a job; without rights of its own it has the workflow's, which are to read."""
    return {
        **({"needs": list(needs)} if needs else {}),
        **({"if": when} if when else {}),
        "runs-on": RUNNER,
        "timeout-minutes": minutes,
        **({"permissions": dict(permissions)} if permissions is not None else {}),
        **more,
        "steps": list(steps),
    }


def matrix() -> dict[str, Any]:
    """Run once for each service that is touched; one that fails does not end the others."""
    return {"strategy": {"fail-fast": False, "matrix": MATRIX}}


def login(plan: ClusterPlan, registry: str, does: str) -> list[dict[str, Any]]:
    """Let the job into a registry: by its identity where that is AWS', never by a key."""
    host = registry.partition("/")[0]
    if found := st.ECR.match(registry):
        given = {"role-to-assume": st.role(plan, registry, does), "aws-region": found["region"]}
        return [
            action("A role of AWS", "aws-actions/configure-aws-credentials", given),
            step(
                "Log in to the registry",
                f"aws ecr get-login-password --region {found['region']} |",
                f"  skopeo login --username AWS --password-stdin {host}",
            ),
        ]
    return [
        step(
            "Log in to the registry",
            f'skopeo login --username "$GITHUB_ACTOR" --password-stdin {host} <<<"$TOKEN"',
            env={"TOKEN": "${{ secrets.REGISTRY_TOKEN }}"},
        )
    ]


def identity(registry: str, *, signs: bool = False) -> dict[str, str]:
    """Give the rights of a job that asks a cloud for a role, or signs; no other job has them."""
    asks = signs or st.ECR.match(registry)
    return {"contents": "read", **({"id-token": "write"} if asks else {})}


def repository(url: str) -> str:
    """Name a repository as GitHub does: `owner/name`."""
    return urlsplit(url).path.strip("/").removesuffix(".git")
