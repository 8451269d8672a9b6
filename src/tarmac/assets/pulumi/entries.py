"""What only this program knows of the servers, in Secrets Manager, where External Secrets reads it.

Where a server stands, and passwords. AWS makes a password; Pulumi's state has it encrypted, as it
has every secret.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

#: Only letters and digits, which a URL takes as they are.
LENGTH = 40


def make_password(name: str, values: dict[str, Any]) -> pulumi.Output[str]:
    """Make a password and its entry, once: another one has another name."""
    made = aws.secretsmanager.get_random_password_output(
        password_length=LENGTH, exclude_punctuation=True
    )
    return _entry(name, pulumi.Output.secret(made.random_password), values, "secretString")


def write_address(name: str, host: pulumi.Output[str], values: dict[str, Any]) -> None:
    """Write down where a server stands; it follows the server."""
    _entry(name, host, values)


def _entry(
    name: str, value: pulumi.Output[str], values: dict[str, Any], *stays: str
) -> pulumi.Output[str]:
    days = 30 if values["protected"] else 0
    entry = aws.secretsmanager.Secret(
        name, name=name, description="Written by Pulumi", recovery_window_in_days=days
    )
    # AWS makes another password at each run, and the first one is to stay.
    options = pulumi.ResourceOptions(ignore_changes=list(stays))
    version = aws.secretsmanager.SecretVersion(
        name, secret_id=entry.id, secret_string=value, opts=options
    )
    return version.secret_string
