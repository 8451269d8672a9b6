"""Names the programs that a system's commands start, and that are not on this machine."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from tarmac.base.installed import find_program
from tarmac.model.system import System

#: Program -> how to get it.
GET: Mapping[str, str] = {
    "bun": "npm install -g bun",
    "bundle": "install Ruby, then gem install bundler",
    "cargo": "https://rustup.rs",
    "composer": "https://getcomposer.org",
    "deno": "https://deno.com",
    "dotnet": "https://dotnet.microsoft.com/download",
    "go": "https://go.dev/dl",
    "gradle": "https://gradle.org/install",
    "java": "install a JDK, such as https://adoptium.net",
    "mix": "https://elixir-lang.org/install.html",
    "mvn": "https://maven.apache.org/install.html",
    "node": "https://nodejs.org",
    "npm": "https://nodejs.org",
    "npx": "https://nodejs.org",
    "php": "https://www.php.net",
    "pipenv": "pip install pipenv",
    "pnpm": "npm install -g pnpm",
    "poetry": "pipx install poetry",
    "ruby": "https://www.ruby-lang.org",
    "uv": "pip install uv",
    "yarn": "npm install -g yarn",
}
#: What stands between the commands of a line.
_BETWEEN = re.compile(r"&&|\|\||[;|(){}]")
#: Package managers -> since which version they are for which version of Node, the newest first.
_NODE_OF: Mapping[str, tuple[tuple[int, int], ...]] = {"pnpm": ((11, 22),)}
#: Keeps a package manager from getting the version of itself that a repository names.
_KEEPS = "npm_config_manage_package_manager_versions"
_PINNED = re.compile(r"\"packageManager\"\s*:\s*\"([a-z]+)@([\d.]+)")


def missing_programs(system: System) -> tuple[str, ...]:
    """Say of each program that is not here which services need it, and how to get it."""
    users: dict[str, list[str]] = {}
    for name in system.file.services:
        if not system.is_kit(name):
            for program in dict.fromkeys(_programs(system, name)):
                if program in GET and find_program(program) is None:
                    users.setdefault(program, []).append(name)
    return tuple(_told(system, program, names) for program, names in users.items())


def _told(system: System, program: str, names: list[str]) -> str:
    version = _version(system, program, names)
    asked, get = (f" {version}", f"{GET[program]}@{version}") if version else ("", GET[program])
    major = int(version.partition(".")[0] or 0)
    known = _NODE_OF.get(program, ())
    since, node = next((pair for pair in known if major >= pair[0] or not version), (0, 0))
    if node and version:
        others = all(_KEEPS in system.file.services[name].env for name in names)
        told = "" if others else f', with `{_KEEPS}: "false"` under `env`'
        get += (
            f", which is for Node {node} and later; for an older one take {program}@{since - 1}"
            f"{told}"
        )
    elif node:
        get += f"; for a Node before {node}, {program}@{since - 1}"
    return f"{', '.join(names)}: needs {program}{asked}; {get}"


def _programs(system: System, name: str) -> Iterator[str]:
    """Yield the program of each command of a service and its tasks."""
    service = system.file.services[name]
    for argv in (service.run or (), *(task.run for task in service.tasks.values())):
        line = argv[0] if len(argv) == 1 else shlex.join(argv)  # one text is a shell's
        for command in _BETWEEN.split(line):
            words = command.split()
            while words and (re.match(r"\w+=", words[0]) or words[0] in ("exec", "export", "cd")):
                words = words[2:] if words[0] == "cd" else words[1:]
            if words:
                yield words[0]


def _version(system: System, program: str, names: list[str]) -> str:
    """Read the version that the repository asks for of its package manager.

    Its own package.json says so, or that of a service which needs it.
    """
    services = system.file.services
    folders = ("", *(services[name].cwd or "" for name in names if name in services))
    for folder in dict.fromkeys(folders):
        try:
            text = Path(system.folder, folder, "package.json").read_text("utf-8", "replace")
        except OSError:
            continue
        match = _PINNED.search(text)
        if match and match[1] == program:
            return match[2]
    return ""
