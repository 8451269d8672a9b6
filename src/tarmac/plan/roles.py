"""Computes the role in AWS of each workload's service account, with its own permissions.

`plan.deploy` calls it. A workload whose secrets External Secrets fills has one, by which these and
no others are read; so has a service for which the model allows more. All others have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tarmac.base.errors import Problem
from tarmac.model.environment import Environment
from tarmac.model.infrastructure import ServiceRole
from tarmac.model.system import System
from tarmac.plan.cloud import CloudRole
from tarmac.plan.cluster import Workload, secrets_of
from tarmac.plan.organization import account_of

#: What the names of a second region's roles end with: names are one space for all regions.
SECOND = "-dr"
#: AWS takes so many characters for a role, of which three are `SECOND`.
LONGEST = 61


def bucket_name(system: System, environment: str, settled: Environment, name: str) -> str:
    """Name a bucket: no other account of AWS may have one of that name."""
    parts = (_project(system, settled), environment, name, account_of(settled.registry))
    return "-".join(filter(None, parts))


def roles(
    system: System, environment: str, settled: Environment, workloads: Sequence[Workload]
) -> dict[str, CloudRole]:
    """Compute the roles, by workload."""
    return {
        role.account: role
        for role in (_role(system, environment, settled, workload) for workload in workloads)
        if settled.cloud == "aws" and settled.target == "cluster"
        if role.secrets or role.reads or role.writes or role.allows
    }


def role_problems(
    system: System, environment: str, settled: Environment, made: Mapping[str, CloudRole]
) -> Iterator[Problem]:
    """Yield roles that AWS would not take, and such as nothing needs."""
    wanted = settled.own_infrastructure
    if wanted is None:
        return

    def at(*path: str) -> str:
        found = ("environments", environment, "infrastructure", *path)
        return str(system.locate(found, key=True))

    for name in wanted.roles:
        if name in system.file.services and name not in made:
            what = f"service '{name}' needs nothing in AWS, so it has no role"
            yield Problem(at("roles", name), f"{what}; write what it `reads`, or remove the entry")
    for name, role in made.items():
        if len(role.name) > LONGEST:
            what = f"role {role.name} has {len(role.name)} characters, and AWS takes {LONGEST}"
            place = at("roles", name) if name in wanted.roles else at()
            yield Problem(place, f"{what}; write `roles: {{{name}: {{name: ...}}}}`")


def _role(system: System, environment: str, settled: Environment, workload: Workload) -> CloudRole:
    given = settled.infrastructure.roles.get(workload.name) if settled.infrastructure else None
    given = given or ServiceRole()
    held = secrets_of(workload) if settled.secrets == "external" else ()
    paths = {secret.path for secret in held}
    account = account_of(settled.registry)
    first = settled.standby_of or environment
    name = given.name or f"{_project(system, settled)}-{first}-{workload.name}"
    name += SECOND if settled.standby_of else ""

    def buckets(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(bucket_name(system, first, settled, bucket) for bucket in names)

    return CloudRole(
        account=workload.name,
        name=name,
        arn=f"arn:aws:iam::{account or 'ACCOUNT'}:role/{name}",
        secrets=tuple(f"{system.name}/{first}/{path}" for path in sorted(paths)),
        reads=buckets(given.reads),
        writes=buckets(given.writes),
        allows=given.allows,
    )


def _project(system: System, settled: Environment) -> str:
    wanted = settled.infrastructure
    return (wanted.project if wanted else None) or system.name
