"""Packages whose installation runs a script are installed when what that reads is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from posixpath import dirname, join
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.on_disk import on_disk, text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_INSTALLS = re.compile(
    r"\b(?:npm (?:ci|i|install)|yarn(?: install)?|pnpm (?:i|install)|bun install)"
    r"(?=$|\s|&)(?!.*-g\b)"
)
_WITHOUT = re.compile(r"--ignore-scripts|npm_config_ignore_scripts")
#: Scripts of a package that its own installation runs.
_HOOKS = ("preinstall", "install", "postinstall", "prepare")
_FILE = re.compile(r"\b(?:node|sh|bash|ts-node|tsx)\s+(\.?/?[\w./-]+\.(?:js|cjs|mjs|ts|sh))\b")
_PRISMA = re.compile(r"\bprisma generate\b(?!.*--schema)")
_SCHEMA = "prisma/schema.prisma"
_MOST = 200_000


class InstallStep(NamedTuple):
    """A step that installs packages, and what is copied before it."""

    dockerfile: Artifact
    instruction: Instruction
    copied: tuple[str, ...]
    #: The script that it runs, and the file which that reads.
    script: str
    needed: str


def check(files: Files) -> Iterator[Finding]:
    """Yield installations that end with an error, as their script does not find its file."""
    for one in _installing(files):
        if not any(_has(source, one.needed) for source in one.copied):
            where = f"{one.dockerfile.path}:{one.instruction.line}"
            what = f"installs packages, which runs `{one.script}`, and {one.needed} is copied"
            said = f"{what} later: the build ends there; copy it before, or write --ignore-scripts"
            yield Finding(where, said)


@once
def _installing(files: Files) -> Iterator[InstallStep]:
    for dockerfile in dockerfiles(files):
        folder = dirname(dockerfile.path)
        script, needed = _hook(files, folder)
        if not needed:
            continue
        for stage in stages(str(dockerfile.content)):
            copied: list[str] = []
            for one in stage.whole:
                if one.word in ("COPY", "ADD"):
                    sources = one.operands[:-1]
                    copied += [word.strip('[]",').removeprefix("./") for word in sources]
                if (
                    one.word == "RUN"
                    and _INSTALLS.search(one.rest)
                    and "package.json" in str(copied)
                ):
                    if not _WITHOUT.search(one.rest) and "--mount=type=bind" not in one.rest:
                        yield InstallStep(dockerfile, one, tuple(copied), script, needed)
                    break


def _has(source: str, needed: str) -> bool:
    """Tell whether what is copied has a file in it, or may."""
    plain = source.rstrip("/")
    is_open = plain in ("", ".") or any(sign in plain for sign in "*$?")
    return is_open or needed == plain or needed.startswith(f"{plain}/")


def _hook(files: Files, folder: str) -> tuple[str, str]:
    """Find what the package beside a Dockerfile runs when it is installed, and the file of that."""
    text = text_on_disk(files, join(folder, "package.json"), _MOST)
    if text is None:
        return "", ""
    try:
        scripts = json.loads(text).get("scripts", {})
        told = [str(scripts[key]) for key in _HOOKS if key in scripts]
    except (ValueError, AttributeError, TypeError):
        return "", ""
    for script in told:
        found = _FILE.search(script)
        needed = found[1].removeprefix("./") if found else ""
        needed = _SCHEMA if _PRISMA.search(script) else needed
        own = on_disk(files, join(folder, needed)) if needed and "||" not in script else None
        if own is not None and own.is_file():
            return script, needed
    return "", ""


GATE = Gate(
    id="IMG094",
    title="Packages with an install script are installed when its file is there",
    phase="containers",
    source="https://docs.npmjs.com/cli/using-npm/scripts#npm-ci: preinstall, install, postinstall "
    "and prepare run with `npm ci`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("installations with a script", _installing),
    targets=("compose", "cluster"),
    reads="scripts of the package.json beside a Dockerfile that run a file of the repository or "
    "`prisma generate`, and what COPY brings before the packages are installed.",
)
