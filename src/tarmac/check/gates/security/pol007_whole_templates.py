"""Templates and constraints of Gatekeeper are of a form that its webhook takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.rego import of_template
from tarmac.check.gates.views.scope import counted_in_files

_TEMPLATES = "templates.gatekeeper.sh/"
_CONSTRAINTS = "constraints.gatekeeper.sh/"
_KIND: Path = ("spec", "crd", "spec", "names", "kind")
_TARGETS = ("admission.k8s.gatekeeper.sh",)
_ACTIONS = ("deny", "dryrun", "warn", "scoped")
#: What Gatekeeper asks of the policy: a rule of this name.
_RULE = re.compile(r"^[ \t]*(?:default[ \t]+)?violation\b", re.MULTILINE)
_PACKAGE = re.compile(r"^[ \t]*package[ \t]+\S+", re.MULTILINE)


def check(files: Files) -> Iterator[Finding]:
    """Yield what the webhook of Gatekeeper refuses."""
    for artifact in _judged(files):
        for path, what in _faults(artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def _faults(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    if str(artifact.data["apiVersion"]).startswith(_CONSTRAINTS):
        action = string(artifact.data, "spec", "enforcementAction")
        if action and action not in _ACTIONS and not re.search(r"[{$]", action):
            what = f"has the enforcementAction {action}, which is refused"
            yield ("spec", "enforcementAction"), f"{what}; {did_you_mean(action, _ACTIONS)}"
        return
    kind, name = string(artifact.data, *_KIND), name_of(artifact)
    if kind and name != kind.lower() and not re.search(r"[{$]", name):
        what = f"makes the kind {kind}, and its name is to be that in lower case: it is refused"
        yield ("metadata", "name"), f"{what}; call it {kind.lower()}"
    targets = numbered(artifact.data, "spec", "targets")
    if len(targets) > 1:
        what = f"has {len(targets)} targets, and one is taken, so it is refused"
        yield ("spec", "targets"), f"{what}; make a template of each"
    for number, target in targets:
        at: Path = ("spec", "targets", number)
        given = string(target, "target")
        if given and given not in _TARGETS:
            what = f"has the target {given}, which Gatekeeper does not know, so it is refused"
            yield (*at, "target"), f"{what}; write {_TARGETS[0]}"
    for rego in of_template(artifact):
        lacking = "package" if not _PACKAGE.search(rego.text) else ""
        lacking = lacking or ("rule violation" if not _RULE.search(rego.text) else "")
        if lacking:
            what = f"has a policy without a {lacking}, so it is refused"
            yield ("spec", "targets"), f"{what}; write one"


def _judged(files: Files) -> list[Artifact]:
    found = [one for one in files.objects() if _is_of_gatekeeper(one)]
    return [one for one in found if "spec" in one.data]


def _is_of_gatekeeper(artifact: Artifact) -> bool:
    return str(artifact.data["apiVersion"]).startswith((_TEMPLATES, _CONSTRAINTS))


GATE = Gate(
    id="POL007",
    title="Templates and constraints of Gatekeeper are whole",
    phase="security",
    source="https://open-policy-agent.github.io/gatekeeper/website/docs/constrainttemplates and "
    "docs/violations: one target, a package with a rule violation, a name that is the kind's in "
    "lower case, an action that is known",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("templates and constraints", _judged),
    targets=("cluster",),
    reads="names, targets and Rego of ConstraintTemplates, and enforcementAction of constraints.",
)
