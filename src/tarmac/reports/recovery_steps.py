"""The steps of a recovery in a cloud, from the plan: a store is restored, a region is given up."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cloud import CloudInfrastructure, CloudServer, CloudStandby
from tarmac.reports.document import Step
from tarmac.reports.inputs import ReportInputs

#: The modules of Terraform whose servers are restored to a moment, by what AWS calls them.
INSTANCE, CLUSTER = "db-instance", "db-cluster"


def restore(inputs: ReportInputs, cloud: CloudInfrastructure) -> Iterator[Step]:
    """Yield the steps by which the data of managed databases comes back."""
    namespace = inputs.plan.namespace
    yield Step(
        "The incident lead chooses one moment for all databases, before the damage: services that "
        "share no database contradict each other after restores to different moments."
    )
    yield Step(
        "Switch the sync of Argo CD off, then stop what writes."
        if inputs.plan.settings.gitops
        else "Stop what writes.",
        (f"kubectl scale deployment --all --replicas=0 -n {namespace}",),
    )
    for server in databases(cloud):
        yield from _restored(_name(inputs, cloud, server), server, cloud=cloud)
    if others := [one.name for one in cloud.servers if one not in databases(cloud)]:
        yield Step(
            f"{', '.join(others)}: start with it as it is. Services fill a cache again; where it "
            "holds more than that, restore its last nightly snapshot."
        )
    if cloud.standby is not None:
        yield Step(
            "A restored cluster is in no global database: take the old one out of it, and let "
            f"Terraform make the one in {cloud.standby.region} again.",
            tuple(
                f"aws rds remove-from-global-cluster --db-cluster-identifier ARN "
                f"--global-cluster-identifier {_name(inputs, cloud, server)}"
                for server in databases(cloud)
                if server.disk_gb is None
            ),
        )
    yield Step(
        "Start the services.",
        (f"kubectl scale deployment --all --replicas={_least(inputs)} -n {namespace}",),
    )
    yield from _checked(inputs, inputs.environment)


def _restored(name: str, server: CloudServer, *, cloud: CloudInfrastructure) -> Iterator[Step]:
    """Yield the steps for one server. AWS gives a restored one its defaults where nothing is said.

    Sources: RestoreDBInstanceToPointInTime and RestoreDBClusterToPointInTime of the RDS API, and
    `terraform import` of the AWS provider.
    """
    of_cluster = server.disk_gb is None
    kind = CLUSTER if of_cluster else INSTANCE
    stores = ", ".join(server.stores)
    yield Step(
        f"{server.name} ({stores}): look up its security groups.",
        (f"aws rds describe-{kind}s --{kind}-identifier {name}",),
    )
    # Named as the module of Terraform names them.
    options = [
        f"--db-subnet-group-name {name}",
        f"--db-{'cluster-' if of_cluster else ''}parameter-group-name {name}-{server.version}",
        "--vpc-security-group-ids GROUPS",
        "--enable-iam-database-authentication",
        "--copy-tags-to-snapshot",
        *(["--deletion-protection"] if cloud.protected else []),
    ]
    if of_cluster:
        restored = (
            f"aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier {name} "
            f"--db-cluster-identifier {name}-restored --restore-to-time TIME {' '.join(options)}"
        )
        first = (
            f"aws rds create-db-instance --db-instance-identifier {name}-restored-0 "
            f"--db-cluster-identifier {name}-restored --engine aurora-postgresql "
            f"--db-instance-class {server.size.instance}"
        )
        commands: tuple[str, ...] = (restored, first)
    else:
        options += ["--multi-az"] if server.size.instances > 1 else []
        restored = (
            f"aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier {name} "
            f"--target-db-instance-identifier {name}-restored --restore-time TIME "
            f"{' '.join(options)}"
        )
        commands = (restored,)
    yield Step(f"{server.name}: restore it beside the old one, to the chosen moment.", commands)
    renamed = [(kind, name, f"{name}-lost"), (kind, f"{name}-restored", name)]
    if of_cluster:
        every = range(server.size.instances)
        renamed += [(INSTANCE, f"{name}-{at}", f"{name}-lost-{at}") for at in every]
        renamed.append((INSTANCE, f"{name}-restored-0", f"{name}-0"))
    yield Step(
        f"{server.name}: give the old one another name, and the restored one the old name, so that "
        "no address changes. Wait after each command until the new name is there.",
        tuple(
            f"aws rds modify-{what} --apply-immediately --{what}-identifier {old} "
            f"--new-{what}-identifier {new}"
            for what, old, new in renamed
        ),
    )
    yield Step(
        f"{server.name}: hand it to Terraform, which still has the old one. The plan replaces and "
        "destroys nothing; it sets what a restore does not bring.",
        (*_imported(name, server), "terraform plan", "terraform apply"),
    )


def _imported(name: str, server: CloudServer) -> Iterator[str]:
    """Yield the commands by which Terraform forgets a server and takes the one of its name."""
    module = f'module.postgres["{server.name}"]'
    if server.disk_gb is None:
        every = range(server.size.instances)
        yield from (
            f"terraform state rm '{module}.{address}'"
            for address in (
                "aws_rds_cluster.this[0]",
                *(f"aws_rds_cluster_instance.this[{at}]" for at in every),
            )
        )
        yield f"terraform import '{module}.aws_rds_cluster.this[0]' {name}"
        yield f"terraform import '{module}.aws_rds_cluster_instance.this[0]' {name}-0"
    else:
        address = f"'{module}.aws_db_instance.this[0]'"
        yield f"terraform state rm {address}"
        yield f"terraform import {address} {name}"


def fail_over(
    inputs: ReportInputs, cloud: CloudInfrastructure, standby: CloudStandby
) -> Iterator[Step]:
    """Yield the steps by which the second region takes over."""
    region = standby.region
    yield Step(
        f"The incident lead decides that {cloud.region} is lost. Route 53 leads visits to {region} "
        "by itself once the health check of the first region has failed three times.",
        ("aws route53 list-health-checks",),
    )
    yield Step(
        f"As soon as the cluster in {cloud.region} can be reached, stop its services: Route 53 "
        "leads visits back when its health check passes, and its data is old by then.",
        (f"kubectl scale deployment --all --replicas=0 -n {inputs.plan.namespace}",),
    )
    for server in databases(cloud):
        if server.disk_gb is None:  # RDS instances are of one region
            yield Step(
                f"{server.name} ({', '.join(server.stores)}): promote its cluster in {region}.",
                (
                    f"aws rds failover-global-cluster --region {region} --allow-data-loss "
                    + _of_global(_name(inputs, cloud, server)),
                ),
            )
    if standby.pilot:
        yield Step(
            f"Make the nodes of {region}: it is a pilot light until then.",
            (
                f"terraform workspace select {region}",
                "terraform apply -var-file=secondary.tfvars -var=pilot_light=false",
            ),
        )
    for record in inputs.drills:
        for store, said in (
            record.file.failover.once_promoted if record.file.failover else {}
        ).items():
            yield Step(f"{store}, before services start: `{said}` (as in drill {record.name}).")
    others = inputs.plan.environments.items()
    second = next((n for n, one in others if one.standby_of == inputs.environment), None)
    yield _put_there(inputs, cloud, second)
    yield from _checked(inputs, second or inputs.environment)


def _put_there(inputs: ReportInputs, cloud: CloudInfrastructure, second: str | None) -> Step:
    """Return the step that fills the second region's cluster.

    Args:
        second: the environment that it is in the model.
    """
    if second is None:
        return Step(
            f"Put the objects there. The rendered files are of {cloud.region}: write an "
            f"environment `dr: {{standby_of: {inputs.environment}}}` into the model, and deploy "
            "that: its files are of the second region.",
            (f"tarmac deploy {inputs.called} --env dr --context CONTEXT",),
        )
    if inputs.plan.settings.gitops is None:
        command = f"tarmac deploy {inputs.called} --env {second} --context CONTEXT"
        return Step("Put the objects there.", (command,))
    return Step(
        f"Let Argo CD there fill the cluster from Git: in environments/{second} of the repository, "
        "with kubectl on the new cluster.",
        ("bash bootstrap/start.sh",),
    )


def fail_back(
    inputs: ReportInputs, cloud: CloudInfrastructure, standby: CloudStandby
) -> Iterator[Step]:
    """Yield the steps of the planned way back."""
    yield Step(
        f"Wait until {cloud.region} is well for a day, and choose an hour with little traffic.",
        ("terraform workspace select default", "terraform plan"),
    )
    for server in databases(cloud):
        if server.disk_gb is None:
            yield Step(
                f"{server.name}: once its cluster in {cloud.region} follows again, hand over to "
                "it; no data is lost.",
                (
                    f"aws rds switchover-global-cluster --region {standby.region} "
                    + _of_global(_name(inputs, cloud, server)),
                ),
            )
    yield Step(
        "Start the services of the first region. Route 53 leads visits there once its health check "
        "passes.",
        (f"tarmac deploy {inputs.called} --env {inputs.environment}",),
    )
    yield from _checked(inputs, inputs.environment)
    if standby.pilot:
        yield Step(
            f"Make {standby.region} a pilot light again.",
            (
                f"terraform workspace select {standby.region}",
                "terraform apply -var-file=secondary.tfvars",
            ),
        )


def databases(cloud: CloudInfrastructure) -> tuple[CloudServer, ...]:
    """List the servers that have backups of their own."""
    return tuple(server for server in cloud.servers if server.module == "postgres")


def _name(inputs: ReportInputs, cloud: CloudInfrastructure, server: CloudServer) -> str:
    """Name a server as Terraform does: `local.name` of the root, then the server."""
    return f"{cloud.project}-{inputs.environment}-{server.name}"


def _of_global(name: str) -> str:
    return f"--global-cluster-identifier {name} --target-db-cluster-identifier ARN"


def _least(inputs: ReportInputs) -> int:
    services = [one.scale.least for one in inputs.plan.workloads if one.role == "service"]
    return max(services, default=1)


def _checked(inputs: ReportInputs, environment: str) -> Iterator[Step]:
    known = len(inputs.system.file.invariants)
    if known:
        yield Step(
            f"Ask the {known} invariants of the model of the databases; each has its query under "
            "`invariants`. A row that one returns is data to repair."
        )
    yield Step(
        "Judge what runs there, then let visits in.",
        (f"tarmac verify {inputs.called} --env {environment} --target cluster",),
    )
