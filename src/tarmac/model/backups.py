"""Backups of the objects in a cluster, by Velero."""

from __future__ import annotations

from pydantic import Field

from tarmac.model.value import Duration, Name, StrictModel


class ClusterBackups(StrictModel):
    """When Velero keeps the objects of the environment's namespace, and for how long."""

    schedule: str = Field(
        default="0 */6 * * *", description="When a backup is made, as five fields of cron in UTC."
    )
    keep: Duration = Field(default=720 * 3600, gt=0, description="How long each backup is kept.")
    bucket: Name = Field(
        default="velero-backups",
        description="The bucket that Terraform makes for them; in AWS its name has the project, "
        "the environment and the account, too.",
    )
    volumes: bool = Field(
        default=True,
        description="Snapshots of the disks of pods, too; without, objects alone are kept.",
    )
