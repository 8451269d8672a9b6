"""Compilers are there when a Dockerfile compiles: devDependencies are not left out before it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from posixpath import basename, dirname, join, normpath

from tarmac.base.artifact import Artifact
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
#: What a script of Node.js asks for, and which one is run.
_IMPORT = re.compile(r"(?:require\(|from +|import +)[\"']((?:@[\w.-]+/)?[\w.-]+)")
_NODE = re.compile(r"node +(?:-\S+ +)*([\w./-]+\.[cm]?[jt]s)")
_KINDS = ("dependencies", "devDependencies")
_SCRIPT = re.compile(
    r"^(?:npm +run(?:-script)?|yarn(?: +run)?|pnpm(?: +run)?) +(?:-\S+ +)*([\w:-]+)"
)
_RUNNER = re.compile(r"^(?:npx|pnpm +exec|yarn +exec) +(?:-\S+ +)*")
_SET = re.compile(r"^(?:cross-env +)?(?:\w+=\S* +)*")
_DEEPEST = 4


@dataclass(frozen=True)
class _Package:
    """What a package.json says, and where it is."""

    folder: str
    scripts: Mapping[str, str]
    dependencies: Collection[str]
    development: Collection[str]

    def lacks(self, files: Files, command: str) -> bool:
        """Tell whether a command runs what only devDependencies bring."""
        left_out = {*self.development} - {*self.dependencies}
        return any(
            _PACKAGES.get(one, one) in left_out or any(map(left_out.__contains__, read))
            for one, read in self._programs(files, command, _DEEPEST)
        )

    def _programs(self, files: Files, command: str, depth: int) -> Iterator[tuple[str, list[str]]]:
        """Yield the programs of a command, each with the packages that its script reads."""
        for part in re.split(r"&&|;|\|\|", command):
            text = _RUNNER.sub("", part.strip())
            if text.startswith("cross-env "):
                yield "cross-env", []
            text = _SET.sub("", text)
            script = _SCRIPT.match(text)
            if script and depth and script[1] in self.scripts:
                yield from self._programs(files, self.scripts[script[1]], depth - 1)
            elif word := (text.split() or [""])[0]:
                own = _NODE.match(text)
                code = text_on_disk(files, join(self.folder, own[1]), _MOST) if own else None
                yield word.rpartition("/")[2], _IMPORT.findall(code or "")


def check(files: Files) -> Iterator[Finding]:
    """Yield builds in a stage whose last installation left devDependencies out."""
    packages = {dirname(o.path): o for o in files.artifacts if basename(o.path) == "package.json"}
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            for one, lacking, built in _built_without(stage.instructions):
                package = _copied(stage.instructions, one, dockerfile.path, packages)
                if package is None or package.lacks(files, built):
                    yield Finding(
                        f"{dockerfile.path}:{one.line}",
                        f"`{built}` comes after {lacking}, which leaves its compiler out "
                        "with the devDependencies; install all of them, build, then prune them",
                        # The package is brought into a folder that is not here.
                        warning=package is None and any(map(_is_of_folder, stage.instructions)),
                    )


def _built_without(
    instructions: tuple[Instruction, ...],
) -> Iterator[tuple[Instruction, str, str]]:
    """Yield the builds after an installation that left some out: where, that one, the build."""
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
                yield instruction, lacking, found[0].strip()


def _is_of_folder(instruction: Instruction) -> bool:
    sources = instruction.operands[:-1] if instruction.copies_context else ()
    return any("/" in normpath(one.strip('[]",').lstrip("/")) for one in sources)


def _copied(
    instructions: tuple[Instruction, ...],
    build: Instruction,
    path: str,
    packages: Mapping[str, Artifact],
) -> _Package | None:
    """Read the package.json that was copied last before a build; None where that is not here."""
    above = [str(one) for one in PurePosixPath(path).parents]
    for one in reversed(instructions[: instructions.index(build)]):
        if not one.copies_context:
            continue
        for source in one.operands[:-1]:
            name = normpath(source.strip('[]",').lstrip("/"))
            is_file = fnmatchcase("package.json", basename(name))
            folder = dirname(name) if is_file else name
            places = [normpath(join(base, folder)) for base in above]
            ends = [own for own in packages if folder != "." and f"/{own}".endswith(f"/{folder}")]
            found = next((own for own in places if own.removeprefix(".") in packages), None)
            if found is None and len(ends) == 1:
                found = ends[0]
            if found is not None:
                return _read(found.removeprefix("."), packages)
    return None


def _read(folder: str, packages: Mapping[str, Artifact]) -> _Package | None:
    content = packages[folder].content
    found = json_object(content) if isinstance(content, str) else content
    if found is None:
        return None
    scripts = {str(name): str(line) for name, line in fields(found, "scripts").items()}
    kinds = (frozenset(map(str, fields(found, key))) for key in _KINDS)
    return _Package(folder, scripts, *kinds)


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
    "that is copied, whose `dependencies` may have the compiler. Without that it is guessed by the "
    "names of scripts which need one.",
)
