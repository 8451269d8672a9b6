"""An object of a kind that an operator brings is passed over until the kind is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import App
from tarmac.check.gates.views.argo.followed import followed
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

SKIP = "SkipDryRunOnMissingResource=true"
_OPTIONS = "argocd.argoproj.io/sync-options"
#: What installs an operator while it is applied: by kind, the group.
_BRINGS = {
    "Subscription": "operators.coreos.com",
    "Provider": "pkg.crossplane.io",
    "ConstraintTemplate": "templates.gatekeeper.sh",
    "CompositeResourceDefinition": "apiextensions.crossplane.io",
}
#: Where the last two name the kinds that they make.
_MADE = (("crd", "spec", "names"), ("names",), ("claimNames",))
#: Words of a group that many have.
_WIDE = ("apps", "core", "operator", "provider", "kubernetes", "upbound")


def check(files: Files) -> Iterator[Finding]:
    """Yield objects whose kind is made by an operator that the same sync installs."""
    for app, brought, artifact in _brought(files):
        own = str(metadata(artifact).annotations.get(_OPTIONS, ""))
        if SKIP not in own and SKIP not in items(app.data, "spec", "syncPolicy", "syncOptions"):
            what = f"{title(artifact)} is of a kind that {title(brought)} brings, and {app.title}"
            said = f"{what} sends both: its dry run fails before anything is applied"
            yield Finding(artifact.at("kind"), f"{said}; annotate it with {_OPTIONS}: {SKIP}")


@once
def _brought(files: Files) -> Iterator[tuple[App, Artifact, Artifact]]:
    """Yield objects with what brings their kind, of one Application."""
    defined = {text(one.data, "spec", "group") for one in files.objects("CustomResourceDefinition")}
    for folder in followed(files):
        sent = [one for one in folder.sent if one.is_object]
        bringing = [one for one in sent if _group(one) == _BRINGS.get(kind_of(one))]
        for artifact in sent if bringing else ():
            group = _group(artifact)
            is_foreign = "." in group and not group.endswith(".k8s.io")
            for one in bringing if is_foreign and group not in defined else ():
                if one is not artifact and _is_by(one, artifact):
                    yield folder.app, one, artifact
                    break


def _group(artifact: Artifact) -> str:
    return str(artifact.data.get("apiVersion", "")).rpartition("/")[0]


def _is_by(bringing: Artifact, artifact: Artifact) -> bool:
    """Tell whether the name of an operator has a word of the object's group, or its kind.

    A template of Gatekeeper and a definition of Crossplane name the kinds that they make.
    """
    group = _group(artifact)
    if group == _group(bringing):
        return False
    made = [fields(bringing.data, "spec", *path) for path in _MADE]
    if any(made):
        return any(one.get("kind") == kind_of(artifact) for one in made)
    name = f"-{text(bringing.data, 'spec', 'name') or ''}-{name_of(bringing)}-"
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", kind_of(artifact)).lower()
    words = [kind, *(one for one in group.split(".")[:-1] if len(one) > 2 and one not in _WIDE)]
    return any(f"-{word}-" in name for word in words)


GATE = Gate(
    id="GIT014",
    title="Kinds that an operator brings are not asked for before it runs",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options: a dry run of a kind "
    "that is not there fails the sync, unless SkipDryRunOnMissingResource is set; waves come later",
    check=check,
    of_files=check,
    scope=counted_in_files("objects beside their operator", _brought),
    targets=("cluster",),
    reads="Subscriptions of OLM, Providers and definitions of Crossplane, templates of Gatekeeper "
    "in the folder of an Application, and objects whose group or kind they name, where no "
    "CustomResourceDefinition is in these files.",
)
