"""Disks of nodes that Karpenter makes are encrypted, and the one that holds images is sized."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import kinds

#: Kinds that say what a node is made of; the second one is of Karpenter before 0.33.
MACHINES = ("EC2NodeClass", "AWSNodeTemplate")
#: Bottlerocket's own system is on the first disk; images, logs and scratch are on the second.
SYSTEM, DATA = "/dev/xvda", "/dev/xvdb"


def check(files: Files) -> Iterator[Finding]:
    """Yield disks that are not encrypted, and Bottlerocket whose disk of images has no size."""
    for artifact in files.objects(*MACHINES):
        disks = items(artifact.data, "spec", "blockDeviceMappings")
        for number, disk in enumerate(disks):
            if dig(disk, "ebs", "encrypted") is not True:
                what = f"{title(artifact)} makes disk {string(disk, 'deviceName')} unencrypted"
                place = artifact.at("spec", "blockDeviceMappings", number, "ebs")
                yield Finding(place, f"{what}; write `encrypted: true`")
        names = [string(disk, "deviceName") for disk in disks]
        if _is_bottlerocket(artifact) and SYSTEM in names and DATA not in names:
            what = f"{title(artifact)} sizes {SYSTEM}, Bottlerocket's own system; images and logs "
            what += f"are on {DATA}, which stays at the image's 20 GiB, unencrypted"
            place = artifact.at("spec", "blockDeviceMappings", names.index(SYSTEM), "deviceName")
            yield Finding(place, f"{what}; add {DATA} with the size of images")


def _is_bottlerocket(artifact: Artifact) -> bool:
    terms = items(artifact.data, "spec", "amiSelectorTerms")
    family = string(artifact.data, "spec", "amiFamily")
    aliases = [string(term, "alias") for term in terms]
    return family == "Bottlerocket" or any(one.startswith("bottlerocket@") for one in aliases)


GATE = Gate(
    id="FIN003",
    title="Disks of nodes are encrypted, and the disk of images has a size",
    phase="finops",
    source="https://github.com/bottlerocket-os/bottlerocket#default-volumes: two disks, of which "
    "the second one has the images",
    check=check,
    scope=kinds("kinds of machines", *MACHINES),
    of_files=check,
    alone=True,
    targets=("cluster",),
    reads="blockDeviceMappings of EC2NodeClasses and AWSNodeTemplates. An account may encrypt all "
    "disks by default, which is not seen here.",
)
