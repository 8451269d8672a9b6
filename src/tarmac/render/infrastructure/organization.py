"""Terraform of the organization, and of what each of its accounts has before anything runs there.

Two roots of the code's own repository: one makes the accounts, once; the other is applied to each
of them with values of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.model.organization import Automation
from tarmac.plan.cloud import CloudAccount, CloudOrganization
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.infrastructure.parts import hcl
from tarmac.render.renderer import Renderer

#: Below `assets/`, and where its folders go in a tree.
ASSETS, FOLDER = "organization", "infra"
BACKEND_NOTES = (
    "Where the state is, in the management account; the bucket is made by hand or by state/ of an",
    "environment's infrastructure: terraform init -backend-config=backend.hcl",
    "  -backend-config=bucket=NAME",
)
ACCOUNT_NOTES = (
    "A state for each account: add -backend-config=key=accounts/NAME/terraform.tfstate, and",
    "-reconfigure when you go on to the next.",
)


def _organization(found: CloudOrganization) -> dict[str, hcl.Value]:
    return {
        "name": found.name,
        "region": found.region,
        "regions": found.regions,
        "role": found.role,
        "accounts": {account.name: account.email for account in found.accounts},
        "access": {
            name: {"policies": one.policies, "accounts": one.accounts, "hours": one.hours}
            for name, one in found.access.items()
        },
    }


def _account(found: CloudOrganization, account: CloudAccount) -> dict[str, hcl.Value]:
    return {
        "name": f"{found.name}-{account.name}",
        "account": account.number,
        "role": found.role,
        "region": account.regions[0],
        "second_region": account.regions[1] if len(account.regions) > 1 else None,
        "days": found.days,
        **({"automation": _automation(found.name, found.automation)} if found.automation else {}),
    }


def _automation(project: str, wanted: Automation) -> dict[str, hcl.Value]:
    return {"project": project, "email": wanted.email, "deletes": wanted.deletes}


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield both roots and their values, where the model has accounts."""
    found = plan.organization
    if found is None:
        return
    for path in assets(ASSETS):
        yield Artifact(FOLDER + path.removeprefix(ASSETS), asset(path), place=plan.model)
    values = hcl.values(_organization(found))
    yield Artifact(f"{FOLDER}/organization/organization.auto.tfvars", values, plan.model)
    backend: dict[str, hcl.Value] = {"region": found.region, "encrypt": True, "use_lockfile": True}
    first = hcl.values({"key": "organization/terraform.tfstate", **backend})
    yield Artifact(f"{FOLDER}/organization/backend.hcl", first, plan.model, BACKEND_NOTES)
    notes = (*BACKEND_NOTES, *ACCOUNT_NOTES)
    yield Artifact(f"{FOLDER}/account/backend.hcl", hcl.values(backend), plan.model, notes)
    for account in found.accounts:
        if account.number:  # known once it is made
            values = hcl.values(_account(found, account))
            yield Artifact(f"{FOLDER}/account/{account.name}.tfvars", values, plan.model)


RENDERER = Renderer(
    id="organization",
    phase="infrastructure",
    title="Terraform of the AWS Organization, and of the baseline of each account",
    render=render,
    targets=("repository",),
)
