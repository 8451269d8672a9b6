"""What a program of Node is told that is worked on here: its mode, its place, to take any pnpm."""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.packages.node_packages import front_end_of, scripts_of
from tarmac.adopt.survey.found import Folder, Service

_NAME, _ELSEWHERE, _HERE = "NODE_ENV", "production", "development"
#: A front end's server for what was built before.
_SERVES_BUILT = re.compile(r"\b(?:next|nuxt)\s+start\b|\b(?:vite|astro)\s+preview\b")
#: Installs packages: with the one mode, those are left out that builds need.
_INSTALLS = re.compile(r"(?<![\w-])((?:npm (?:ci|install)|(?:pnpm|yarn|bun) install)\b)")


def for_work(service: Service, folder: Folder) -> Service:
    """Install what its build needs, and serve pages in the mode for work.

    Other programs keep the mode that their file gives: in another one they may want packages that
    no file lists.
    """
    service = _told_once(_by_any_pnpm(service, folder), folder)
    if service.env.get(_NAME) != _ELSEWHERE:
        return service
    lines = (service.run, *scripts_of(folder, service.run))
    has_pages = front_end_of(folder, service.run)[1] and not any(map(_SERVES_BUILT.search, lines))
    if has_pages:
        return replace(service, env={**service.env, _NAME: _HERE})
    told = rf"{_NAME}={_HERE} \1"
    tasks = {name: _INSTALLS.sub(told, line) for name, line in service.tasks.items()}
    return replace(service, tasks=tasks)


_ASTRO = re.compile(r"(?:(?:bunx|npx|yarn|pnpm(?: exec)?) )?(?:--bun )?astro dev\b[^&|;]*")
_OPTION = re.compile(r"\s--(?:host|port)(?:[= ](?!-)\S+)?")


def _told_once(service: Service, folder: Folder) -> Service:
    """Start Astro without its script's place where it is told another: of two it takes none."""
    told = re.search(r" --host 127\.0\.0\.1 --port \$PORT$", service.run)
    scripts = [line.strip() for line in scripts_of(folder, service.run)]
    script = next((s for s in scripts if _ASTRO.fullmatch(s) and _OPTION.search(s)), "")
    if told is None or not script:
        return service
    plain = _OPTION.sub("", script)
    return replace(service, run=f"{'npx ' * plain.startswith('astro')}{plain}{told[0]}")


#: What a script sets the mode to, and code that names a file of variables by it.
_SETS = re.compile(rf"(?<![\w-]){_NAME}=[\"']?([\w-]+)")
_BY_MODE = re.compile(rf"\.env\.?(?:\$\{{|[\"'`]\s*\+\s*)process\.env\.{_NAME}\b")


def file_of_mode(service: Service, folder: Folder) -> str:
    """Name the file of variables that a program of Node reads in its script's mode; "" for none."""
    lines = (service.run, *scripts_of(folder, service.run))
    modes = [match[1] for line in lines if (match := _SETS.search(line))]
    files = [file for mode in modes if (file := f".env.{mode}") in folder.files]
    if not files or not any(map(_BY_MODE.search, map(folder.read, folder.sources(".ts", ".js")))):
        return ""
    return files[0]


#: The first pnpm that an older Node does not run, that Node, and what keeps one from getting it.
_NEW, _OF_NODE, _KEEPS = 11, 22, "npm_config_manage_package_manager_versions"
_PNPM = re.compile(r"\"packageManager\"\s*:\s*\"pnpm@(\d+)")
_FOR_NODE = re.compile(r"\"node\"\s*:\s*\"([^\"]+)\"")


def _by_any_pnpm(service: Service, folder: Folder) -> Service:
    """Let the pnpm that is here work where a repository's is not for the Node that it is for."""
    lines = " ".join((service.run, *service.tasks.values()))
    if not re.search(r"\bpnpm\b", lines):
        return service
    depth = len(folder.path.split("/")) if folder.path else 0
    packages = [folder.read("../" * up + "package.json") for up in range(depth + 1)]
    pinned = [int(match[1]) for one in packages if (match := _PNPM.search(one))]
    nodes = [folder.read(folder.upwards(name)) for name in (".nvmrc", ".node-version")]
    nodes += [match[1] for one in packages if (match := _FOR_NODE.search(one))]
    wanted = [int(number) for one in nodes for number in re.findall(r"(?<![\d.])\d{2}(?!\d)", one)]
    if not pinned or pinned[0] < _NEW or not wanted or min(wanted) >= _OF_NODE:
        return service
    what = f"pnpm {pinned[0]} is not for Node {min(wanted)}, which the repository is for"
    env = {**service.env, _KEEPS: "false"}
    return replace(service, env=env, remarks=(*service.remarks, f"{what}: another one does"))
