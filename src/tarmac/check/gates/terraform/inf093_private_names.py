"""A network of AWS resolves the names of its own endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import argument, is_none, resources_of

#: What a network needs for names of its own, and what it has where nothing is written.
_NEEDED = {"enable_dns_hostnames": "false", "enable_dns_support": "true"}
_VPC = "aws_vpc"


class PrivateEndpoint(NamedTuple):
    """An endpoint that takes the public name of a part of AWS, and its network."""

    endpoint: TerraformBlock
    network: TerraformBlock


def check(files: Files) -> Iterator[Finding]:
    """Yield endpoints whose names AWS refuses in their network."""
    for one in _endpoints(files):
        for key, default in _NEEDED.items():
            line, said = argument(one.network, key)
            if (said or default) == "false":
                place = line or one.network.lines[0][0]
                name = one.endpoint.names[2]
                what = f"{one.network.names[2]} has no {key}, and the endpoint {name} has"
                said = f"{what} private_dns_enabled: AWS refuses it; write {key} = true"
                yield Finding(f"{one.network.file}:{place}", said)


@once
def _endpoints(files: Files) -> Iterator[PrivateEndpoint]:
    for root in resources_of(files):
        for endpoint in root.of("aws_vpc_endpoint"):
            network = root.named(endpoint, "vpc_id", _VPC)
            is_private = argument(endpoint, "private_dns_enabled")[1] == "true"
            if network is not None and is_private and not is_none(endpoint):
                yield PrivateEndpoint(endpoint, network)


GATE = Gate(
    id="INF093",
    title="A network of AWS resolves the names of its own endpoints",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html: private "
    "DNS needs DNS hostnames and DNS resolution in the VPC",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("endpoints with private names", _endpoints),
    targets=("cluster",),
    reads="aws_vpc_endpoint with private_dns_enabled beside the aws_vpc of the same folder.",
)
