"""A disk of one zone is made where its pod runs."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Provisioners whose disks are of one zone.
_ZONAL = (
    "ebs.csi.aws.com", "kubernetes.io/aws-ebs", "pd.csi.storage.gke.io", "kubernetes.io/gce-pd",
    "disk.csi.azure.com", "kubernetes.io/azure-disk", "ebs.csi.eks.amazonaws.com",
)  # fmt: skip
_REGIONAL = ("regional-pd", "_ZRS", "hyperdisk-balanced-high-availability")


def check(files: Files) -> Iterator[Finding]:
    """Yield classes of disks that are made before their pod has a node."""
    for one in _judged(files):
        mode = string(one.data, "volumeBindingMode") or "Immediate"
        if mode == "Immediate" and not items(one.data, "allowedTopologies"):
            said = (
                "has no volumeBindingMode"
                if "volumeBindingMode" not in one.data
                else "is Immediate"
            )
            what = (
                f"{title(one)} {said}, so its disk is made in any zone before its pod has a node,"
            )
            where = one.at(*(("volumeBindingMode",) if "volumeBindingMode" in one.data else ()))
            why = "which may be of another zone: the pod never starts; write WaitForFirstConsumer"
            yield Finding(where, f"{what} {why}", warning=True)


@once
def _judged(files: Files) -> Iterator[Artifact]:
    for one in files.objects("StorageClass"):
        kind = str(one.data.get("parameters"))
        if string(one.data, "provisioner") in _ZONAL and not any(r in kind for r in _REGIONAL):
            yield one


GATE = Gate(
    id="OBJ053",
    title="A disk of one zone is made where its pod runs",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode: "
    "Immediate may make a volume that no node of the pod reaches",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("classes of disks of one zone", _judged),
    targets=("cluster",),
    reads="provisioner, volumeBindingMode and allowedTopologies of StorageClasses.",
)
