"""Every object satisfies the schema of its kind; none is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, places, text
from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.metadata import group_of
from tarmac.check.gates.views.objects.object_rules import added, is_exported
from tarmac.check.gates.views.objects.text_forms import is_example, is_replaced, is_to_write
from tarmac.check.gates.views.objects.webhooks import completed_groups
from tarmac.check.gates.views.objects.whole import schemas_of, whole_objects
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.overlays.flux_patches import GROUP, adds
from tarmac.check.gates.views.overlays.parts import is_part
from tarmac.check.gates.views.programs import objects_of
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.schemas import check as asking

_LACKS = re.compile(r"has no '([^']+)', which is required")
#: Words that YAML 1.1 takes for a boolean, and Kustomize for a text.
_OLD_WORD = re.compile(r".*:[ \t]*(on|off|yes|no|y|n)[ \t]*(#.*)?", re.IGNORECASE)
VERSIONS = ("spec", "versions")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each field that its schema does not allow, and each object without a schema."""
    schemas = schemas_of(subject)
    for artifact in objects_of(subject):
        for where, what in schemas.problems(artifact.data):
            yield Finding(artifact.path, f"{where}: {what}", GATE.id)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files, but for what their cluster may know and Tarmac does not."""
    schemas = schemas_of(files)
    defined, completed = _defined_once(files), completed_groups(files)
    for artifact in whole_objects(files):
        api, kind = str(artifact.data.get("apiVersion")), str(artifact.data.get("kind"))
        # Another release of an operator may have other fields, but where its definition is here.
        is_own = schemas.is_own(api)
        is_here = defined.get((group_of(artifact), kind)) == artifact.built_by
        is_open = not (is_here or is_own) or is_part(artifact)
        for problem in schemas.located(artifact.data):
            path, what = problem.path, problem.what
            if path in (["kind"], ["apiVersion"]) and not schemas.is_misnamed(api, kind):
                continue
            # Programs take a list apart, and send what is in it.
            is_of_list = path[:1] == ["metadata"] or what.startswith("has no 'metadata'")
            # So does istioctl with its settings, which need no name.
            if is_of_list and (kind.endswith("List") or kind == "IstioOperator"):
                continue
            # What SOPS adds, it takes away before the object is applied.
            if is_replaced(dig(artifact.data, *path)) or path == ["sops"]:
                continue
            own = dig(artifact.data, *path)
            if own in added(kind, tuple(path)):
                continue
            if _is_text_for_flux(files, artifact, tuple(path)):
                continue
            if what.startswith("is null"):  # an API server takes it as if it were not there
                continue
            lack = _LACKS.match(what)
            if lack and adds(files, artifact, (*path, lack[1])):
                continue
            # What is written over before a server reads it may be anything.
            if isinstance(own, str | int) and adds(files, artifact, path):
                continue
            said = f"{asking.write(path)}: {what}"
            # A default that is filled in may tell which of several schemas it is.
            # A server takes away what a new object has as its state.
            may_be = is_open or "more than one of the schemas" in what or path[:1] == ["status"]
            may_be = may_be or is_exported(tuple(path), own)
            may_be = may_be or (not is_own and _is_example(artifact, tuple(path)))
            if "which is required" in what and not is_own:
                may_be = may_be or bool({"*", group_of(artifact)} & completed)
            yield Finding(artifact.at(*path), said, GATE.id, may_be, problem.fix)


def _is_example(artifact: Artifact, path: Path) -> bool:
    """Tell whether a reader of a custom object is to write a value, here or elsewhere in it."""
    texts = (text for _, text in places(artifact.data))
    return is_to_write(dig(artifact.data, *path)) or any(map(is_example, texts))


def _is_text_for_flux(files: Files, artifact: Artifact, path: Path) -> bool:
    """Tell whether a boolean is a word that Flux hands on as a text: it builds by Kustomize."""
    if not isinstance(dig(artifact.data, *path), bool) or not _is_by_flux(files):
        return False
    place, number = on_disk(files, artifact.path), artifact.at(*path).rpartition(":")[2]
    if place is None or not place.is_file() or not number.isdigit():
        return False
    lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(map(_OLD_WORD.fullmatch, lines[int(number) - 1 : int(number)]))


def _is_by_flux(files: Files) -> bool:
    kustomizations = files.objects("Kustomization")
    return any((text(one.data, "apiVersion") or "").startswith(GROUP) for one in kustomizations)


def _defined_once(files: Files) -> dict[tuple[str, str], str]:
    """Find by what each group and kind is built that these files define in one way alone.

    Others may be of an example, or of another cluster than the objects that no build puts beside.
    """
    found: dict[tuple[str, str], list[Artifact]] = {}
    for definition in files.objects("CustomResourceDefinition"):
        spec = fields(definition.data, "spec")
        key = (str(text(spec, "group")), str(text(spec, "names", "kind")))
        found.setdefault(key, []).append(definition)
    return {
        key: every[0].built_by
        for key, every in found.items()
        if all(dig(one.data, *VERSIONS) == dig(every[0].data, *VERSIONS) for one in every)
    }


GATE = Gate(
    id="VAL001",
    title="Every Kubernetes object satisfies its schema, without unknown fields",
    phase="kubernetes",
    source="An API server drops what it does not know, and the setting never takes effect. "
    "Rules in CEL are for OBJ014, what Kubernetes checks in its own code for OBJ013.",
    reads="all objects. Of files without a plan: not the patches of a Kustomization, and kinds of "
    "others by their definition where it is here; without, or where there are several, by the "
    "release that the schemas are of, as a warning.",
    check=check,
    of_files=of_files,
    scope=counted_in_files("objects", whole_objects, objects_of),
    level=Level.VALID,
)
