"""The jobs of GitHub's workflow, each as a function of a plan; `github` puts them together.

Whatever a job does is a script or a command that people run, too. What comes from a pull request -
its title, its branch - is never part of a script's text: it is a variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tarmac import versions
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _pipeline as p

RUNNER = "ubuntu-24.04"
#: The version of the program; that of its action is in the catalogue.
TRIVY = "v0.72.0"
#: The one check that a pull request has to pass; all others are its needs.
REQUIRED = "passed"
#: Tags of versions.
VERSIONS = "v*.*.*"
PULL = "github.event_name == 'pull_request'"
#: The job that runs the checklist's tests, and what it leaves.
CHECKLIST = "checklist"
#: Its images are made: of the main branch and of a version, never of a pull request.
DELIVERED = "github.event_name == 'push'"
TOUCHED = "needs.detect-changes.outputs.services != '[]'"
MATRIX = "${{ fromJSON(needs.detect-changes.outputs.matrix) }}"
#: The service that a job of the matrix is of.
SERVICE = "${{ matrix.service }}"


def uses(action: str) -> str:
    """Name an action by the commit of its version; the version itself is a remark behind it."""
    return f"{action}@{versions.read().actions[action].digest}"


def remarks() -> dict[str, str]:
    """Say of each action that is named by a commit which version it is."""
    return {uses(name): each.version for name, each in versions.read().actions.items()}


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
    """Make a step that is somebody's action."""
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
    """Make a job; its rights are those of the workflow, which are to read, where none are said."""
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


def tools(plan: ClusterPlan, *, only: str = "") -> list[dict[str, Any]]:
    """Bring what a service's language needs, with what was downloaded last time.

    Args:
        only: a language, of a job that is of no service.
    """
    found: list[dict[str, Any]] = []
    for name in [only] if only else p.languages(plan):
        when = "" if only else f"matrix.language == '{name}'"
        if name == "python":
            path = {"path": "~/.cache/uv", "key": "uv-${{ runner.os }}-${{ hashFiles('uv.lock') }}"}
            found += [
                action("Python", "actions/setup-python", {"python-version": p.PYTHON}, when),
                action("What uv has downloaded", "actions/cache", path, when),
                step("uv", f"pip install uv=={p.UV}", **({"when": when} if when else {})),
            ]
        elif name in _SETUPS:
            of, given = _SETUPS[name]
            found.append(action(name.capitalize(), of, given, when))
    return found


#: Each keeps what it downloads by itself.
_SETUPS: dict[str, tuple[str, dict[str, str]]] = {
    "node": ("actions/setup-node", {"node-version": "22"}),
    "go": ("actions/setup-go", {"go-version": "stable"}),
    "java": (
        "actions/setup-java",
        {"distribution": "temurin", "java-version": "21", "cache": "maven"},
    ),
}


def detect(plan: ClusterPlan) -> dict[str, Any]:
    """Find the services that are touched; of a version, all are built."""
    everything = any(each.by == "release" for each in p.stages(plan))
    lines = ['scripts/changed-services --base "$BASE" --head HEAD --github >>"$GITHUB_OUTPUT"']
    if everything:
        lines = [
            'if [ "$GITHUB_REF_TYPE" = tag ]; then',
            '  scripts/changed-services --all --github >>"$GITHUB_OUTPUT"',
            "else",
            f"  {lines[0]}",
            "fi",
        ]
    base = "${{ github.event.pull_request.base.sha || github.event.before }}"
    return job(
        [
            checkout(**{"fetch-depth": 0}),
            step("Which services are touched", *lines, id="changed", env={"BASE": base}),
        ],
        minutes=5,
        outputs={
            "services": "${{ steps.changed.outputs.services }}",
            "matrix": "${{ steps.changed.outputs.matrix }}",
        },
    )


def lint(plan: ClusterPlan) -> dict[str, Any]:
    """Lint each service that is touched."""
    steps = [checkout(), *tools(plan), _script("Lint", "lint")]
    return job(steps, minutes=10, needs=("detect-changes",), when=TOUCHED, **matrix())


def _script(name: str, does: str, **more: Any) -> dict[str, Any]:
    return step(name, f'scripts/ci {does} "$SERVICE"', **more, env={"SERVICE": SERVICE})


def test(plan: ClusterPlan) -> dict[str, Any]:
    """Test each service that is touched, with the servers beside it that it is bound to."""
    beside = {
        name: {"image": f"${{{{ matrix.{name} }}}}", **p.server(each)}
        for name, each in p.servers(plan)
    }
    upload = {
        "directory": "${{ matrix.coverage }}",
        "flags": SERVICE,
        "fail_ci_if_error": False,
    }
    found = action("Send it to Codecov", "codecov/codecov-action", upload)
    # Away or refusing, it says nothing of the code.
    found["continue-on-error"] = True
    keep = {"name": f"coverage-{SERVICE}", "path": "${{ matrix.coverage }}"}
    steps = [
        checkout(),
        *tools(plan),
        _script("Test", "test"),
        action("Keep the coverage", "actions/upload-artifact", keep),
        found,
    ]
    services: dict[str, Any] = {"services": beside} if beside else {}
    return job(steps, minutes=15, needs=("detect-changes",), when=TOUCHED, **matrix(), **services)


def system(plan: ClusterPlan) -> dict[str, Any]:
    """Check the model: what is rendered is here, every gate passes, and what a change means."""
    tarmac, name = " ".join(p.TARMAC), p.command(plan)
    own = f"{tarmac} render {name} --env {plan.environment} --out . --check"
    return job(
        [
            checkout(**{"fetch-depth": 0}),
            *tools(plan, only="python"),
            step("What is rendered is what is here", own),
            step("The gates", f"{tarmac} verify {name}"),
            step(
                "What the change means",
                f'{tarmac} diff "$BASE" --system {plan.system} >diff.md',
                'cat diff.md >>"$GITHUB_STEP_SUMMARY"',
                when=PULL,
                env={"BASE": "${{ github.event.pull_request.base.sha }}"},
            ),
            action(
                "Keep it for the comment",
                "actions/upload-artifact",
                {"name": "diff", "path": "diff.md"},
                PULL,
            ),
        ],
        minutes=10,
    )


def comment() -> dict[str, Any]:
    """Say on the pull request what the change means; none of its code is here: this may write."""
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    return job(
        [
            action("What the change means", "actions/download-artifact", {"name": "diff"}),
            step(
                "Comment",
                'gh pr comment "$NUMBER" --repo "$GITHUB_REPOSITORY" --edit-last '
                "--create-if-none --body-file diff.md",
                env={
                    "GH_TOKEN": "${{ github.token }}",
                    "NUMBER": "${{ github.event.pull_request.number }}",
                },
            ),
        ],
        minutes=5,
        needs=("system",),
        when=f"{PULL} && {own}",
        permissions={"pull-requests": "write"},
    )


def passed(needs: tuple[str, ...]) -> dict[str, Any]:
    """Be the one check that is required: a matrix without a service would never report."""
    return job(
        [
            step(
                "All of them",
                'jq -e \'all(.[]; .result == "success" or .result == "skipped")\' '
                '<<<"$NEEDS" >/dev/null',
                env={"NEEDS": "${{ toJSON(needs) }}"},
            )
        ],
        minutes=5,
        needs=needs,
        when="always()",
        permissions={},
    )


def login(plan: ClusterPlan, registry: str, does: str) -> list[dict[str, Any]]:
    """Let the job into a registry: by its identity where that is AWS', never by a key."""
    host = registry.partition("/")[0]
    if found := p.ECR.match(registry):
        given = {"role-to-assume": p.role(plan, registry, does), "aws-region": found["region"]}
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


def identity(registry: str) -> dict[str, str]:
    """Give the rights of a job that asks a cloud for a role; no other job has them."""
    return {"contents": "read", **({"id-token": "write"} if p.ECR.match(registry) else {})}


def build(plan: ClusterPlan) -> dict[str, Any]:
    """Build each image, scan it, and push just that; nothing is pushed that a scan refuses."""
    registry = p.registry(plan)
    cache = {
        "path": "/tmp/layers",  # noqa: S108 - on a runner of its own
        "key": f"layers-{SERVICE}-${{{{ github.sha }}}}",
        "restore-keys": f"layers-{SERVICE}-",
    }
    setup = {"version": TRIVY, "cache": True}
    env = {"CI_BUILDER": "ci", "CI_CACHE": cache["path"]}
    push = 'scripts/ci push "$SERVICE" "$REGISTRY" "sha-${GITHUB_SHA:0:12}"'
    steps = [
        checkout(),
        action("Layers of the last build", "actions/cache", cache),
        step("A builder", "docker buildx create --name ci --driver docker-container"),
        _script("Build", "build"),
        action("Trivy", "aquasecurity/setup-trivy", setup),
        _script("Scan", "scan"),
        *login(plan, registry, "ci-push"),
        step("Push what was scanned", push, env={"SERVICE": SERVICE, "REGISTRY": registry}),
        action(
            "Keep its digest",
            "actions/upload-artifact",
            {"name": f"digest-{SERVICE}", "path": f".tarmac/ci/{SERVICE}.digest"}
            | {"include-hidden-files": True},
        ),
    ]
    return job(
        steps,
        minutes=20,
        needs=("detect-changes", "lint", "test"),
        when=f"{DELIVERED} && {TOUCHED}",
        permissions=identity(registry),
        env=env,
        **matrix(),
    )


def checklist(plan: ClusterPlan) -> dict[str, Any]:
    """Run the tests that the checklist names: once, for the deployments of all services."""
    kept = {"name": CHECKLIST, "path": p.PROVEN, "include-hidden-files": True}
    return job(
        [
            checkout(),
            *tools(plan, only="python"),
            step("The tests that the checklist names", "scripts/prove"),
            action("Keep what came of them", "actions/upload-artifact", kept),
        ],
        minutes=15,
        needs=("detect-changes",),
        when=f"{DELIVERED} && {TOUCHED}",
    )


def repository(url: str) -> str:
    """Name a repository as GitHub does: `owner/name`."""
    return urlsplit(url).path.strip("/").removesuffix(".git")
