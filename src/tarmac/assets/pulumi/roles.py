"""The role of one service account: it reads its own entries of Secrets Manager and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pulumi_aws as aws
from cluster import Cluster, trusting

READ = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]


def make_role(
    account: str, given: dict[str, Any], values: dict[str, Any], cluster: Cluster
) -> aws.iam.Role:
    """Make the role; what the model allows beside the secrets is in its policy, too."""
    role = aws.iam.Role(
        f"account-{account}",
        name=given["role"],
        assume_role_policy=trusting(cluster, given["namespace"], account),
    )

    def policy(arn: str) -> str:
        number = arn.split(":")[4]
        entries = f"arn:aws:secretsmanager:{values['region']}:{number}:secret"
        # AWS adds a hyphen and six characters to an entry's name.
        secrets = [f"{entries}:{path}-??????" for path in given["entries"]]
        statements = [{"Effect": "Allow", "Action": READ, "Resource": secrets}] if secrets else []
        statements += [
            {"Effect": "Allow", "Action": [action], "Resource": resources}
            for action, resources in given.get("allows", {}).items()
        ]
        return json.dumps({"Version": "2012-10-17", "Statement": statements})

    aws.iam.RolePolicy(
        f"account-{account}", name="own", role=role.name, policy=cluster.provider.arn.apply(policy)
    )
    return role
