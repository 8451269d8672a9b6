"""The steps of a cut-over's day and of the way back, from what the environment declares."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.reports.document import Step
from tarmac.reports.inputs import ReportInputs


def day(inputs: ReportInputs) -> Iterator[Step]:
    """Yield the steps of the day, in their order."""
    called, env, settings = inputs.called, inputs.environment, inputs.plan.settings
    yield Step("Every checklist item passes.", (f"tarmac verify {called} --env {env} --ready",))
    yield Step(
        "The files in Git are those that the model renders.",
        (f"tarmac render {called} --env {env} --check",),
    )
    yield Step(
        "The last reports are read and signed.",
        tuple(f"tarmac report {called} --kind {kind}" for kind in ("security", "recovery")),
    )
    yield Step("The change is read by a second person.", (f"tarmac diff --system {called} main",))
    yield Step(
        "The versions that were tried are the ones that go out.",
        (f"tarmac promote {called} --to {env} --image SERVICE=TAG --dry-run",),
    )
    if settings.approval:
        yield Step(f"An approver releases the deployment to {env} in the forge.")
    if settings.gitops is not None:
        yield Step(
            "The commit is merged; Argo CD applies it.",
            ("kubectl get applications -n argocd",),
        )
    elif inputs.system.file.delivery is not None:
        yield Step("The commit is merged; the pipeline deploys each service in turn.")
    else:
        yield Step("Deploy.", (f"tarmac deploy {called} --env {env} --rollback-on-failure",))
    yield Step(
        "What runs is judged beside the files.",
        (f"tarmac verify {called} --env {env} --target cluster",),
    )
    yield Step(
        "Objectives hold for an hour under real visits.",
        (f"tarmac objectives {called} --target cluster --env {env}",),
    )
    if (cloud := inputs.plan.cloud) and cloud.dns:
        yield Step(
            f"Names lead to the new system: {', '.join(cloud.dns.hosts)}.",
            tuple(f"curl -fsS https://{host}{cloud.dns.health_path}" for host in cloud.dns.hosts),
        )


def way_back(inputs: ReportInputs) -> Iterator[Step]:
    """Yield when to go back, and how."""
    called, env, settings = inputs.called, inputs.environment, inputs.plan.settings
    yield Step(
        "Go back when an objective burns its budget for ten minutes, or an invariant is broken. "
        "What was written meanwhile stays, so a migration that removes something waits for the "
        "release after."
    )
    if settings.gitops is not None:
        yield Step("Revert the commit; Argo CD applies the one before.", ("git revert COMMIT",))
    elif "helm" in settings.packaging:
        yield Step(
            "Take the release before of each service.",
            (
                f"helm history SERVICE -n {inputs.plan.namespace}",
                f"helm rollback SERVICE -n {inputs.plan.namespace}",
            ),
        )
    else:
        yield Step(
            "Write the versions before into the model, and deploy them.",
            (
                f"tarmac promote {called} --to {env} --image SERVICE=TAG",
                f"tarmac deploy {called} --env {env}",
            ),
        )
