"""What runs to its end: set-up of stores, migrations before a rollout, tasks, CronJobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts.job_specs import job_name, job_spec
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.kubernetes.parts.runs import Run, runs
from tarmac.render.renderer import Renderer

NOTES = {
    "setup": ("Makes the users and what they need in the store; repeatable.",),
    "migration": (
        "Apply it and wait for it before the Deployment: `kubectl wait --for=condition=complete`.",
        "A service applies its migrations at its start too, one at a time, so none is missed.",
    ),
    "task": ("Runs once for each version of the service.",),
}
#: Of the name; a Job cannot be changed, so what it does is a part of what it is called.
NAMED = "The end of its name is the hash of what it does: a changed one is a new Job."


def job(plan: ClusterPlan, workload: Workload, run: Run) -> Artifact:
    """Make a Job; its file's name stays while its own changes."""
    spec = job_spec(plan, workload, run)
    made = an_object(
        plan,
        "batch/v1",
        "Job",
        job_name(workload, run, spec),
        {"spec": spec},
        of=workload,
        role=run.role,
        notes=(*NOTES[run.role], NAMED),
    )
    return replace(made, path=f"k8s/{workload.name}/job-{run.once.name}.yaml")


def cron_job(plan: ClusterPlan, workload: Workload, run: Run) -> Artifact:
    """Make a task that runs by the clock; one that still runs is not overtaken by the next."""
    spec = {
        "schedule": run.once.schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        # One that could not begin in time, as while the cluster was away, waits for the next.
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": {**job_spec(plan, workload, run), "backoffLimit": 2}},
    }
    return an_object(
        plan, "batch/v1", "CronJob", run.name, {"spec": spec}, of=workload, role=run.role
    )


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield a Job for each thing that runs once, a CronJob for each with a schedule."""
    for workload in plan.with_setups:
        for run in runs(workload):
            make = cron_job if run.once.schedule else job
            yield make(plan, workload, run)


RENDERER = Renderer(
    id="k8s-jobs",
    phase="kubernetes",
    title="Jobs of set-up, migrations and tasks, and CronJobs",
    render=render,
)
