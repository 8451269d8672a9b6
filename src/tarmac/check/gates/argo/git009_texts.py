"""Argo CD finds what the texts of Applications and of their sets stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, fields, items, numbered, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import kind_of, title
from tarmac.check.gates.views.scope import kinds

Fault = tuple[Path, str]
_PLAIN = re.compile(r"\{\{-?\s*([A-Za-z_]\w*(?:\.[\w./-]+)*)\s*-?\}\}")
_DOTTED = re.compile(r"\{\{-?\s*(\.[A-Za-z_][\w.]*)[^}]*\}\}")
#: What a Go template prints as it is written, and a line of a text that is a comment.
_RAW = re.compile(r"\{\{-?\s*`[^`]*`\s*-?\}\}")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_OF_HELM = (".Values", ".Release", ".Chart", ".Capabilities", ".Files", ".Template")
_FIELD = re.compile(r"\{\{-?\s*\.([A-Za-z_]\w*)\s*-?\}\}")
#: Words that stand alone in a Go template.
_WORDS = frozenset({"end", "else", "break", "continue", "now", "uuidv4", "dict", "list"})
_VERSIONED = re.compile(r"(?:(.*)/)?v\d+(?:(?:alpha|beta)\d+)?")
#: The groups of kinds whose fields controllers change.
_GROUPS = {
    "Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "ReplicaSet": "apps",
    "HorizontalPodAutoscaler": "autoscaling", "Job": "batch", "CronJob": "batch",
    "Ingress": "networking.k8s.io", "NetworkPolicy": "networking.k8s.io",
    "ClusterRole": "rbac.authorization.k8s.io", "Role": "rbac.authorization.k8s.io",
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "MutatingWebhookConfiguration": "admissionregistration.k8s.io",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io",
    "APIService": "apiregistration.k8s.io", "PodDisruptionBudget": "policy",
    "ConfigMap": "", "Secret": "", "ServiceAccount": "", "PersistentVolumeClaim": "",
}  # fmt: skip
#: Fields that a generator of lists gives without being told.
_GIVEN = frozenset({"index", "values", "path"})


def check(files: Files) -> Iterator[Finding]:
    """Yield texts that are not filled in, and pointers that lead nowhere."""
    for artifact in files.objects("ApplicationSet", "Application"):
        faults = [*_pointers(artifact)]
        if kind_of(artifact) == "ApplicationSet":
            faults += [*_filled(artifact), *_absent(artifact)]
        for path, what in faults:
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def _filled(artifact: Artifact) -> Iterator[Fault]:
    """Yield texts of the other kind of template than the one that the set has."""
    spec = fields(artifact.data, "spec")
    is_go = spec.get("goTemplate") is True
    if is_mark(spec.get("goTemplate")):
        return
    for path, text in places(fields(spec, "template"), ("spec", "template")):
        for word in _PLAIN.findall(_RAW.sub("", text)) if is_go else ():
            if word not in _WORDS:
                what = f"is a Go template, in which {{{{{word}}}}} is a function that there is not"
                yield path, f"{what}, so nothing is made; write {{{{.{word}}}}}"
        for word in _DOTTED.findall(_COMMENT.sub("", text)) if not is_go else ():
            if word.startswith(_OF_HELM):  # for the chart that gets it
                continue
            what = f"has {{{{{word}}}}} and no goTemplate, so it stays as it is written"
            yield path, f"{what}; set `goTemplate: true`"


def _absent(artifact: Artifact) -> Iterator[Fault]:
    """Yield fields that no element of a set's lists has; the older template keeps their text."""
    spec = fields(artifact.data, "spec")
    generators = [fields(one) for one in items(spec, "generators")]
    elements = [
        element
        for generator in generators
        for element in items(generator, "list", "elements")
        if isinstance(element, Mapping)
    ]
    is_open = any(one.keys() - {"list", "selector"} for one in generators)
    is_open = is_open or any("template" in fields(one, "list") for one in generators)
    is_go = spec.get("goTemplate")
    if is_open or not elements or is_go not in (None, False, True):
        return
    known = {str(key) for element in elements for key in element}
    for path, text in places(fields(spec, "template"), ("spec", "template")):
        for word in dict.fromkeys((_FIELD if is_go else _PLAIN).findall(text)):
            if word.partition(".")[0] not in known | _GIVEN:
                what = f"reads {'.' if is_go else ''}{word}, which no element of its list has"
                yield path, f"{what}; {did_you_mean(word, sorted(known))}"


def _pointers(artifact: Artifact) -> Iterator[Fault]:
    above: Path = ("spec",)
    if kind_of(artifact) == "ApplicationSet":
        above = ("spec", "template", "spec")
    for number, one in numbered(artifact.data, *above, "ignoreDifferences"):
        at: Path = (*above, "ignoreDifferences", number)
        yield from _ignored(one, at)
        for key, sign in (("jsonPointers", "/"), ("jqPathExpressions", ".")):
            for place, text in enumerate(items(one, key)):
                if isinstance(text, str) and text[:1] not in (sign, "{", "(", "") and text:
                    what = f"ignores {text}, which is not a place of {key}, so it ignores nothing"
                    yield (*at, key, place), f"{what}; begin it with {sign}"


def _ignored(one: Mapping[str, object], at: Path) -> Iterator[Fault]:
    """Yield differences of a group or kind that no object has."""
    group, kind = str(one.get("group") or ""), str(one.get("kind") or "")
    if found := _VERSIONED.fullmatch(group):
        what = f"ignores differences of the group {group}, and a group has no version"
        yield (*at, "group"), f'{what}, so it ignores nothing; write "{found[1] or ""}"'
    elif kind in _GROUPS and not set(group) & set("*?[{.") and group != _GROUPS[kind]:
        what = f"ignores differences of {kind} in the group {group!r}, which has none"
        yield (*at, "group"), f'{what}, so it ignores nothing; write "{_GROUPS[kind]}"'
    elif kind.capitalize() in (*_GROUPS, "Service") and kind != kind.capitalize():
        what = f"ignores differences of {kind}, and kinds begin with a capital"
        yield (*at, "kind"), f"{what}, so it ignores nothing; write {kind.capitalize()}"


GATE = Gate(
    id="GIT009",
    title="Argo CD fills in what sets say, and finds what Applications ignore",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/GoTemplate: "
    "texts of both kinds of templates look alike, and each knows its own alone",
    check=check,
    of_files=check,
    alone=True,
    scope=kinds("Applications and sets", "Application", "ApplicationSet"),
    targets=(),
    reads="`goTemplate` beside the texts of the template, fields of elements of lists, pointers of "
    "ignoreDifferences. What other generators give is not known. Judges files without a plan only.",
)
