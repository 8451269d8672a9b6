"""Credentials are not kept in a layer of an image that a later step seems to clean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from posixpath import basename, dirname, join, normpath

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.scope import counted_in_files

#: Files by whose names it is known that credentials are in them.
_CREDENTIALS = re.compile(
    r"\.npmrc|\.yarnrc(\.yml)?|\.pypirc|pip\.conf|\.netrc|\.git-credentials|id_(rsa|ed25519|ecdsa)"
    r"|.*\.(pem|key|p12|pfx|jks)|\.env(\.\w+)?|kubeconfig|settings\.xml|auth\.json"
    r"|(service[-_]?account|credentials)[\w-]*(\.json)?|\.dockercfg|\.pgpass|nuget\.config",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r".*\.(example|sample|dist|pub)|.*(cacert|ca-cert|root[-_]?ca|bundle).*", re.IGNORECASE
)
_REMOVED = re.compile(
    r"(?:^|&&|;|\|\|)\s*(?:rm|shred|unlink)\b((?:\s+-{1,2}[\w-]+)*)((?:\s+[^\s;&|]+)+)"
)

#: Files of which the repository's own are mostly without credentials.
_SETTINGS = re.compile(r"\.npmrc|\.yarnrc(\.yml)?|\.pypirc|pip\.conf|nuget\.config", re.IGNORECASE)
#: A credential as it is, not one that a variable gives; and one in an address.
_LITERAL = re.compile(
    r"(auth\w*|password|passwd|token|secret|ident)[\"']?\s*[=:]\s*[\"']?[^\s$\"'{<%]"
    r"|://[^/\s:@$]+:[^/\s@$]+@|<add key=\"\w*password\" value=\"[^%]",
    re.IGNORECASE,
)


def check(files: Files) -> Iterator[Finding]:
    """Yield credentials that one step brings into the image and another one removes."""
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content))[-1:]:
            place = on_disk(files, dirname(dockerfile.path))
            for line, what in _kept(stage, partial(_is_open, files, place)):
                yield Finding(f"{dockerfile.path}:{line}", what)


def _is_open(files: Files, place: Path | None, name: str) -> bool:
    """Tell whether what is copied is a file of settings here, without a credential.

    Args:
        place: the folder of the Dockerfile; the build may begin there, or in any one above.
    """
    root = files.folder
    if place is None or root is None or not _SETTINGS.fullmatch(basename(name)):
        return False
    above = [one for one in (place, *place.parents) if one.is_relative_to(root)]
    texts = [_text(one / name) for one in above if (one / name).is_file()]
    return bool(texts) and not any(map(_LITERAL.search, texts))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _kept(stage: Stage, is_open: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    here, brought = "/", dict[str, int]()
    for one in stage.instructions:
        if one.word == "WORKDIR":
            here = normpath(join(here, one.rest.strip("\"'")))
        elif one.word in ("COPY", "ADD") and not one.rest.startswith("["):
            words = one.operands
            for word in words[:-1]:
                name = basename(word)
                is_secret = _CREDENTIALS.fullmatch(name) and not _PUBLIC.fullmatch(name)
                if is_secret and not is_open(word):
                    is_folder = (
                        words[-1].endswith("/") or words[-1] in (".", "..") or len(words) > 2
                    )
                    to = join(words[-1], name) if is_folder else words[-1]
                    brought[normpath(join(here, to))] = one.line
        elif one.word == "RUN":
            for _, paths in _REMOVED.findall(one.command):
                for path in paths.split():
                    place = normpath(join(here, path.replace("~", "/root", 1)))
                    if (line := brought.pop(place, None)) is not None:
                        what = f"copies {basename(place)}, and line {one.line} removes it: the"
                        advice = "layer of the copy keeps it for all that pull the image; write"
                        yield line, f"{what} {advice} RUN --mount=type=secret"


def _judged(files: Files) -> Iterator[Stage]:
    for dockerfile in dockerfiles(files):
        yield from stages(str(dockerfile.content))[-1:]


GATE = Gate(
    id="IMG029",
    title="No layer of an image keeps credentials that a later one removes",
    phase="containers",
    source="https://docs.docker.com/build/building/secrets: a file that is removed in a later step "
    "is still part of the image",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("images", _judged),
    reads="COPY and ADD of files that are named as credentials are, beside `rm` in later steps of "
    "the last stage.",
)
