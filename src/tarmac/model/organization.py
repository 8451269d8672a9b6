"""The AWS accounts of a system, and the people who enter them.

Only what nothing else in the model says stands here: the number and the regions of an environment's
account are the environment's own.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from tarmac.model.texts import Email
from tarmac.model.value import Name, StrictModel

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
AccountNumber = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
Policy = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_-]+$")]
RoleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Account(StrictModel):
    """An account of the organization."""

    email: Email = Field(description="Its address, which no other account of AWS has.")
    id: AccountNumber | None = Field(
        default=None,
        description="Its twelve digits, once it is made; of an environment's account they are in "
        "its `registry`.",
    )


class AccessGroup(StrictModel):
    """People with the same rights, by a group of IAM Identity Center."""

    policies: tuple[Policy, ...] = Field(
        min_length=1, description="Policies of AWS, e.g. ViewOnlyAccess."
    )
    accounts: tuple[Name, ...] = Field(min_length=1, description="The accounts they enter.")
    hours: int = Field(default=4, ge=1, le=12, description="How long a session lasts.")


class Automation(StrictModel):
    """Functions of each account that answer events."""

    email: Email = Field(description="Where alerts go: attacks, alarms, failed snapshots.")
    deletes: bool = Field(
        default=False,
        description="The cleanup deletes stale resources instead of listing them: disks, snapshots "
        "and addresses without a user whose tag `Expires` is past.",
    )


class Organization(StrictModel):
    """The AWS Organization: an account for each environment, and those that they share."""

    region: Region = Field(description="The region of IAM Identity Center.")
    accounts: dict[Name, Account] = Field(
        min_length=1,
        description="The accounts; one of an environment's name is that environment's.",
    )
    access: dict[Name, AccessGroup] = Field(
        default={}, description="Groups of people, and what they may do in which accounts."
    )
    automation: Automation | None = Field(
        default=None, description="Functions that answer events; without it there are none."
    )
    role: RoleName = Field(
        default="OrganizationAccountAccessRole",
        description="The role by which Terraform enters an account from the management account.",
    )
    days: int = Field(
        default=365, ge=90, description="Days for which trails and records of changes are kept."
    )
