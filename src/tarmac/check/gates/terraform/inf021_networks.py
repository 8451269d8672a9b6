"""Subnets are in their network and apart; machines get their own system; answers are waited for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import Resources, argument, number, resources_of

_CIDR = re.compile(r'"(\d+\.\d+\.\d+\.\d+/\d+)"')
#: AWS' own processors: a `g` behind the generation.
_ARM = re.compile(r'"(a1|[a-z]+\d+g[a-z]*)\.[\w-]+"')
_OTHER = re.compile(r'"[a-z]+[\d-]+[a-z]*\.[\w-]+"')
#: API Gateway waits so long for an answer, unless AWS has raised it on request.
_WAITED_S = 29
Fault = tuple[TerraformBlock, int, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield subnets, nodes and integrations that AWS refuses, or gives up."""
    for root in resources_of(files):
        for judge in (_subnets, _systems, _answers):
            for block, line, what in judge(root):
                yield Finding(f"{block.file}:{line}", what)


def _network(block: TerraformBlock) -> tuple[int, IPv4Network | None]:
    line, text = argument(block, "cidr_block")
    found = _CIDR.fullmatch(text)
    try:
        return line, IPv4Network(found[1]) if found else None
    except ValueError:  # bits of a host: another gate says so
        return line, None


def _subnets(root: Resources) -> Iterator[Fault]:
    own: dict[str, list[tuple[TerraformBlock, IPv4Network]]] = {}
    joined = {argument(one, "vpc_id")[1] for one in root.of("aws_vpc_ipv4_cidr_block_association")}
    for block in root.of("aws_subnet"):
        if any(argument(block, key)[0] for key in ("count", "for_each")):
            continue  # it may be in place of another one
        vpc = root.named(block, "vpc_id", "aws_vpc")
        line, network = _network(block)
        if vpc is None or network is None:
            continue
        whole = _network(vpc)[1]
        if whole and not network.subnet_of(whole) and argument(block, "vpc_id")[1] not in joined:
            what = f"{block.names[2]} is {network}, outside of its network {vpc.names[2]} ({whole})"
            yield block, line, f"{what}: AWS refuses it; choose a part of {whole}"
        for other, there in own.setdefault(vpc.names[2], []):
            if network.overlaps(there):
                what = f"{block.names[2]} is {network}, and {other.names[2]} of the same network is"
                yield block, line, f"{what} {there}: AWS refuses both; keep them apart"
        own[vpc.names[2]].append((block, network))


def _systems(root: Resources) -> Iterator[Fault]:
    """Yield groups of nodes whose image is for another processor than their machines'."""
    for block in root.of("aws_eks_node_group"):
        _, types = argument(block, "instance_types")
        line, image = argument(block, "ami_type")
        arm, all_types = _ARM.findall(types), _OTHER.findall(types)
        if not line or not all_types or "CUSTOM" in image:
            continue
        for_arm = "ARM_64" in image.upper()
        if for_arm is not bool(arm) and image.startswith('"'):
            which = "ARM" if arm else "x86"
            what = f"{block.names[2]} has machines of {which} ({types.strip('[]')})"
            wanted = "an ARM_64 image" if arm else "an x86_64 image"
            yield block, line, f"{what} and the image {image}: no node starts; write {wanted}"


def _answers(root: Resources) -> Iterator[Fault]:
    """Yield functions that may work longer than API Gateway waits for their answer."""
    kinds = ("aws_apigatewayv2_integration", "aws_api_gateway_integration")
    # For an answer by HTTP alone the newer one waits a second longer.
    apis = root.of("aws_apigatewayv2_api")
    has_sockets = any("WEBSOCKET" in argument(one, "protocol_type")[1] for one in apis)
    for integration in (one for kind in kinds for one in root.of(kind)):
        key = "integration_uri" if integration.names[1] == kinds[0] else "uri"
        function = root.named(integration, key, "aws_lambda_function")
        if function is None:
            continue
        line, longest = number(function, "timeout")
        waited = _WAITED_S + (kinds[0] in integration.names and not has_sockets)
        if longest is not None and longest > waited:
            what = f"{function.names[2]} may work for {longest} s, and API Gateway waits {waited}"
            advice = f"s: its caller gets an error for work that is done; write {waited} or less"
            yield function, line, f"{what} {advice}"


def _judged(files: Files) -> Iterator[TerraformBlock]:
    for root in resources_of(files):
        for kind in ("aws_subnet", "aws_eks_node_group", "aws_lambda_function"):
            yield from root.of(kind)


GATE = Gate(
    id="INF021",
    title="Subnets are in their network and apart, and machines have a system for them",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html and "
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("subnets, groups of nodes and functions", _judged),
    reads="numbers that stand in resources of one folder: cidr_block, instance_types with "
    "ami_type, and the timeout of functions behind API Gateway.",
)
