"""Flux finds the newest tag of an image, and where to write it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.scope import kinds

_API = "image.toolkit.fluxcd.io/"
#: Patterns whose whole match is a number.
_NUMBER = re.compile(r"\^?\(?(?:\\d|\[0-9\])(?:[+*]|\{[\d,]+\})\)?\$?")


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that read no number from a tag, and those that no image is written by."""
    policies = [one for one in files.objects("ImagePolicy") if _is_flux(one)]
    for one in policies:
        spec, tags = fields(one.data, "spec", "policy"), fields(one.data, "spec", "filterTags")
        pattern = string(tags, "pattern")
        is_whole = "numerical" in spec and pattern and not string(tags, "extract")
        if is_whole and not _NUMBER.fullmatch(pattern):
            what = f"{title(one)} orders tags as numbers, and takes none out of those of"
            advice = "name a group in the pattern, and write extract"
            where = one.at("spec", "filterTags")
            yield Finding(where, f"{what} {pattern}: no image is found; {advice}")
    if not any(map(_is_flux, files.objects("ImageUpdateAutomation"))) or files.folder is None:
        return
    written = _marks(files) if policies else set()
    for one in policies:
        mark = f"{space_of(one)}:{name_of(one)}"
        if name_of(one) not in written:
            what = (
                f"{title(one)} is written nowhere: no line has the comment that updates of images"
            )
            advice = f'look for; write # {{"$imagepolicy": "{mark}"}} behind an image'
            yield Finding(one.at("metadata", "name"), f"{what} {advice}", warning=True)


def _is_flux(one: Artifact) -> bool:
    return str(one.data["apiVersion"]).startswith(_API)


def _marks(files: Files) -> set[str]:
    """List the names of the policies that comments of files have."""
    found = set[str]()
    for path in {one.path for one in files.artifacts if one.path.endswith((".yaml", ".yml"))}:
        text = text_on_disk(files, path) or ""
        if "imagepolicy" in text:
            found |= set(re.findall(r'"\$imagepolicy":\s*"[\w.-]+:([\w.-]+)', text))
    return found


GATE = Gate(
    id="GIT016",
    title="Flux finds new images, and where to write them",
    phase="gitops",
    source="https://fluxcd.io/flux/guides/image-update: a numerical policy needs a number, which "
    "extract takes out of a tag, and a marker says which field is written",
    check=check,
    of_files=check,
    scope=kinds("ImagePolicies", "ImagePolicy"),
    targets=(),
    reads="ImagePolicies, and comments of all files where an ImageUpdateAutomation is among them. "
    "Judges files without a plan only.",
)
