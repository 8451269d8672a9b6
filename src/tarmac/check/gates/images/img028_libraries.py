"""Programs are run on the C library that they were linked with: glibc, musl or none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.bases import ALPINE
from tarmac.check.gates.views.images.dockerfiles import Stage, copies, dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.scope import counted_in_files

_NONE = re.compile(r"scratch|gcr\.io/distroless/static\b.*")
#: Of these it is known that they are Debian's, where their tag does not say Alpine.
_DEBIAN = re.compile(
    r"(docker\.io/)?(library/)?(debian|ubuntu|(golang|rust|python|node)(?!\S*alpine)(:[\w.-]+)?)"
    r"([:@].*)?"
)
_GO = re.compile(r"\bgo (build|install)\b")
_STATIC = re.compile(
    r"CGO_ENABLED[=\s]\"?0|-extldflags|-static\b|netgo|musl|goreleaser|--target[= ]\S*wasm"
)
_RUST = re.compile(r"\bcargo (build|install)\b")
_PYTHON = re.compile(r"site-packages|(^|/)\.?v?env$|dist-packages")
_VERSION = re.compile(r"(?:docker\.io/)?(?:library/)?python:(3\.\d+)(?![\d])")
_GLIBC = re.compile(r"gcompat|libc6-compat|glibc")


def check(files: Files) -> Iterator[Finding]:
    """Yield programs that are copied onto an image without their library."""
    for dockerfile in dockerfiles(files):
        for other, one, last in copies(stages(str(dockerfile.content))):
            if what := _older(other, last, one) or _missing(other, last, one):
                yield Finding(f"{dockerfile.path}:{one.line}", what, warning=True)


def _missing(built: Stage, last: Stage, copied: Instruction) -> str:
    lacks = (
        "musl" if ALPINE.fullmatch(last.image) else "none" if _NONE.fullmatch(last.image) else ""
    )
    text = "\n".join(one.rest for one in built.instructions if one.word in ("RUN", "ENV", "ARG"))
    own = "\n".join(one.rest for one in last.instructions if one.word == "RUN")
    if not lacks or not _DEBIAN.fullmatch(built.image) or _GLIBC.search(own):
        return ""
    words = copied.operands
    has = f"{last.image} has {'musl' if lacks == 'musl' else 'no C library'}"
    if _PYTHON.search(words[0]) and lacks == "musl":
        what = f"copies packages of Python that {built.image} compiled for glibc, and {has}"
        return f"{what}: those with C code do not load; install them on the same system"
    names = [basename(path.rstrip("/")) for path in words[:-1]]
    if _RUST.search(text) and "/release/" in words[0] and not _STATIC.search(text):
        what = f"copies what {built.image} links with glibc, and {has}: it does not start; build"
        return f"{what} for a target of musl, or run it on Debian"
    is_output = any(re.search(rf"-o[ =]\S*\b{re.escape(name)}(\s|$)", text) for name in names)
    if _GO.search(text) and not _STATIC.search(text) and (is_output or "/go/bin/" in words[0]):
        what = f"copies what {built.image} links with glibc where it asks for names, and {has}"
        return f"{what}: it does not start; build it with CGO_ENABLED=0"
    return ""


def _older(built: Stage, last: Stage, copied: Instruction) -> str:
    """Tell of packages that are in the folder of another version of Python."""
    own, other = (_VERSION.match(image) for image in (last.image, built.image))
    words = copied.operands
    installed = any(
        one.word == "RUN" and re.search(r"--(prefix|user)\b.*|site-packages", one.rest)
        for one in built.instructions
    )
    is_packages = installed or any(_PYTHON.search(word) for word in words)
    if own and other and own[1] != other[1] and is_packages and len(words) == 2:
        what = f"copies packages of Python {other[1]} into an image of Python {own[1]}, which looks"
        return f"{what} in another folder: none is found; take one version for both"
    return ""


def _judged(files: Files) -> Iterator[Stage]:
    for dockerfile in dockerfiles(files):
        yield from stages(str(dockerfile.content))[1:]


GATE = Gate(
    id="IMG028",
    title="Programs run on the C library that they were linked with",
    phase="containers",
    source="https://pkg.go.dev/cmd/cgo: cgo is on where a C compiler is, and net uses it; a "
    "program whose loader is not there is `not found`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("stages that follow others", _judged),
    reads="what later stages copy of stages of golang, rust and python on Debian, beside Alpine, "
    "scratch and distroless/static.",
)
