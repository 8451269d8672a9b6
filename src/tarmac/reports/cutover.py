"""The plan that ends in the cut-over: its stages with their dates, then the day itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from tarmac.base.report import Status
from tarmac.reports import claims, topics
from tarmac.reports.document import Claim, Claims, Document, Section, Step, Steps, Table
from tarmac.reports.document import verdict as judged
from tarmac.reports.inputs import ReportInputs
from tarmac.reports.kind import ReportKind

WEEK = timedelta(days=7)


def make(inputs: ReportInputs) -> Document:
    """Write the stages, what each has to show, and the checklist of the day."""
    stages = tuple(_weeks(inputs)) or tuple(_phases(inputs))
    whole = sum(judged(c.status for c in made) == "PASS" for _, _, made in stages)
    items = inputs.verified.items
    is_open = len(inputs.verified.open)
    gate = (
        f"{len(items) - is_open} of {len(items)} checklist items pass"
        + (", so the cut-over is refused" if inputs.plan.settings.checklist and is_open else "")
        if items
        else "there is no checklist that could refuse the cut-over"
    )
    head = ("Stage", "When", "Shown", "State")
    rows = tuple(
        (
            title,
            when or "no date",
            f"{sum(claim.status is Status.PASS for claim in made)} of {len(made)}",
            judged(claim.status for claim in made),
        )
        for title, when, made in stages
    )
    cutover = inputs.data.cutover
    day = (
        f"The cut-over is planned for the week of {_first(cutover.starts, last)}. "
        if cutover and (last := max(stage.weeks[1] for stage in cutover.stages))
        else "No day is planned; write `cutover` in reports.yaml, and each stage has its dates. "
    )
    return Document(
        f"Cut-over plan of {inputs.system.name}",
        topics.facts(inputs),
        f"{day}{whole} of {len(stages)} stages are shown whole; {gate}.",
        (
            Section("Stages", (Table(head, rows),)),
            *(
                Section(title, (Claims(made),), judged(claim.status for claim in made))
                for title, _, made in stages
            ),
            Section("The day", (Steps(tuple(_day(inputs))),)),
            Section("The way back", (Steps(tuple(_back(inputs))),)),
            topics.legend(),
        ),
    )


def _first(starts: date, week: int) -> str:
    return (starts + (week - 1) * WEEK).isoformat()


def _weeks(inputs: ReportInputs) -> Iterator[tuple[str, str, tuple[Claim, ...]]]:
    """Yield each stage of reports.yaml: its title, its dates, what it has to show."""
    cutover = inputs.data.cutover
    for stage in cutover.stages if cutover else ():
        first, last = stage.weeks
        weeks = f"week {first}" if first == last else f"weeks {first} to {last}"
        assert cutover is not None  # noqa: S101 - it has this stage
        end = cutover.starts + last * WEEK - timedelta(days=1)
        when = f"{weeks}, {_first(cutover.starts, first)} to {end}"
        yield stage.title, when, topics.required(inputs, stage.requirements)


def _phases(inputs: ReportInputs) -> Iterator[tuple[str, str, tuple[Claim, ...]]]:
    """Yield the phases of the checklist as stages: they have an order, and no dates."""
    for phase in dict.fromkeys(item.phase for item in inputs.verified.items):
        own = (item for item in inputs.verified.items if item.phase == phase)
        yield phase, "", tuple(map(claims.of_item, own))


def _day(inputs: ReportInputs) -> Iterator[Step]:
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


def _back(inputs: ReportInputs) -> Iterator[Step]:
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


def lacks(inputs: ReportInputs) -> str:
    """Say that there are neither weeks nor items."""
    if inputs.data.cutover or inputs.verified.items:
        return ""
    return "has no `cutover` in reports.yaml and no checklist; write one of them"


REPORT = ReportKind(
    "cutover", "the stages with their dates, the day and the way back", make=make, lacks=lacks
)
