"""Constraints give the parameters that the Rego of their template asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.rego import of_template
from tarmac.check.gates.views.scope import counted_in_files

_CONSTRAINTS = "constraints.gatekeeper.sh/"
#: A parameter that is read as it is: with `object.get` or `not`, one may be left out.
_ASKED = re.compile(r"(?<!not )\binput\.parameters\.(\w+)")


def check(files: Files) -> Iterator[Finding]:
    """Yield constraints that give none of the parameters of their template."""
    for constraint, template in _constraints(files):
        texts = [one.text for one in of_template(template)]
        asked = list(dict.fromkeys(name for one in texts for name in _ASKED.findall(one)))
        given = fields(constraint.data, "spec", "parameters")
        if asked and not any(given.get(name) not in (None, "", [], {}) for name in asked):
            what = f"{title(constraint)} gives no {asked[0]}, which the Rego of {title(template)}"
            why = "asks for, so it forbids nothing; write it under spec.parameters"
            yield Finding(constraint.at("spec"), f"{what} {why}")


@once
def _constraints(files: Files) -> Iterator[tuple[Artifact, Artifact]]:
    """Yield constraints with their template, where that is in these files."""
    templates = {
        string(one.data, "spec", "crd", "spec", "names", "kind"): one
        for one in files.objects("ConstraintTemplate")
    }
    for one in files.objects() if templates else ():
        is_constraint = str(one.data["apiVersion"]).startswith(_CONSTRAINTS)
        if is_constraint and (template := templates.get(kind_of(one))):
            yield one, template


GATE = Gate(
    id="POL005",
    title="Constraints give what their template asks for",
    phase="security",
    source="https://open-policy-agent.github.io/gatekeeper/website/docs/howto: what Rego asks of "
    "a parameter that is not there is undefined, and then a rule does not hold",
    check=check,
    of_files=check,
    scope=counted_in_files("constraints beside their template", _constraints),
    targets=("cluster",),
    reads="spec.parameters of Gatekeeper's constraints beside `input.parameters` in the Rego of "
    "their ConstraintTemplate, where both are in these files. One parameter of several is enough.",
)
