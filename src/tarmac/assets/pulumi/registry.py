"""Image repositories. A tag is of one image for ever."""

from __future__ import annotations

import json
from typing import Any

import pulumi_aws as aws

UNTAGGED_DAYS, KEPT_IMAGES = 14, 100


def make_repository(name: str, values: dict[str, Any]) -> aws.ecr.Repository:
    """Make a repository that forgets what nothing can go back to."""
    repository = aws.ecr.Repository(
        name,
        name=name,
        image_tag_mutability="IMMUTABLE",
        force_delete=not values["protected"],
        encryption_configurations=[{"encryption_type": "KMS"}],
        image_scanning_configuration={"scan_on_push": True},
    )
    untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
    kept = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES}
    selections = ({**untagged, "countNumber": UNTAGGED_DAYS}, kept)
    rules = [
        {"rulePriority": number, "action": {"type": "expire"}, "selection": selection}
        for number, selection in enumerate(selections, 1)
    ]
    aws.ecr.LifecyclePolicy(name, repository=repository.name, policy=json.dumps({"rules": rules}))
    return repository
