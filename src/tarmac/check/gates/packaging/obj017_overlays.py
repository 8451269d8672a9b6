"""What a kustomization changes is there: targets of patches, images, replicas, names in texts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import Path, dig, fields, numbered, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.overlays.kustomized import Base, as_written, gather, written
from tarmac.check.gates.views.overlays.name_rules import ruled
from tarmac.check.gates.views.overlays.patch_objects import deletes, object_of
from tarmac.check.gates.views.overlays.patch_targets import unmet
from tarmac.check.gates.views.overlays.unfollowed import is_led_to
from tarmac.check.gates.views.scope import counted_in_files

#: What changes objects that it does not name by their files.
_CHANGES = (
    "patches", "images", "replicas", "namePrefix", "nameSuffix", "configMapGenerator",
    "secretGenerator",
)  # fmt: skip
#: Annotations of an Ingress whose names it changes, and groups of kinds whose fields it knows.
_KNOWN = frozenset(
    f"{begin}ingress.kubernetes.io/auth-{end}"
    for begin in ("", "nginx.")
    for end in ("secret", "tls-secret")
)
_PLAIN = frozenset(
    f"{name}.k8s.io"
    for name in ("networking", "rbac.authorization", "storage", "admissionregistration",
                 "apiregistration", "apiextensions", "scheduling", "certificates")
)  # fmt: skip
#: Kinds with as many parts as all others together, and no image.
_LARGE = ("CustomResourceDefinition", "ConfigMap", "Secret")


def check(files: Files) -> Iterator[Finding]:
    """Yield changes of what is not there, and names in texts that a prefix leaves as they are."""
    own, by_path = as_written(files)
    is_ruled = ruled(own)
    for folder, artifact in own.items():
        # A component changes what those include that name it.
        is_part = artifact.data.get("kind") == "Component"
        if is_part or not any(written(files, artifact).get(key) for key in _CHANGES):
            continue
        base = Base()
        gather(files, folder, own, by_path, base, set())
        if base.is_whole and base.objects:
            for path, what in _absent(files, artifact, base, own):
                # What is to be deleted is gone already, and what is of a kind may be added later.
                patch = fields(dig(written(files, artifact), *path))
                is_rule = path[0] == "patches" and set(fields(patch, "target")) == {"kind"}
                gone = path[0] == "patches" and deletes(files, folder, patch)
                yield Finding(artifact.at(*path), what, warning=gone or is_rule)
            if not base.renames:
                yield from _in_texts(artifact, base)
                base.has_rules = base.has_rules or folder in is_ruled
                for found in _with_hashes(artifact, base):
                    # Nothing includes this one, and what includes others gives the rules.
                    if not is_ruled or is_led_to(files, folder):
                        yield found


def _absent(
    files: Files, artifact: Artifact, base: Base, own: Mapping[str, Artifact]
) -> Iterator[tuple[Path, str]]:
    if base.renames:
        return
    for number, patch in numbered(written(files, artifact), "patches"):
        target = fields(patch, "target")
        kind, name = string(target, "kind"), string(target, "name")
        if not target:
            kind, name = object_of(files, posixpath.dirname(artifact.path), patch)
        selects = {"labelSelector", "annotationSelector", "group", "version"} & target.keys()
        if (kind or name) and not selects and not base.has(kind, name):
            there = [string(o, "metadata", "name") for o in base.objects if o.get("kind") == kind]
            near = only_near(name, there) if name else ""
            advice = (
                f"did you mean '{near}'?" if near else f"there are: {', '.join(there) or 'none'}"
            )
            what = f"patches {f'{kind} {name}'.strip()}, which it does not include: "
            what += "nothing changes" if target else "the build ends"
            yield ("patches", number), f"{what}; {advice}"
        elif (asked := unmet(target, base, own)) is not None:
            what = f"patches {kind or 'objects'} with {asked[0]}, which none that it includes has"
            yield ("patches", number), f"{what}: nothing changes; {asked[1]}"
    names = _images(base) if artifact.data.get("images") else set()
    for number, image in numbered(artifact.data, "images"):
        name = string(image, "name")
        is_custom = any("." in str(o.get("apiVersion", "")).partition("/")[0] for o in base.objects)
        if name and name not in names and not any(f"{name}/" in o for o in names) and names:
            near = only_near(name, sorted(names))
            advice = (
                f"did you mean '{near}'?" if near else f"there are: {', '.join(sorted(names)[:6])}"
            )
            if not is_custom or near:
                what = f"changes the image {name}, which no object here has: nothing changes"
                yield ("images", number, "name"), f"{what}; {advice}"
    for number, count in numbered(artifact.data, "replicas"):
        name = string(count, "name")
        if name and not base.has("", name):
            what = f"sets replicas of {name}, which it does not include: the build ends"
            yield ("replicas", number), f"{what}; write the name as the base has it"


def _images(base: Base) -> set[str]:
    """List the images of all objects, without their tags."""
    found = {
        text.partition("@")[0]
        for one in base.objects
        for path, text in (places(one) if one.get("kind") not in _LARGE else ())
        if path[-1] == "image"
    }
    return {one.rpartition(":")[0] if ":" in one.rpartition("/")[2] else one for one in found}


def _in_texts(artifact: Artifact, base: Base) -> Iterator[Finding]:
    """Yield Services that get another name, and texts that have the old one."""
    change = string(artifact.data, "namePrefix"), string(artifact.data, "nameSuffix")
    if not any(change):
        return
    names = {string(o, "metadata", "name") for o in base.objects if o.get("kind") == "Service"}
    for name in sorted(filter(None, names)):
        address = re.compile(rf"(?<![\w.-]){re.escape(name)}(?=[:.](?:\d|[\w-]+\.svc))")
        for one in base.objects:
            for path, text in places(one):
                is_text = "value" in path or path[0] == "data" or "args" in path
                if is_text and address.search(text) and string(one, "kind") != "Secret":
                    whole = f"{change[0]}{name}{change[1]}"
                    what = f"calls Service {name} {whole}, and {'.'.join(map(str, path))} of"
                    said = f"{string(one, 'kind')} {string(one, 'metadata', 'name')} has {name}"
                    key = "namePrefix" if change[0] else "nameSuffix"
                    why = "it is not found; set it by `replacements`"
                    yield Finding(artifact.at(key), f"{what} {said} in its text: {why}")


def _with_hashes(artifact: Artifact, base: Base) -> Iterator[Finding]:
    """Yield generated names that kustomize leaves as they are where it does not know of them."""
    for kind, name in () if base.has_rules else sorted(base.hashed):
        for one in base.objects:
            for path, text in places(one):
                if name in text and _names(one, path, text, kind, name):
                    place = ".".join(map(str, path))
                    which = f"{string(one, 'kind')} {string(one, 'metadata', 'name')}"
                    key = "configMapGenerator" if kind == "ConfigMap" else "secretGenerator"
                    what = f"generates {kind} {name} with a hash behind its name, and {place} of"
                    why = "it is not found; set disableNameSuffixHash, or a nameReference"
                    yield Finding(artifact.at(key), f"{what} {which} has {name}: {why}")


def _names(one: Mapping[str, Any], path: Path, text: str, kind: str, name: str) -> bool:
    """Tell whether a text names an object where kustomize changes no name."""
    word = re.compile(r"config-?_?map" if kind == "ConfigMap" else r"secret", re.IGNORECASE)
    last = text.rpartition("=")[2].rpartition("/")[2]
    if last != name or path[:2] == ("metadata", "name"):
        return False
    if "args" in path or "command" in path:
        return word.search(text.removesuffix(name)) is not None
    if "annotations" in path:
        # With another name its pods are new ones, and Reloader has nothing to do.
        if "reloader.stakater.com" in str(path[-1]):
            return False
        return word.search(str(path[-1])) is not None and path[-1] not in _KNOWN
    group = str(one.get("apiVersion", "")).rpartition("/")[0]
    is_said = word.search(".".join(map(str, path[-3:]))) or dig(one, *path[:-1], "kind") == kind
    return "." in group and group not in _PLAIN and text == name and bool(is_said)


GATE = Gate(
    id="OBJ017",
    title="What a kustomization changes is there",
    phase="kubernetes",
    source="https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches: a patch "
    "or image that fits nothing changes nothing and fails nothing; names in texts are left alone",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("Kustomizations", kustomization_files),
    targets=(),
    reads="targets of patches, `images`, `replicas`, names of Services in texts beside namePrefix, "
    "and generated names in arguments, annotations and kinds of others, where all that a "
    "kustomization includes is among the files. Judges files without a plan only.",
)
