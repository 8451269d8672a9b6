"""Computes the accounts of a system, each with its number and regions.

`plan.deploy`, `plan.infrastructure` and renderers call it; nothing else computes an account's role.
"""

from __future__ import annotations

import re

from tarmac.model.environment import Environment
from tarmac.model.system import System
from tarmac.plan.cloud import CloudAccount, CloudOrganization

#: What the name of a registry of ECR begins with.
ECR_ACCOUNT = re.compile(r"^(\d{12})\.dkr\.ecr\.")


def organization(system: System) -> CloudOrganization | None:
    """Compute the organization; None where the model has none."""
    wanted = system.file.organization
    if wanted is None:
        return None
    accounts = []
    for name, given in wanted.accounts.items():
        environment = system.file.environments.get(name)
        own = _regions(environment) or (wanted.region,)
        number = given.id or account_of(environment.registry if environment else None)
        accounts.append(CloudAccount(name, given.email, number, own))
    regions = dict.fromkeys((wanted.region, *(r for one in accounts for r in one.regions)))
    return CloudOrganization(
        name=system.name,
        region=wanted.region,
        regions=tuple(regions),
        role=wanted.role,
        days=wanted.days,
        accounts=tuple(accounts),
        access=wanted.access,
        automation=wanted.automation,
    )


def role_arn(system: System, environment: str, account: str | None) -> str | None:
    """Name the role by which an environment's account is entered; None where it needs none."""
    wanted = system.file.organization
    if wanted is None or account is None or environment not in wanted.accounts:
        return None
    return f"arn:aws:iam::{account}:role/{wanted.role}"


def account_of(registry: str | None) -> str | None:
    """Read the account's number in the name of its registry; None: it has none."""
    found = ECR_ACCOUNT.match(registry or "")
    return found[1] if found else None


def _regions(environment: Environment | None) -> tuple[str, ...]:
    """List the regions of an environment: its own, and the one that takes over."""
    if environment is None or environment.region is None:
        return ()
    standby = environment.infrastructure.standby if environment.infrastructure else None
    return (environment.region, *([standby.region] if standby else []))
