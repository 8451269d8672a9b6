"""Compilers are there when a Dockerfile compiles: devDependencies are not left out before it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.images.node_packages import NodePackage, package_beside
from tarmac.check.gates.views.scope import counted_in_files

_INSTALL = re.compile(r"\b(?:npm\s+(?:ci|install|i)|yarn\s+install|pnpm\s+(?:install|i))\b[^&;|]*")
_WITHOUT = re.compile(
    r"--only[= ]prod(?:uction)?|--omit[= ]dev|--production(?!=false)|--prod\b|(?<=\s)-P\b"
)
_WITH = re.compile(r"--include[= ]dev|--production=false|--prod=false")
_BUILD = re.compile(
    r"\b(?:npm\s+run\s+(?:build|compile)|yarn\s+(?:run\s+)?build|pnpm\s+(?:run\s+)?build|npx\s+tsc"
    r"|(?<![\w./-])(?:tsc|webpack|vite build|next build|rollup|esbuild)\b)[^&;|#]*"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield builds in a stage whose last installation left devDependencies out."""
    for dockerfile in dockerfiles(files):
        package = package_beside(files, dockerfile.path)
        for stage in stages(str(dockerfile.content)):
            yield from _stage(dockerfile.path, stage.instructions, package)


def _stage(
    path: str, instructions: tuple[Instruction, ...], package: NodePackage | None
) -> Iterator[Finding]:
    production, lacking = False, ""
    for instruction in instructions:
        if instruction.word == "ENV" and re.search(
            r"\bNODE_ENV[= ]\"?production", instruction.rest
        ):
            production = True
        if instruction.word != "RUN":
            continue
        for text in (part.partition(" #")[0] for part in re.split(r"&&|;", instruction.rest)):
            if found := _INSTALL.search(text):
                without = _WITHOUT.search(text) or (production and not _WITH.search(text))
                lacking = f"`{found[0].strip()}` (line {instruction.line})" if without else ""
            elif lacking and (found := _BUILD.search(text)):
                if package and package.has_all_of(found[0]):
                    continue
                yield Finding(
                    f"{path}:{instruction.line}",
                    f"`{found[0].strip()}` comes after {lacking}, which leaves its compiler out "
                    "with the devDependencies; install all of them, build, then prune them",
                )


def _commands(files: Files) -> Iterator[Instruction]:
    for file in dockerfiles(files):
        for stage in stages(str(file.content)):
            for instruction in stage.instructions:
                text = instruction.rest if instruction.word == "RUN" else ""
                if _INSTALL.search(text) or _BUILD.search(text):
                    yield instruction


GATE = Gate(
    id="IMG012",
    title="A Dockerfile installs devDependencies before it compiles",
    phase="containers",
    source="https://docs.npmjs.com/cli/commands/npm-ci: --omit=dev leaves devDependencies, and "
    "with them TypeScript and bundlers, off the disk",
    check=check,
    of_objects=False,
    scope=counted_in_files("commands of package managers", _commands),
    of_files=check,
    reads="RUN of npm, yarn and pnpm in each stage, in their order, and NODE_ENV; the package.json "
    "beside the Dockerfile, whose `dependencies` may have the compiler. Without that it is guessed "
    "by the names of scripts which need one.",
)
