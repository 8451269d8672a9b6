"""A network firewall is on the way of the traffic that it is to inspect."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, settings

FIREWALL = ("resource", "aws_networkfirewall_firewall")
#: What leads traffic to an endpoint, as a resource of its own or within a table.
ENDPOINT = "vpc_endpoint_id"
ROUTES = ("aws_route", "aws_route_table", "aws_default_route_table")
#: AWS's own module takes the routes as its inputs.
MODULE = "module"


def check(files: Files) -> Iterator[Finding]:
    """Yield firewalls where no route leads to an endpoint."""
    found = _firewalls(files)
    if not found or any(_leads(setting) for setting in settings(files)):
        return
    for setting in found:
        yield Finding(
            setting.where,
            "no route leads to the endpoint of this firewall, so nothing passes it; write "
            "vpc_endpoint_id in the aws_route of the subnets that it protects",
        )


def _leads(setting: Setting) -> bool:
    if setting.name != ENDPOINT:
        return False
    return setting.path[0] == MODULE or setting.path[1:2] in [(kind,) for kind in ROUTES]


def _firewalls(files: Files) -> list[Setting]:
    """List the firewalls by the first line that each has."""
    first: dict[tuple[str, ...], Setting] = {}
    for setting in settings(files):
        if setting.path[:2] == FIREWALL and len(setting.path) == 4:
            first.setdefault((setting.file, *setting.path[:3]), setting)
    return list(first.values())


GATE = Gate(
    id="INF013",
    title="Traffic is routed through a network firewall",
    phase="security",
    source="https://docs.aws.amazon.com/network-firewall/latest/developerguide/"
    "vpc-config-route-tables.html: a firewall sees what a route table sends to its endpoint, and "
    "nothing else",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("network firewalls", _firewalls),
    targets=("cluster",),
    reads="aws_networkfirewall_firewall, and vpc_endpoint_id of aws_route and route tables in any "
    "file of the repository.",
)
