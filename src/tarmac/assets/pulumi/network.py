"""A VPC with a public and a private subnet in each zone.

What has an address of the internet is in the public ones alone: load balancers and NAT gateways.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class Network:
    """What others are put into."""

    vpc: aws.ec2.Vpc
    private: list[aws.ec2.Subnet]


def make_network(name: str, values: dict[str, Any]) -> Network:
    """Make the VPC, its subnets, and their ways out."""
    vpc = aws.ec2.Vpc(
        name,
        cidr_block=values["network"],
        enable_dns_hostnames=True,
        enable_dns_support=True,
        tags={"Name": name},
    )
    # AWS makes it with every VPC, and all in it may talk: without rules it lets nothing.
    aws.ec2.DefaultSecurityGroup("closed", vpc_id=vpc.id, tags={"Name": f"{name}-closed"})
    internet = aws.ec2.InternetGateway(name, vpc_id=vpc.id, tags={"Name": name})
    zones, shared = values["zones"], {f"kubernetes.io/cluster/{name}": "shared"}
    public = _subnets(name, vpc, "public", zones, values["public_subnets"], "elb", shared)
    private = _subnets(
        name, vpc, "private", zones, values["private_subnets"], "internal-elb", shared
    )
    out = aws.ec2.RouteTable("public", vpc_id=vpc.id, tags={"Name": f"{name}-public"})
    aws.ec2.Route(
        "internet",
        route_table_id=out.id,
        destination_cidr_block="0.0.0.0/0",
        gateway_id=internet.id,
    )
    for zone, subnet in zip(zones, public, strict=True):
        aws.ec2.RouteTableAssociation(f"public-{zone}", subnet_id=subnet.id, route_table_id=out.id)
    gateways = _gateways(name, zones[: int(values["nat_gateways"])], public, internet)
    tables = []
    for zone, subnet in zip(zones, private, strict=True):
        tags = {"Name": f"{name}-private-{zone}"}
        table = aws.ec2.RouteTable(f"private-{zone}", vpc_id=vpc.id, tags=tags)
        aws.ec2.Route(
            f"nat-{zone}",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=gateways.get(zone, gateways[zones[0]]).id,
        )
        aws.ec2.RouteTableAssociation(
            f"private-{zone}", subnet_id=subnet.id, route_table_id=table.id
        )
        tables.append(table.id)
    # It costs nothing, and images' layers come from S3: they do not pass the NAT gateways.
    aws.ec2.VpcEndpoint(
        "s3",
        vpc_id=vpc.id,
        service_name=f"com.amazonaws.{values['region']}.s3",
        vpc_endpoint_type="Gateway",
        route_table_ids=tables,
    )
    _flow_logs(name, vpc)
    return Network(vpc, private)


def _subnets(
    name: str,
    vpc: aws.ec2.Vpc,
    side: str,
    zones: list[str],
    blocks: list[str],
    role: str,
    tags: dict[str, str],
) -> list[aws.ec2.Subnet]:
    return [
        aws.ec2.Subnet(
            f"{side}-{zone}",
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=block,
            tags={"Name": f"{name}-{side}-{zone}", f"kubernetes.io/role/{role}": "1", **tags},
        )
        for zone, block in zip(zones, blocks, strict=True)
    ]


def _gateways(
    name: str,
    zones: list[str],
    public: list[aws.ec2.Subnet],
    internet: aws.ec2.InternetGateway,
) -> dict[str, aws.ec2.NatGateway]:
    found = {}
    for zone, subnet in zip(zones, public, strict=False):
        tags = {"Name": f"{name}-{zone}"}
        address = aws.ec2.Eip(f"nat-{zone}", domain="vpc", tags=tags)
        found[zone] = aws.ec2.NatGateway(
            zone,
            allocation_id=address.id,
            subnet_id=subnet.id,
            tags=tags,
            opts=pulumi.ResourceOptions(depends_on=[internet]),
        )
    return found


def _flow_logs(name: str, vpc: aws.ec2.Vpc) -> None:
    """Keep what was refused for a year: the first thing that is asked for after an incident."""
    logs = aws.cloudwatch.LogGroup(
        "refused", name=f"/aws/vpc/{name}/refused", retention_in_days=365
    )
    role = aws.iam.Role(
        "flow-logs",
        name=f"{name}-flow-logs",
        assume_role_policy=trusted("vpc-flow-logs.amazonaws.com"),
    )
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    aws.iam.RolePolicy(
        "flow-logs",
        name="write",
        role=role.name,
        policy=logs.arn.apply(lambda arn: document(actions, [f"{arn}:*"])),
    )
    aws.ec2.FlowLog(
        "refused",
        vpc_id=vpc.id,
        traffic_type="REJECT",
        log_destination=logs.arn,
        iam_role_arn=role.arn,
    )


def trusted(service: str) -> str:
    """Write the trust of a role that a service of AWS takes."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def document(actions: list[str], resources: list[str]) -> str:
    """Write a policy of one statement."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
