"""Services of AWS whose actions are on resources that another one's name is in."""

from __future__ import annotations

PAIRS = {
    "logs": {"cloudwatch"}, "ec2": {"ssm", "ebs", "ec2-instance-connect"}, "iam": {"sts"},
    "s3": {"s3-object-lambda"}, "sns": {"sms-voice"}, "ssm": {"ssmmessages", "ec2messages"},
    "elasticloadbalancing": {"elb"}, "states": {"stepfunctions"}, "rds": {"rds-data", "rds-db"},
    "cassandra": {"keyspaces"}, "apigateway": {"execute-api"},
    "catalog": {"servicecatalog"}, "wafv2": {"elasticloadbalancing", "apigateway"},
    "secretsmanager": {"rds-data"},
}  # fmt: skip


def alike(services: set[str]) -> set[str]:
    """Add services whose actions are on resources that another one's name is in."""
    found = set(services)
    for service in services:
        found |= PAIRS.get(service, set())
    return found
