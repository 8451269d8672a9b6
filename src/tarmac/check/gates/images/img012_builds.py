"""Compilers are there when a Dockerfile compiles: devDependencies are not left out before it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from posixpath import dirname, join

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.on_disk import text_on_disk
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

_MOST = 200_000
#: Packages whose program has another name.
_PACKAGES = {
    "tsc": "typescript",
    "ng": "@angular/cli",
    "nest": "@nestjs/cli",
    "vue-cli-service": "@vue/cli-service",
    "babel": "@babel/cli",
    "swc": "@swc/cli",
    "remix": "@remix-run/dev",
    "svelte-kit": "@sveltejs/kit",
    "react-router": "@react-router/dev",
    "tailwindcss": "@tailwindcss/cli",
    "webpack": "webpack-cli",
    "vue-tsc": "vue-tsc",
}
#: What is of no package.
_OF_SYSTEM = frozenset({"node", "rm", "cp", "mv", "mkdir", "echo", "cd", "test", "true", "chmod"})
_SCRIPT = re.compile(
    r"^(?:npm +run(?:-script)?|yarn(?: +run)?|pnpm(?: +run)?) +(?:-\S+ +)*([\w:-]+)"
)
_RUNNER = re.compile(r"^(?:npx|pnpm +exec|yarn +exec) +(?:-\S+ +)*")
_SET = re.compile(r"^(?:cross-env +)?(?:\w+=\S* +)*")
_DEEPEST = 4


@dataclass(frozen=True)
class _Package:
    """What a package.json says."""

    scripts: Mapping[str, str]
    dependencies: Collection[str]

    def has_all_of(self, command: str) -> bool:
        """Tell whether all that a command runs is known, and of its dependencies."""
        programs = [*self._programs(command, _DEEPEST)]
        return bool(programs) and all(
            _PACKAGES.get(one, one) in self.dependencies for one in programs
        )

    def _programs(self, command: str, depth: int) -> Iterator[str]:
        for part in re.split(r"&&|;|\|\|", command):
            text = _RUNNER.sub("", part.strip())
            is_with_variables = text.startswith("cross-env ")
            text = _SET.sub("", text)
            if is_with_variables:
                yield "cross-env"
            script = _SCRIPT.match(text)
            if script and depth and script[1] in self.scripts:
                yield from self._programs(self.scripts[script[1]], depth - 1)
            elif (word := (text.split() or [""])[0]) and word not in _OF_SYSTEM:
                yield word.rpartition("/")[2]


def check(files: Files) -> Iterator[Finding]:
    """Yield builds in a stage whose last installation left devDependencies out."""
    for dockerfile in dockerfiles(files):
        package = _package_beside(files, dockerfile.path)
        for stage in stages(str(dockerfile.content)):
            yield from _stage(dockerfile.path, stage.instructions, package)


def _stage(
    path: str, instructions: tuple[Instruction, ...], package: _Package | None
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


def _package_beside(files: Files, path: str) -> _Package | None:
    """Read the one beside a Dockerfile; None where there is none."""
    text = text_on_disk(files, join(dirname(path), "package.json"), _MOST)
    found = json_object(text) if text is not None else None
    if found is None:
        return None
    scripts = {str(name): str(line) for name, line in fields(found, "scripts").items()}
    return _Package(scripts, frozenset(map(str, fields(found, "dependencies"))))


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
