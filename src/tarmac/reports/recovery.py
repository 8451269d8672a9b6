"""The plan for a disaster: goals and what was measured, roles, steps, the way back, the drill."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Status
from tarmac.reports import claims, recovery_goals, recovery_steps, topics
from tarmac.reports.document import (
    Claims,
    Document,
    Paragraph,
    Section,
    Step,
    Steps,
    Table,
)
from tarmac.reports.document import verdict as judged
from tarmac.reports.drill_records import DrillRecord
from tarmac.reports.inputs import ReportInputs
from tarmac.reports.kind import ReportKind

KINDS = ("restore", "failover")
UNTRIED = (
    "The steps in the cloud are made from the model, and were not tried there unless an "
    "attestation below says so."
)
NO_CLOUD = "The environment is in no cloud, so the plan has no steps there."
MOMENT, NIGHTLY = "any moment", "a snapshot of each night"
RESTORE_DISK = (
    "aws backup start-restore-job --recovery-point-arn ARN --iam-role-arn ROLE "
    "--metadata file://metadata.json"
)


def make(inputs: ReportInputs) -> Document:
    """Write the plan, with the last drill of each part and what was never tried."""
    drills = topics.of_kinds(inputs, *KINDS)
    last = max((record.day for record in drills if record.status is Status.PASS), default="")
    passed = sum(record.status is Status.PASS for record in drills)
    tried = f"Recovery drills with their expected verdict on record: {passed} of {len(drills)}"
    tried += f", the last one of {last}." if last else "."
    return Document(
        f"Recovery plan of {inputs.system.name}",
        topics.facts(inputs),
        f"{tried} The drills run on copies of the system on one machine. "
        + (UNTRIED if inputs.plan.cloud else NO_CLOUD),
        (
            recovery_goals.section(drills),
            _roles(inputs),
            *_copies(inputs),
            *_steps(inputs),
            _procedure(inputs, drills),
            _drills(drills),
            _cloud(inputs),
            topics.legend(),
        ),
    )


def _roles(inputs: ReportInputs) -> Section:
    roles = inputs.data.roles
    if not roles:
        text = "No role is named; write them under `roles` in reports.yaml beside the model."
        return Section("Roles", (Paragraph(text),), "OPEN")
    rows = tuple((role.role, role.by, role.does) for role in roles)
    return Section("Roles", (Table(("Role", "Held by", "What it does"), rows),))


def _copies(inputs: ReportInputs) -> Iterator[Section]:
    cloud = inputs.plan.cloud
    if cloud is None:
        return
    databases = recovery_steps.databases(cloud)
    rows = [
        (
            ", ".join(server.stores),
            f"{server.name}, {server.size.instances} x {server.size.instance}",
            f"{MOMENT if server in databases else NIGHTLY} of the last {server.size.backups} days",
        )
        for server in cloud.servers
    ]
    managed = {store for server in cloud.servers for store in server.stores}
    nightly = "none"
    if cloud.snapshot_days:
        nightly = f"a snapshot each night, kept for {cloud.snapshot_days} days"
        nightly += f", with a copy in {cloud.standby.region}" if cloud.standby else ""
    rows += (
        (workload.name, f"{workload.about}, a disk in the cluster", nightly)
        for workload in inputs.plan.workloads
        if workload.role != "service" and workload.name not in managed
    )
    yield Section("What is kept of the data", (Table(("Data", "Server", "Backup"), tuple(rows)),))


def _steps(inputs: ReportInputs) -> Iterator[Section]:
    cloud = inputs.plan.cloud
    if cloud is None:
        return
    if recovery_steps.databases(cloud):
        steps = tuple(recovery_steps.restore(inputs, cloud))
        yield Section("Restore: data is lost or damaged", (Steps(steps),))
    if cloud.snapshot_days:
        yield Section("Restore: a disk in the cluster is lost", (Steps(_disk(cloud.region)),))
    if cloud.standby is None:
        text = (
            f"There is no second region: if {cloud.region} is lost, the system is down until the "
            "region is back. A second one is `standby` under `infrastructure` in the model."
        )
        yield Section("Failover: the region is lost", (Paragraph(text),))
        return
    steps = tuple(recovery_steps.fail_over(inputs, cloud, cloud.standby))
    yield Section("Failover: the region is lost", (Steps(steps),))
    steps = tuple(recovery_steps.fail_back(inputs, cloud, cloud.standby))
    yield Section("Failback: the region is there again", (Steps(steps),))


def _disk(region: str) -> tuple[Step, ...]:
    return (
        Step(
            "Find the last snapshot of the disk.",
            (f"aws backup list-recovery-points-by-resource --resource-arn ARN --region {region}",),
        ),
        Step(
            "Restore it into a new disk, and bind the claim to it.",
            (RESTORE_DISK,),
        ),
    )


def _procedure(inputs: ReportInputs, drills: tuple[DrillRecord, ...]) -> Section:
    """Return how a person who did not write this plan tries it."""
    first = Step(
        "Once a quarter, a person who did not write this plan makes a drill from it alone, and "
        "writes down where it was not enough."
    )
    shipped = (
        Step(f"{record.file.title}.", (f"{record.command} --explain", record.command))
        for record in drills
    )
    last = Step(
        "Try the steps in the cloud on a copy of the environment, and record the day, the "
        "person and the times as an `attestation` of the checklist item, with its last day.",
        (f"tarmac report {inputs.called} --kind recovery",),
    )
    return Section("The drill", (Steps((first, *shipped, last)),))


def _drills(drills: tuple[DrillRecord, ...]) -> Section:
    blocks = tuple(topics.drill_blocks(drills)) or (Paragraph("There is no recovery drill."),)
    return Section("The last drills", blocks, judged(record.status for record in drills))


def _cloud(inputs: ReportInputs) -> Section:
    """Claim what is proven of the recovery outside of one machine."""
    found = list(topics.of_topic(inputs, "recovery"))
    named = {
        name.partition(":")[2]
        for item in inputs.verified.items
        if item.phase == "recovery"
        for name in (proof.what for proof in item.proofs)
        if name.startswith("requirement:")
    }
    known = {claim.text.partition(":")[0] for claim in found}
    found += topics.required(inputs, sorted(named - known))
    people = [
        claims.of_item(item)
        for item in inputs.verified.items
        if item.phase == "recovery" and any(proof.attestation for proof in item.proofs)
    ]
    made = (*people, *found)
    blocks = (Claims(made),) if made else (Paragraph("Nothing is recorded of it."),)
    return Section(
        "What is proven of the cloud's part", blocks, judged(claim.status for claim in made)
    )


def lacks(inputs: ReportInputs) -> str:
    """Say that there is no data to recover, or no way to."""
    if topics.of_kinds(inputs, *KINDS) or (inputs.plan.cloud and inputs.plan.cloud.servers):
        return ""
    return (
        f"has no drill of `kind: restore` or `kind: failover`, and {inputs.environment} no server "
        "in a cloud; write a drill, or name another environment with --env"
    )


REPORT = ReportKind(
    "recovery", "the plan for a disaster, with what its drills measured", make=make, lacks=lacks
)
