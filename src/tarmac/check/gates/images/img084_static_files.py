"""A page that Next.js builds to stand alone has its scripts and styles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname, join
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_ALONE = re.compile(r"\.next/standalone(?=[/\s\"']|$)")
#: What has the rest, too: that folder itself, or the whole of .next.
_STATIC = re.compile(r"\.next/static\b")
_WHOLE = re.compile(r"\.next/?")
_SETTINGS = ("next.config.js", "next.config.mjs", "next.config.ts", "next.config.cjs")
_MOST = 200_000


class StandaloneCopy(NamedTuple):
    """A copy of a page that stands alone, and all that copies and runs beside it."""

    dockerfile: Artifact
    line: int
    told: str
    #: Whether all that the page is built into is copied, too.
    is_whole: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield images with the server of a page and without what it serves."""
    found = list(_copies(files))
    elsewhere = " ".join(_scripts(files)) if found else ""
    for one in found:
        if one.is_whole or _STATIC.search(one.told) or "static" in elsewhere:
            continue
        if not _is_served_elsewhere(files, dirname(one.dockerfile.path)):
            what = "copies .next/standalone, which has no .next/static, and nothing copies that:"
            said = f"{what} each script and style of the page is 404; add COPY --from=... "
            where = f"{one.dockerfile.path}:{one.line}"
            yield Finding(where, f"{said}.next/static ./.next/static", warning=True)


@once
def _copies(files: Files) -> Iterator[StandaloneCopy]:
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        last = found[-1].instructions if found else ()
        copied = [one for one in last if one.word == "COPY" and _ALONE.search(one.rest)]
        if copied:
            steps = [one for stage in found for one in stage.instructions]
            told = " ".join(one.rest for one in steps if one.word in ("COPY", "RUN", "ADD"))
            taken = [word for one in last for word in _taken(one)]
            above = [_ALONE.split(word)[0] for word in taken if _ALONE.search(word)]
            is_whole = any(
                _WHOLE.fullmatch(basename(word.rstrip("/")))
                or any(place.startswith(f"{word.rstrip('/')}/") for place in above)
                for word in taken
            )
            yield StandaloneCopy(dockerfile, copied[0].line, told, is_whole)


def _taken(one: Instruction) -> list[str]:
    """List what a COPY takes."""
    return one.operands[:-1] if one.word == "COPY" else []


def _scripts(files: Files) -> Iterator[str]:
    """Yield what copies such a folder beside Dockerfiles: scripts, and those of a package."""
    for one in files.artifacts:
        name = basename(one.path)
        text = str(one.content) if name == "package.json" or name.endswith(".sh") else ""
        if "standalone" in text:
            yield text


def _is_served_elsewhere(files: Files, folder: str) -> bool:
    """Tell whether the settings of a page give its scripts another address."""
    for name in _SETTINGS:
        if (text := text_on_disk(files, join(folder, name), _MOST)) is not None:
            return "assetPrefix" in text
    return False


GATE = Gate(
    id="IMG084",
    title="A page that Next.js builds to stand alone has its scripts and styles",
    phase="containers",
    source="https://nextjs.org/docs/app/api-reference/config/next-config-js/output: the folder "
    "standalone has neither public nor .next/static, which are to be copied",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("copies of .next/standalone", _copies),
    targets=("compose", "cluster"),
    reads="COPY and RUN of a Dockerfile whose last stage has .next/standalone, scripts beside it, "
    "and assetPrefix in next.config. Another server may have the files, so all are warnings.",
)
