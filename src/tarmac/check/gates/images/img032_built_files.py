"""What a stage downloads and builds is in its files where others look for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, join, normpath

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.scope import counted_in_files

_ARCHIVE = re.compile(r"https?://\S+?([^/\s]+\.(tar(\.\w+)?|tgz|tbz2?|txz|zip))(\?\S*)?(?=\s)")
_UNPACKS = re.compile(r"\b(tar|unzip|bsdtar|7z|gunzip|dpkg|python|install)\b")
_CACHE = re.compile(r"--mount=(?=\S*type=cache)\S*?(?:target|dst|destination)=([^\s,\"]+)")
_COPIES_OUT = re.compile(
    r"\b(cp|mv|install|rsync|tar|ln)\b|--out-dir|--artifact-dir|--root\b|-o[ =]"
)
_FROM = re.compile(r"--from=(\S+)")


def check(files: Files) -> Iterator[Finding]:
    """Yield archives that stay packed, and programs that stay in a cache."""
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        for line, what in (*_packed(found), *_cached(found)):
            yield Finding(f"{dockerfile.path}:{line}", what)


def _packed(found: list[Stage]) -> Iterator[tuple[int, str]]:
    for stage in found:
        for number, one in enumerate(stage.instructions):
            archive = _ARCHIVE.search(one.rest) if one.word == "ADD" else None
            if archive is None or "--unpack" in one.rest:
                continue
            rest = [later for later in stage.instructions[number:] if later.word == "RUN"]
            taken = any(basename(archive[1]) in step.rest for step in rest)
            stem = re.split(r"\.(tar|tgz|zip)", archive[1])[0]
            started = [
                step
                for step in stage.instructions[number:]
                if step.word in ("ENTRYPOINT", "CMD", "WORKDIR", "ENV") and f"{stem}/" in step.rest
            ]
            if started and not taken and not any(_UNPACKS.search(step.rest) for step in rest):
                what = f"adds {archive[1]} from an address, which is not unpacked as one beside the"
                yield one.line, f"{what} Dockerfile is: {stem}/ is not there; unpack it by RUN tar"


def _cached(found: list[Stage]) -> Iterator[tuple[int, str]]:
    by_name = {stage.name: stage for stage in found}
    for stage in found:
        for one in stage.instructions:
            source = _FROM.search(one.rest) if one.word == "COPY" else None
            other = by_name.get(source[1]) if source else None
            words = one.operands
            for word in words[:-1] if other else ():
                for cache, line, is_out in _caches(other) if other else ():
                    if normpath(join("/", word)).startswith(f"{cache}/") and not is_out:
                        what = f"copies {word} of {other.name if other else ''}, where it is in a"
                        advice = (
                            f"cache (line {line}) and not in a file of the stage; copy it out of"
                        )
                        yield one.line, f"{what} {advice} {cache} in that RUN"


def _caches(stage: Stage) -> Iterator[tuple[str, int, bool]]:
    """Yield the folders that are caches, with whether the step takes something out of them."""
    here = "/"
    for one in stage.instructions:
        if one.word == "WORKDIR":
            here = normpath(join(here, one.rest.strip("\"'")))
        elif one.word == "RUN":
            command = re.sub(r"--mount=\S+", "", one.rest)
            for cache in _CACHE.findall(one.rest):
                is_out = _COPIES_OUT.search(command) is not None
                yield normpath(join(here, cache)), one.line, is_out


def _judged(files: Files) -> Iterator[Stage]:
    for dockerfile in dockerfiles(files):
        yield from stages(str(dockerfile.content))


GATE = Gate(
    id="IMG032",
    title="What a stage downloads and builds is in its files",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile/#add: an archive from an address is not "
    "unpacked; #run---mounttypecache: a cache is left out of the image",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("stages", _judged),
    reads="ADD of archives from addresses beside what starts, and COPY --from beside the caches of "
    "the other stage.",
)
