"""The package.json beside a Dockerfile: what its scripts run, and which packages have that."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from posixpath import dirname, join

from tarmac.base.foreign.reading import fields
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.on_disk import text_on_disk

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
class NodePackage:
    """What one of them says."""

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


def package_beside(files: Files, path: str) -> NodePackage | None:
    """Read the one beside a Dockerfile; None where there is none."""
    text = text_on_disk(files, join(dirname(path), "package.json"), _MOST)
    found = json_object(text) if text is not None else None
    if found is None:
        return None
    scripts = {str(name): str(line) for name, line in fields(found, "scripts").items()}
    return NodePackage(scripts, frozenset(map(str, fields(found, "dependencies"))))
