"""A Secret that is only added to is made by something."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.objects.stored_data import ExternalSecret
from tarmac.check.gates.views.objects.stored_objects import kept
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import kinds

#: By these the operator makes no Secret of its own.
_MAKE_NONE = ("Merge", "None")


def check(files: Files) -> Iterator[Finding]:
    """Yield what is to go into a Secret that nothing here makes, and that pods here read."""
    merged = [
        one
        for one in files.objects("ExternalSecret")
        if string(one.data, "spec", "target", "creationPolicy") in _MAKE_NONE
    ]
    made: dict[str, list[object]] = {}
    for kept_one in kept(files) if merged else ():
        if kept_one.kind == "Secret":
            made.setdefault(kept_one.name, []).append(kept_one.artifact)
    read: dict[tuple[str | None, str], Pods] = {}
    for one in pods(files) if merged else ():
        for name in _secrets(one):
            read.setdefault((metadata(one.artifact).namespace, name), one)
    for artifact in merged:
        own, space = ExternalSecret(artifact), metadata(artifact).namespace
        reader = read.get((space, own.target))
        if reader is None or any(one is not artifact for one in made.get(own.target, ())):
            continue
        policy = string(artifact.data, "spec", "target", "creationPolicy")
        what = f"{title(artifact)} has the policy {policy}, which makes no Secret, and nothing"
        advice = f"else here makes {own.target}: {title(reader.artifact)} waits for it; write Owner"
        yield Finding(artifact.at("spec", "target", "creationPolicy"), f"{what} {advice}")


def _secrets(own: Pods) -> set[str]:
    """List the Secrets that containers take variables from, and that are mounted."""
    keys = [one for c in own.containers for v in c.variables for one in v.sources]
    keys += [one for c in own.containers for v in c.sources for one in v.sources]
    found = {one.name for one in keys if one.kind == "Secret" and not one.optional}
    volumes = (source for volume in own.spec.volumes for source in volume.sources)
    return found | {source.name for source in volumes if source.kind == "Secret"}


GATE = Gate(
    id="ENV005",
    title="A Secret that an ExternalSecret only adds to is made by something",
    phase="kubernetes",
    source="https://external-secrets.io/latest/guides/ownership-deletion-policy: Merge adds keys "
    "to a Secret that is there, and makes none",
    check=check,
    of_files=check,
    scope=kinds("fetched secrets", "ExternalSecret"),
    reads="ExternalSecrets whose creationPolicy is Merge or None, beside pods of their namespace.",
)
