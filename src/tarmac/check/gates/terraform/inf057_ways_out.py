"""Tasks on Fargate have a way to where their image is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import (
    REFERENCE,
    Resources,
    argument,
    resources_of,
)

_FARGATE = re.compile(
    r'^[ \t]*(launch_type|capacity_provider)\s*=\s*"FARGATE(_SPOT)?"', re.MULTILINE
)


def check(files: Files) -> Iterator[Finding]:
    """Yield services whose tasks are in public subnets and get no public address."""
    for root in resources_of(files):
        public = _public(root)
        for service in _services(root):
            line, given = argument(service, "assign_public_ip")
            subnets = {
                name for kind, name in REFERENCE.findall(argument(service, "subnets")[1])
                if kind == "aws_subnet"
            }  # fmt: skip
            if not subnets or given not in ("", "false") or not subnets <= public:
                continue
            if root.of("aws_vpc_endpoint"):
                continue
            at = line or argument(service, "subnets")[0]
            what = (
                f"the tasks of {service.names[2]} are in {min(subnets)}, whose only way out is an"
            )
            said = f"{what} internet gateway, and get no public address: they reach no registry, so"
            advice = "none starts; write assign_public_ip = true, or use subnets behind a NAT"
            yield Finding(f"{service.file}:{at}", f"{said} {advice}")


def _services(root: Resources) -> Iterator[TerraformBlock]:
    yield from (one for one in root.of("aws_ecs_service") if _FARGATE.search(one.text))


def _public(root: Resources) -> set[str]:
    """List the subnets whose table leads to an internet gateway."""
    tables = {
        one.names[2]
        for one in root.of("aws_route_table")
        if "aws_internet_gateway." in one.text and "nat_gateway" not in one.text
    }
    for route in root.of("aws_route"):
        found = [name for kind, name in REFERENCE.findall(route.text) if kind == "aws_route_table"]
        if "aws_internet_gateway." in route.text:
            tables.update(found)
    public = set[str]()
    for one in root.of("aws_route_table_association"):
        named = dict(
            REFERENCE.findall(
                f"{argument(one, 'subnet_id')[1]} {argument(one, 'route_table_id')[1]}"
            )
        )
        if named.get("aws_route_table") in tables and "aws_subnet" in named:
            public.add(named["aws_subnet"])
    return public


def _judged(files: Files) -> Iterator[TerraformBlock]:
    for root in resources_of(files):
        yield from _services(root)


GATE = Gate(
    id="INF057",
    title="Tasks on Fargate have a way to where their image is",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking."
    "html: a task in a public subnet needs a public address to pull its image",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services on Fargate", _judged),
    reads="subnets and assign_public_ip of aws_ecs_service, beside the routes of these subnets in "
    "the same folder; not where endpoints are made there.",
)
