"""Addresses that MetalLB gives are announced on the network."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_KINDS = ("L2Advertisement", "BGPAdvertisement")
_GROUP = "metallb.io/"


def check(files: Files) -> Iterator[Finding]:
    """Yield pools of addresses that nothing announces."""
    pools = list(_pools(files))
    found = files.objects(*_KINDS) if pools else ()
    if not found and any(_texts(files)):
        return
    named = {name for one in found for name in items(one.data, "spec", "ipAddressPools")}
    # One that names no pool announces all; one that chooses them by labels may announce any.
    is_open = any(not items(one.data, "spec", "ipAddressPools") for one in found)
    for pool in pools if not is_open else ():
        if name_of(pool) not in named:
            there = f"only {', '.join(sorted(map(str, named)))}" if named else "none"
            what = f"{title(pool)} gives addresses that nothing announces ({there} of the pools has"
            said = f"{what} an L2Advertisement or BGPAdvertisement): no host on the network finds"
            yield Finding(pool.at("metadata", "name"), f"{said} them; write one", warning=True)


@once
def _texts(files: Files) -> Iterator[bool]:
    """Yield the texts that may make an announcement: templates, scripts, charts of values."""
    for one in files.artifacts:
        if isinstance(one.content, str):
            if any(kind in one.content for kind in _KINDS):
                yield True
        elif not one.is_object and any(kind in str(one.data) for kind in _KINDS):
            yield True


@once
def _pools(files: Files) -> Iterator[Artifact]:
    for one in files.objects("IPAddressPool"):
        is_ours = str(one.data.get("apiVersion")).startswith(_GROUP)
        if is_ours and string(one.data, "metadata", "name"):
            yield one


GATE = Gate(
    id="NET052",
    title="Addresses that MetalLB gives are announced",
    phase="kubernetes",
    source="https://metallb.universe.tf/configuration/#announce-the-service-ips: once the pools "
    "are written, announcing their addresses has to be configured, too",
    check=check,
    of_files=check,
    scope=counted_in_files("pools of addresses", _pools),
    targets=("cluster",),
    reads="IPAddressPools of MetalLB beside its advertisements. These may be applied from "
    "elsewhere, so all are warnings.",
)
