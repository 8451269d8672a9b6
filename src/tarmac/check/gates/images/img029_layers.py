"""Credentials are not kept in a layer of an image that a later step seems to clean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, join, normpath

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
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


def check(files: Files) -> Iterator[Finding]:
    """Yield credentials that one step brings into the image and another one removes."""
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content))[-1:]:
            for line, what in _kept(stage):
                yield Finding(f"{dockerfile.path}:{line}", what)


def _kept(stage: Stage) -> Iterator[tuple[int, str]]:
    here, brought = "/", dict[str, int]()
    for one in stage.instructions:
        if one.word == "WORKDIR":
            here = normpath(join(here, one.rest.strip("\"'")))
        elif one.word in ("COPY", "ADD") and not one.rest.startswith("["):
            words = [word for word in one.rest.split() if not word.startswith("--")]
            for word in words[:-1]:
                name = basename(word)
                if _CREDENTIALS.fullmatch(name) and not _PUBLIC.fullmatch(name):
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
