"""Builds of images: what they copy is there, and each step may do what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from posixpath import normpath

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.arguments import ALWAYS, unset
from tarmac.check.gates.views.images.bases import ALPINE
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.images.empty_paths import is_there_without
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.images.releases import is_of_release
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: What only root may do in a usual image.
_PACKAGES = re.compile(
    r"(^|[;&|]\s*)(apt-get|apt|apk|yum|dnf|microdnf|zypper)\s+(-\S+\s+)*(install|add|update|upgrade)\b"
)
_SUDO = re.compile(r"\bsudo\b")
_ROOT = ("root", "0", "root:root", "0:0")
#: Bases without a C library, or with another one than most.
_STATIC = re.compile(r"(scratch|(.*/)?distroless/static[-\w]*(:.*|@.*)?)")
_GO = re.compile(r"((.*/)?golang(:.*|@.*)?)")
_CGO_ON = re.compile(r"\bCGO_ENABLED[= ]1\b")
_CGO_OFF = re.compile(r"\bCGO_ENABLED[= ]0\b|-extldflags[= ].*-static|-tags\S* .*netgo")
_BUILT = re.compile(r"\bgo (build|install)\b")
#: What finds or copies the libraries of a program, or what loads them.
_LIBRARIES = re.compile(r"\bldd\b|\bld-(linux|musl)|\bNEEDED\b|/lib64?\b.*\.so|lib(c|pthread)\.so")


def check(files: Files) -> Iterator[Finding]:
    """Yield steps of builds that fail, or whose program cannot start."""
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        for line, what in (*_users(found), *_copied(found), *_linked(found)):
            yield Finding(f"{dockerfile.path}:{line}", what)
        for one, name, what in unset(str(dockerfile.content)):
            is_there = is_there_without(files, dockerfile, one, name)
            is_open = is_there or what.startswith(ALWAYS)
            yield Finding(f"{dockerfile.path}:{one.line}", what, warning=is_open)
        for line, what in _ignored(files, dockerfile, found):
            yield Finding(f"{dockerfile.path}:{line}", what)


def _users(found: list[Stage]) -> Iterator[tuple[int, str]]:
    """Yield packages that are installed after the user has changed."""
    for stage in found:
        user = ""
        for one in stage.instructions:
            if one.word == "USER":
                user = one.rest.strip()
            is_plain = user and user not in _ROOT and "$" not in user
            is_by_root = not is_plain or _SUDO.search(one.rest)
            if one.word == "RUN" and not is_by_root and _PACKAGES.search(one.rest):
                what = f"installs packages as the user {user}, which only root may"
                yield one.line, f"{what}; move it before USER"


def _copied(found: list[Stage]) -> Iterator[tuple[int, str]]:
    """Yield stages that are copied from and come later, or are almost one of those before."""
    for number, stage in enumerate(found):
        before = [one.name for one in found[:number]]
        for one in stage.instructions:
            source = _option(one, "from")
            if one.word != "COPY" or not source or "$" in source:
                continue
            later = [other.name for other in found[number:]]
            near = did_you_mean(source, before) if before else ""
            if source in later and not source.isdecimal():
                yield one.line, f"copies from {source}, which is not built before it; move it there"
            elif source not in before and not set("/:.") & set(source) and "did you mean" in near:
                what = f"copies from {source}, which is not a stage here: an image of that name is"
                yield one.line, f"{what} pulled; {near}"


def _option(one: Instruction, name: str) -> str:
    found = re.search(rf"--{name}=(\S+)", one.rest)
    return found[1] if found else ""


def _linked(found: list[Stage]) -> Iterator[tuple[int, str]]:
    """Yield programs that are linked to a C library which the last stage does not have."""
    if not found:
        return
    last, by_name = found[-1], {stage.name: stage for stage in found}
    for one in last.instructions:
        source = by_name.get(_option(one, "from")) if one.word == "COPY" else None
        if source is None or source is last:
            continue
        steps = "\n".join(f"{step.word} {step.rest}" for step in source.instructions)
        copied = "\n".join(step.rest for step in last.instructions)
        if _LIBRARIES.search(steps) or _LIBRARIES.search(copied):
            continue
        on_musl = ALPINE.fullmatch(source.image) is not None
        if _GO.fullmatch(source.image) and _BUILT.search(steps) and _CGO_ON.search(steps):
            if _STATIC.fullmatch(last.image) and not _CGO_OFF.search(steps):
                what = (
                    f"copies a program that is linked to a C library into {last.image}, which has"
                )
                yield one.line, f"{what} none, so it does not start; build with CGO_ENABLED=0"
            elif ALPINE.fullmatch(last.image) and not on_musl and not _CGO_OFF.search(steps):
                what = f"copies a program that is linked to glibc into {last.image}, which has musl"
                yield one.line, f"{what}: it does not start; build on an alpine image as well"


@once
def _ignore_files(files: Files) -> Iterator[Artifact]:
    """Yield the files that say what is left out of images."""
    yield from (one for one in files.artifacts if one.path.endswith(".dockerignore"))


def _ignored(files: Files, dockerfile: Artifact, found: list[Stage]) -> Iterator[tuple[int, str]]:
    """Yield files that are copied and that .dockerignore leaves out."""
    folder, _, name = dockerfile.path.rpartition("/")
    beside = f"{folder}/" if folder else ""
    there = {one.path: one for one in _ignore_files(files)}
    own = there.get(f"{beside}{name}.dockerignore") or there.get(f"{beside}.dockerignore")
    text = str(own.content) if own is not None and isinstance(own.content, str) else ""
    if not text:
        for path in (f"{beside}{name}.dockerignore", f"{beside}.dockerignore"):
            place = on_disk(files, path)
            if place is not None and place.is_file() and not text:
                text = place.read_text(encoding="utf-8", errors="replace")
    patterns = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    if not patterns or is_of_release(files, dockerfile.path):
        return
    for one in (one for stage in found for one in stage.instructions):
        if not one.copies_context or "<<" in one.rest:
            continue
        words = one.operands
        for source in words[:-1] if not one.rest.startswith("[") else ():
            path = normpath(source.strip("\"'").lstrip("/"))
            is_plain = path != "." and not set("*?[$") & set(path) and "://" not in source
            if is_plain and (by := _left_out(path, patterns)):
                what = (
                    f"copies {source}, which .dockerignore leaves out by `{by}`, so the build ends"
                )
                yield one.line, f"{what}; write `!{path}` behind it"


def _left_out(path: str, patterns: list[str]) -> str:
    """Find the pattern that leaves a path out; "" where the last one that fits lets it in."""
    found = ""
    for written in patterns:
        pattern = normpath(written.removeprefix("!").strip().lstrip("/"))
        parts = path.split("/")
        heads = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        tails = (pattern, pattern.removeprefix("**/")) if pattern.startswith("**/") else (pattern,)
        fits = any(_fits(head, tail) for head in heads for tail in tails)
        # What is let in below a folder may be in any of them.
        is_deep = pattern.startswith(("*", f"{path}/", f"{path}*"))
        if written.startswith("!") and (fits or is_deep):
            found = ""
        elif fits and not written.startswith("!"):
            found = written
    return found


def _fits(path: str, pattern: str) -> bool:
    """Compare as Docker does: a star is of one folder."""
    own, asked = path.split("/"), pattern.split("/")
    return len(own) == len(asked) and all(map(fnmatchcase, own, asked))


GATE = Gate(
    id="IMG017",
    title="Each step of a Dockerfile can be done, and what it builds can start",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile: a file that .dockerignore leaves out is "
    "not there for COPY; packages need root; a program needs the C library it is linked to",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("Dockerfiles", dockerfiles),
    reads="USER beside RUN, ARG beside FROM, COPY beside stages and .dockerignore of the folder, "
    "and how Go is built beside the image of the last stage.",
)
