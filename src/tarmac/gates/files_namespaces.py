"""What belongs together is in one namespace: by Argo CD, by the overlay, by the object."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._argo_files import applications, below
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import TEMPLATES, dig, name_of, title
from tarmac.report import Finding

#: Who names another object of its own namespace, and where.
REFERENCES = {
    "HorizontalPodAutoscaler": ("spec", "scaleTargetRef"),
    "Canary": ("spec", "targetRef"),
    "ScaledObject": ("spec", "scaleTargetRef"),
}


def check(files: Files) -> Iterator[Finding]:
    """Yield namespaces that differ where there must be one."""
    for application in applications(files):
        wanted = dig(application.data, "spec", "destination", "namespace")
        for each in below(files, application) if wanted else ():
            kustomized = each.data.get("kind") == "Kustomization"
            path = ("namespace",) if kustomized else ("metadata", "namespace")
            given = dig(each.data, *path)
            if given not in (None, wanted) and (kustomized or each.data.get("kind") in TEMPLATES):
                yield Finding(
                    each.at(*path),
                    f"namespace is {given}, and {title(application)} puts this folder into "
                    f"{wanted} ({application.at('spec', 'destination', 'namespace')}): policies, "
                    "quotas and secrets of the one do not hold in the other; write one name",
                )
    workloads: dict[tuple[str, str], list[str]] = {}
    for each in files.objects(*TEMPLATES):
        space = dig(each.data, "metadata", "namespace")
        workloads.setdefault((each.data["kind"], name_of(each)), []).append(str(space or ""))
    for kind, path in REFERENCES.items():
        for each in files.objects(kind):
            target = dig(each.data, *path) or {}
            own = str(dig(each.data, "metadata", "namespace") or "")
            spaces = workloads.get((target.get("kind", ""), target.get("name", "")), [])
            if spaces and own and own not in spaces and "" not in spaces:
                yield Finding(
                    each.at("metadata", "namespace"),
                    f"{title(each)} is in {own}, and its {target['kind']} {target['name']} in "
                    f"{spaces[0]}, where it is not looked for; write {spaces[0]}",
                )


GATE = Gate(
    id="GIT050",
    title="An Application, its overlay and its objects name one namespace",
    phase="gitops",
    source="a namespace that is written in three places is two before long",
    check=check,
    of_files=check,
    #: What is planned has one namespace from the start: OBJ002.
    targets=(),
    looks_at="destination of Argo CD's Applications, beside `namespace` of the Kustomization and "
    "of the workloads in the folder that they follow; and who scales or releases whom. Asked of "
    "files alone: OBJ002 holds a plan to its namespace.",
)
