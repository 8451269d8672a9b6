"""An Ingress, and one that answers challenges, is of a class that is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_OLD = "kubernetes.io/ingress.class"


class ClassUse(NamedTuple):
    """A class that an Ingress is of, or will be; empty: none is said."""

    artifact: Artifact
    where: str
    name: str


def check(files: Files) -> Iterator[Finding]:
    """Yield Ingresses that no controller takes, where the classes are among the files."""
    classes = {name_of(one): one for one in files.objects("IngressClass")}
    defaults = [
        one for one in classes.values() if str(metadata(one).annotations.get(_DEFAULT)) == "true"
    ]
    there = ", ".join(sorted(classes))
    for use in _uses(files) if classes else ():
        if use.name and use.name not in classes:
            what = f"{title(use.artifact)} is for the class {use.name}, which is not here, so no"
            said = f"{what} controller takes it; there are: {there}"
            yield Finding(use.where, said, warning=True)
        elif not use.name and not defaults:
            what = f"{title(use.artifact)} names no class, and none here is the default: no"
            said = f"{what} controller takes it; write one of {there}"
            yield Finding(use.where, said, warning=True)


@once
def _uses(files: Files) -> Iterator[ClassUse]:
    for one in files.objects("Ingress"):
        name = string(one.data, "spec", "ingressClassName")
        yield ClassUse(one, one.at("spec"), name or str(metadata(one).annotations.get(_OLD, "")))
    for one in files.objects("Issuer", "ClusterIssuer"):
        for number, solver in numbered(dig(one.data, "spec", "acme"), "solvers"):
            ingress = dig(solver, "http01", "ingress")
            if isinstance(ingress, dict) and "name" not in ingress:
                where = one.at("spec", "acme", "solvers", number)
                name = string(ingress, "ingressClassName") or string(ingress, "class")
                yield ClassUse(one, where, name)


GATE = Gate(
    id="NET016",
    title="An Ingress is of a class that is there",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class: one "
    "without a class is taken by the default one alone",
    check=check,
    of_files=check,
    scope=counted_in_files("uses of a class", _uses),
    targets=("cluster",),
    reads="classes of Ingresses and of solvers of cert-manager, where IngressClasses are among the "
    "files. Other classes may come with a chart, so all are warnings.",
)
