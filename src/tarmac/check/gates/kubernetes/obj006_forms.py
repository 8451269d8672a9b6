"""Forms: plain objects, overlay and charts of one environment say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import Form, Forms
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.forms import Difference, differences, plain_of
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.unequal import shown


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objects and parts that differ between an overlay or chart and the plain tree."""
    for form in subject.given(Forms).built:
        for found in differences(subject, form):
            yield _said(found, form)


def _said(found: Difference, form: Form) -> Finding:
    title = form.title
    which = f"{found.identity.kind} {found.identity.name}"
    advice = "what is applied depends on the form; change the model and render both"
    if found.packed is None and found.plain is not None:
        plain = found.plain.at()
        place = form.deleted.get((found.identity.kind, found.identity.name), plain)
        return Finding(place, f"{which} is not in {title}, and it is in {plain}: {advice}")
    if found.plain is None:
        return Finding(found.place, f"{which} is in {title}, not among the plain objects: {advice}")
    part = ".".join(map(str, found.path))
    said = f"{which}: {part} is {_shown(found.packed_value)} in {title}"
    instead = f"{_shown(found.plain_value)} in {found.plain.at(*found.path)}"
    return Finding(found.place, f"{said}, and {instead}: {advice}")


def _shown(value: Any) -> str:
    return shown(value, "absent")


GATE = Gate(
    id="OBJ006",
    title="Plain objects, overlay and charts of an environment say the same",
    phase="kubernetes",
    source="a cluster follows one form; an edit in another one is reviewed, and never applied",
    check=check,
    scope=counted(
        "objects in two forms",
        lambda subject: [
            one for form in subject.given(Forms).built for one in plain_of(subject, form)
        ],
    ),
    reads="the tree on disk: its plain objects beside what kustomize builds of its overlay, and "
    "what helm gives for its values. Labels by which a packer names itself, and digests of "
    "configuration, are not compared.",
)
