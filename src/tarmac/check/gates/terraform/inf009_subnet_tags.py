"""Subnets of an EKS cluster have the tags by which load balancers find them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformRoot, blocks, roots
from tarmac.check.gates.views.terraform.settings import Setting

TAG = "kubernetes.io/role/"
EKS = re.compile(r"(^|/)(terraform-aws-eks|terraform-aws-modules/eks/aws)\b")
VPC = re.compile(r"(^|/)(terraform-aws-vpc|terraform-aws-modules/vpc/aws)\b")
#: Tags that a variable or a resource of their own gives are not seen.
ELSEWHERE = re.compile(r"\btags\s*=\s*(merge\(\s*)?var\.|\baws_ec2_tag\b")
#: What load balancers of a kind are put into, by the name of its subnets.
ROLES = {
    "public": ("elb", "of the internet"),
    "private": ("internal-elb", "inside the VPC"),
}


def check(files: Files) -> Iterator[Finding]:
    """Yield subnets by which no load balancer of the cluster is found."""
    for root, subnets in _networks(files):
        said = {role for role, _ in ROLES.values() if f'{TAG}{role}"' in root.text}
        if ELSEWHERE.search(root.text) and not said:
            continue
        for side, (role, balancers) in ROLES.items():
            own = [subnet for subnet in subnets if _is_of(subnet, side)]
            if own and role not in said:
                what = f"the {side} subnets of an EKS cluster lack the tag {TAG}{role}"
                why = f"by which load balancers {balancers} find them"
                advice = f'write "{TAG}{role}" = 1 among their tags'
                yield Finding(own[0].where, f"{what}, {why}; {advice}", warning=True)


def _networks(files: Files) -> list[tuple[TerraformRoot, list[Setting]]]:
    """List the roots with a cluster of EKS and subnets, each subnet by one of its settings."""
    found = []
    for root in roots(files):
        modules = {
            (one.file, one.path[1]): one.value or ""
            for one in root.settings
            if one.path[0] == "module" and one.path[2:] == ("source",)
        }
        clusters = {
            (one.file, *one.path[:-1])
            for one in root.settings
            if one.path[:2] == ("resource", "aws_eks_cluster")
            or (one.path[0] == "module" and EKS.search(modules.get((one.file, one.path[1]), "")))
        }
        subnets = [one for one in root.settings if _is_subnet(one, modules)]
        if clusters and subnets:
            found.append((root, _of_clusters(subnets, _written(files, clusters))))
    return found


def _written(files: Files, clusters: set[tuple[str, ...]]) -> str:
    return "\n".join(
        line
        for block in blocks(files)
        if (block.file, *block.names) in clusters
        for _, line in block.lines
    )


def _of_clusters(subnets: list[Setting], written: str) -> list[Setting]:
    """Leave out the networks of others, where a cluster names the module of its own."""
    named = [one for one in subnets if f"module.{one.path[1]}." in written]
    others = len({one.path[1] for one in subnets if one.path[0] == "module"}) > 1
    return [
        one for one in subnets if one.path[0] == "resource" or one in named or not (named or others)
    ]


def _is_subnet(one: Setting, modules: dict[tuple[str, str], str]) -> bool:
    if one.path[:2] == ("resource", "aws_subnet"):
        return len(one.path) == 4
    source = modules.get((one.file, one.path[1]), "") if one.path[0] == "module" else ""
    return bool(VPC.search(source)) and one.path[2:] in (("public_subnets",), ("private_subnets",))


def _is_of(subnet: Setting, side: str) -> bool:
    """Tell by its name whether a subnet is of a side; one of the internet gives addresses, too."""
    if subnet.path[0] == "module":
        return subnet.name == f"{side}_subnets"
    is_open = subnet.name == "map_public_ip_on_launch" and subnet.value == "true"
    return side in subnet.path[2] or (side == "public" and is_open)


GATE = Gate(
    id="INF009",
    title="Load balancers of a cluster find their subnets",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html: subnets "
    "are chosen by kubernetes.io/role/elb and kubernetes.io/role/internal-elb",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("networks of a cluster", _networks),
    targets=("cluster",),
    reads="aws_subnet and the modules of terraform-aws-modules in a root that has EKS, with its "
    "local modules. A subnet is public or private by its name. Tags that a variable gives, or "
    "aws_ec2_tag, are not judged.",
)
