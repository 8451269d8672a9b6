"""What Crossplane makes is made by a configuration of its provider that is there."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import Path, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_REF: Path = ("spec", "providerConfigRef")
_KINDS = ("ProviderConfig", "ClusterProviderConfig")
#: What is used where nothing is said.
_DEFAULT = "default"


def check(files: Files) -> Iterator[Finding]:
    """Yield managed resources whose ProviderConfig is not among those of its provider here."""
    there: dict[str, set[str]] = {}
    for artifact in files.objects(*_KINDS):
        there.setdefault(_provider(artifact), set()).add(name_of(artifact))
    for artifact in _managed(files) if there else ():
        names = there.get(_provider(artifact))
        name = string(artifact.data, *_REF, "name") or _DEFAULT
        is_open = "{" in name or "$" in name
        if names and name not in names and not is_open:
            said = fields(artifact.data, *_REF)
            what = f"{title(artifact)} names ProviderConfig {name}, which is not here"
            if not said:
                what = f"{title(artifact)} names no ProviderConfig, so it is made by {name}, which"
                what = f"{what} is not here"
            near = only_near(name, sorted(names)) if said else ""
            listed = f"did you mean '{near}'?" if near else f"there are: {', '.join(sorted(names))}"
            where = artifact.at(*(_REF if said else ("spec",)))
            yield Finding(where, f"{what}, and nothing is made without it; {listed}", warning=True)


def _provider(artifact: Artifact) -> str:
    """Name the provider of a group: `s3.aws.upbound.io` and `aws.upbound.io` are of one."""
    parts = group_of(artifact).split(".")
    # Those of a namespace: `s3.aws.m.upbound.io`.
    return ".".join(parts[-4:] if parts[-3:-2] == ["m"] else parts[-3:])


@once
def _managed(files: Files) -> Iterator[Artifact]:
    for artifact in files.objects():
        if "forProvider" in fields(artifact.data, "spec") and kind_of(artifact) not in _KINDS:
            yield artifact


GATE = Gate(
    id="OBJ039",
    title="What Crossplane makes is made by a configuration that is there",
    phase="kubernetes",
    source=" "
    "https://docs.crossplane.io/latest/managed-resources/managed-resources/#providerconfigref: "
    "without it, a managed resource is made by the ProviderConfig that is called default",
    check=check,
    of_files=check,
    scope=counted_in_files("managed resources of Crossplane", _managed),
    targets=("cluster",),
    reads="providerConfigRef of objects with forProvider, where a ProviderConfig of the same "
    "provider is in these files.",
)
