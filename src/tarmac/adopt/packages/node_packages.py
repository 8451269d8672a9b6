"""Node's package managers: which one a lock file means, and how it installs what is missing."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from tarmac.adopt.survey.found import MIGRATE, Folder, installed
from tarmac.base.foreign.data import from_json

#: Bun writes no file last, and its folder is there as soon as it begins.
_BY_BUN = "bun install && mkdir -p node_modules && touch node_modules/.installed"
#: Lock file -> what runs scripts, how packages are installed, and the file that this writes last.
_LOCKS = {
    "pnpm-lock.yaml": ("pnpm", "pnpm install", ".modules.yaml"),
    # Two at a time would break the cache that they share: the one waits for the other.
    "yarn.lock": ("yarn", "yarn install --pure-lockfile --mutex network", ".yarn-integrity"),
    "bun.lock": ("bun", _BY_BUN, ".installed"),
    "bun.lockb": ("bun", _BY_BUN, ".installed"),
    "package-lock.json": ("npm", "npm ci --no-audit --no-fund", ".package-lock.json"),
}
#: What a front end's own server wants to hear, and its usual port.
_FRONT_ENDS = {
    "vite": ("--host 127.0.0.1 --port $PORT --strictPort", 5173),
    "astro": ("--host 127.0.0.1 --port $PORT", 4321),
    "next": ("-H 127.0.0.1 -p $PORT", 3000),
    "nuxt": ("--host 127.0.0.1 --port $PORT", 3000),
    "ng": ("--host 127.0.0.1 --port $PORT", 4200),
    "vue-cli-service": ("--host 127.0.0.1 --port $PORT", 8080),
    "react-router": ("--host 127.0.0.1 --port $PORT", 5173),
    # These read PORT.
    "react-router-serve": ("", 3000),
    "react-scripts": ("", 3000),
    "react-app-rewired": ("", 3000),
    "craco": ("", 3000),
    "webpack-dev-server": ("--host 127.0.0.1 --port $PORT", 8080),
    "webpack": ("--host 127.0.0.1 --port $PORT", 8080),
}
#: The script that a package manager runs: `yarn workspace api run dev` is `dev`.
_SCRIPT = re.compile(
    r"\b(?:npm|pnpm|yarn|bun)(?: workspace \S+)?(?: --?\S+)*(?: run)?(?: --?\S+)* ([a-z][\w:.-]*)"
)
#: How the tasks are called that build the packages beside a program.
LIBRARY = "build-"
#: Where a package says what others get of it, and how that shows that it has to be built.
_ENTRIES = ("main", "module", "exports")
_BUILT = re.compile(r"\"\.?/?((?:dist|lib|build|out)/[\w./-]+\.[cm]?js)\"")
#: Where Prisma looks by itself.
PRISMA = ("prisma/schema.prisma", "schema.prisma")
#: What Prisma writes beside the steps that make a database's tables.
_PRISMAS_STEPS = ("prisma/migrations/migration_lock.toml", "migrations/migration_lock.toml")
#: A script that hands on to one of a package: what names the package, then its script.
_HANDS_ON = re.compile(
    r"\bpnpm (?:--filter|-F)[= ](?P<a>[\w./@-]+) (?:run )?(?P<b>[a-z][\w:.-]*)|"
    r"\byarn workspace (?P<c>[\w./@-]+) (?:run )?(?P<d>[a-z][\w:.-]*)|"
    r"\bnpm (?:run )?(?P<f>[a-z][\w:.-]*) (?:-w|--workspace)[= ](?P<e>[\w./@-]+)|"
    r"\bnpm (?:-w|--workspace)[= ](?P<g>[\w./@-]+) (?:run )?(?P<h>[a-z][\w:.-]*)"
)
#: Packages that have packages, at most.
DEEPEST = 4
#: Ends of files that import packages.
SOURCES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".jsx", ".tsx", ".vue", ".svelte")
_COMPILES = re.compile(r"\bbuild\b|\btsc\b|\bnest start\b|\bts-node\b")


def tools(folder: Folder, below: str = "") -> tuple[str, str]:
    """Return what runs scripts, and the command that installs missing packages.

    Args:
        below: the folder of the packages, from the one where the command is run.
    """
    place = folder.below(below)
    lock = next((name for name in _LOCKS if place.upwards(name)), "")
    if lock == "package-lock.json" and _is_apart(place):
        lock = ""
    program, install, last = _LOCKS[lock or "package-lock.json"]
    if not lock:  # there is nothing to install exactly
        install = "npm install --no-audit --no-fund"
    if lock == "yarn.lock" and place.upwards(".yarnrc.yml"):
        install, last = "yarn install", ".yarn-state.yml"
    if program == "pnpm" and _of_all_folders(place):
        install = "pnpm install -r"
    # A browser for tests is large, and nothing here needs it.
    install = f"CYPRESS_INSTALL_BINARY=0 {install}" if _tests_in_browser(place) else install
    if program == "npm" and lock and (more := _otherwise(place)):  # the lock file may not fit
        install = f"{install} || npm install {more} --no-audit --no-fund"
    if program == "npm" and _insists_on_its_npm(place):
        install = install.replace("--no-fund", "--no-fund --engine-strict=false")
    if program == "npm" and lock and _is_of_old_npm(place):
        install = install.replace("--no-fund", "--no-fund --legacy-peer-deps")
    if not lock:  # it may be of a time when npm did not ask whether packages fit each other
        install = f"{install} || {install} --legacy-peer-deps"
    if program == "npm" and (apart := _with_lists_of_their_own(place)):
        first = " && ".join(f"(cd {path} && {_NO_LOCK})" for path in apart)
        install = f"({first} && ({install}))"
    above = place.upwards(lock).removesuffix(lock) if lock else ""
    above = (_npm_workspace(place) if program == "npm" else "") or above
    root = posixpath.normpath(posixpath.join(below, above)) if below else above
    if root not in ("", "."):
        install = f"(cd {root} && {install})"
    marker = posixpath.join("" if root == "." else root, "node_modules", last).rstrip("/")
    return program, installed(marker, install)


_NO_LOCK = "npm install --no-package-lock --no-audit --no-fund"


def _with_lists_of_their_own(folder: Folder) -> list[str]:
    """List Nest's programs below that ask for packages of their own, where npm has no workspace."""
    projects = (folder.mapping("nest-cli.json", from_json) or {}).get("projects")
    if not isinstance(projects, dict) or _workspaces(folder, ""):
        return []
    own = _asked_for(folder, "package.json")
    places = [str(p.get("root") or "") for p in projects.values() if isinstance(p, dict)]
    return [p for p in places if p and _asked_for(folder, posixpath.join(p, "package.json")) - own]


def _asked_for(folder: Folder, file: str) -> set[str]:
    content = (folder.mapping(file, from_json) or {}) if file in folder.files else {}
    lists = (content.get(key) for key in ("dependencies", "devDependencies"))
    return {name for one in lists if isinstance(one, dict) for name in one}


def _npm_workspace(folder: Folder) -> str:
    """Find the workspace above that a folder is a package of: npm installs all of it there.

    The package may have a lock file of its own, from before; npm reads the workspace's.
    """
    parts = folder.path.split("/") if folder.path else []
    for depth in range(1, len(parts) + 1):
        above = "../" * depth
        patterns = _workspaces(folder, above)
        own = "/".join(parts[-depth:])
        if any(fnmatchcase(own, pattern.rstrip("/")) for pattern in patterns):
            return above if folder.exists(f"{above}package-lock.json") else ""
    return ""


def _is_apart(folder: Folder) -> bool:
    """Tell whether npm's lock file is of a folder above alone, and has nothing of this one."""
    above = folder.upwards("package-lock.json").removesuffix("package-lock.json")
    is_anothers = bool(above) and folder.exists(f"{above}package.json")
    return is_anothers and "package.json" in folder.files and not _npm_workspace(folder)


def _of_all_folders(folder: Folder) -> bool:
    """Tell whether an image installs the packages of each folder below, without a workspace."""
    named = (f for f in folder.files if "dockerfile" in f.rpartition("/")[2].lower())
    step = re.compile(r"\bpnpm i(?:nstall)?\b[^&;|\n]* (?:-r|--recursive)\b")
    return any(step.search(folder.read(file)) for file in named)


def _otherwise(folder: Folder) -> str:
    """Say how npm installs what package.json asks for, where its lock file does not fit that.

    It takes what does fit of the lock file, and leaves that as it is; where an image installs so,
    nothing of it. "" where an image shows that it fits.
    """
    named = (f for f in folder.files if "/" not in f and "dockerfile" in f.lower())
    steps = " ".join(map(folder.read, named))
    if re.search(r"\bnpm (?:ci|clean-install)\b", steps):
        return ""
    resolves = re.search(r"\bnpm i(?:nstall)?\b(?![^&;|]* -g)", steps)
    return "--no-package-lock" if resolves else "--no-save"


def _insists_on_its_npm(folder: Folder) -> bool:
    """Tell whether npm installs nothing where it is not the one that a package names."""
    strict = re.search(r"(?m)^[ \t]*engine-strict[ \t]*=[ \t]*true\b", folder.read(".npmrc"))
    tools = (folder.mapping("package.json", from_json) or {}).get("engines")
    return bool(strict) and isinstance(tools, dict) and "npm" in tools


#: The first Node whose npm asks whether packages fit each other.
_ASKS_PEERS = 15


def _is_of_old_npm(folder: Folder) -> bool:
    """Tell whether an image installs packages by an npm that never asks if they fit each other."""
    named = (f for f in folder.files if "/" not in f and "dockerfile" in f.lower())
    found = re.findall(r"(?im)^FROM\s+(?:\S*/)?node:(\d+)", "\n".join(map(folder.read, named)))
    return bool(found) and all(int(number) < _ASKS_PEERS for number in found)


def pages(folder: Folder, path: str) -> dict[str, str]:
    """Return how the front end is built that a program has in it; {} where nothing builds it.

    Args:
        path: the folder with what is built, such as `frontend/dist`.
    """
    below = posixpath.dirname(path)
    package = folder.mapping(posixpath.join(below, "package.json"), from_json)
    scripts = package.get("scripts") if package else None
    if not below or not isinstance(scripts, dict) or "build" not in scripts:
        return {}
    program, install = tools(folder, below)
    return {"install": install, "pages": installed(path, f"(cd {below} && {program} run build)")}


def libraries(folder: Folder) -> dict[str, str]:
    """Return how the packages beside a program are built that it has as links, before it starts.

    What one of them has as a link is built before it.
    """
    found: dict[str, str] = {}

    def add(place: str, depth: int) -> None:
        for path in _links(folder, place) if depth else ():
            package = folder.mapping(f"{path}/package.json", from_json) or {}
            if any(folder.exists(f"{path}/{schema}") for schema in PRISMA):
                generate = f"(cd {path} && npx prisma generate)"
                found[f"generate-{posixpath.basename(path)}"] = generate
                if any(folder.exists(f"{path}/{steps}") for steps in _PRISMAS_STEPS):
                    found[MIGRATE] = f"(cd {path} && npx prisma migrate deploy)"
            entry = _BUILT.search(json.dumps([package.get(key) for key in _ENTRIES]))
            scripts = package.get("scripts")
            is_built_in = _is_built_in(folder, str(package.get("name")), path)
            if isinstance(scripts, dict) and "build" in scripts and entry and not is_built_in:
                add(path, depth - 1)
                program, install = tools(folder, path)
                made = posixpath.join(path, entry[1])
                apart = path in _by_path(folder, place)  # no workspace has what builds it
                makes = apart and _makes_sources(folder, path, str(scripts.get("generate")))
                first = f"{program} run generate && " if makes else ""
                build = f"(cd {path} && {first}{program} run build)"
                build = f"(({install}) && {build})" if apart else build
                found[f"{LIBRARY}{posixpath.basename(path)}"] = installed(made, build)

    add("", DEEPEST)
    return found


def _is_built_in(folder: Folder, name: str, path: str) -> bool:
    """Tell whether Next compiles a package with the program, from the sources that lie in it."""
    config = folder.read(folder.has(*(f"next.config.{end}" for end in ("js", "mjs", "ts", "cjs"))))
    listed = re.search(r"\btranspilePackages\s*:\s*\[([^\]]{0,2000})\]", config)
    has_sources = any(folder.exists(f"{path}/index.{end}") for end in ("ts", "tsx", "js"))
    return bool(listed and has_sources and re.search(rf"['\"`]{re.escape(name)}['\"`]", listed[1]))


def workspace(folder: Folder) -> str:
    """Find the folder above that a package's lock file is in: its path from here; "" for none."""
    lock = next((name for name in _LOCKS if folder.upwards(name)), "")
    return folder.upwards(lock).removesuffix(lock).rstrip("/") if lock else ""


def linked(folder: Folder) -> list[str]:
    """List the packages of its workspace that a program has, those of packages too: their paths."""
    found: list[str] = []
    wanted = [("", DEEPEST)] if "package.json" in folder.files else []
    while wanted:
        place, depth = wanted.pop()
        more = [path for path in _links(folder, place) if path not in found] if depth else []
        found += more
        wanted += [(path, depth - 1) for path in more]
    return found


def _links(folder: Folder, place: str) -> list[str]:
    """List the packages of a workspace that one of them depends on: their paths.

    Its lock file would say so, and is too long to be read: a package is where its name says, in one
    of the folders that the workspace has.
    """
    package = folder.mapping(posixpath.join(place, "package.json"), from_json) or {}
    wanted = package.get("dependencies")
    wanted = [*wanted] if isinstance(wanted, dict) else []
    wanted += _bundled(folder, package) if not place else []
    lock = next((name for name in _LOCKS if folder.upwards(name)), "")
    root = folder.upwards(lock).removesuffix(lock) if lock else ""
    found = []
    for name in wanted:
        last = name.rpartition("/")[2]
        for pattern in _workspaces(folder, root):
            path = posixpath.normpath(f"{root}{re.sub(r'/[*]+$', f'/{last}', pattern)}")
            beside = folder.mapping(f"{path}/package.json", from_json) or {}
            if beside.get("name") == name:
                found.append(path)
                break
    return [*found, *_by_path(folder, place)]


def _bundled(folder: Folder, package: Mapping[str, Any]) -> list[str]:
    """List the packages of its workspace that a program imports and has for its build alone.

    A front end's build takes in what it needs, and so may have all of it so.
    """
    wanted = package.get("devDependencies")
    pairs = wanted.items() if isinstance(wanted, dict) else ()
    names = [name for name, version in pairs if str(version).startswith("workspace:")]
    text = "\n".join(map(folder.read, folder.sources(*SOURCES))) if names else ""
    return [
        n for n in names if re.search(rf"(?:\bfrom|\bimport|\()\s*['\"]{re.escape(n)}['\"/]", text)
    ]


def _by_path(folder: Folder, place: str) -> list[str]:
    """List the packages that one depends on by their path: `file:../client`."""
    package = folder.mapping(posixpath.join(place, "package.json"), from_json) or {}
    wanted = package.get("dependencies")
    said = wanted.values() if isinstance(wanted, dict) else ()
    named = (re.fullmatch(r"(?:file|link):(\.{1,2}/[\w./-]+)", str(one)) for one in said)
    paths = [posixpath.normpath(posixpath.join(place, one[1])) for one in named if one]
    return [path for path in paths if folder.exists(posixpath.join(path, "package.json"))]


def _makes_sources(folder: Folder, path: str, script: str) -> bool:
    """Tell whether a script writes sources of a package that are not there yet."""
    target = re.search(r"\s(?:-o|--out(?:put)?)[= ](?:\./)?([\w./-]+)", script)
    return target is not None and not folder.exists(posixpath.join(path, target[1]))


def _workspaces(folder: Folder, root: str) -> list[str]:
    """List the folders of a workspace's packages, as its files write them: `packages/*`."""
    text = folder.read(f"{root}pnpm-workspace.yaml")
    said = (folder.mapping(f"{root}package.json", from_json) or {}).get("workspaces")
    said = said.get("packages") if isinstance(said, dict) else said
    listed = [str(one) for one in said] if isinstance(said, list) else []
    in_one_line = re.search(r"(?m)^packages:[ \t]*\[([^\]]*)\]", text)
    listed += re.findall(r"[\w./@*-]+", in_one_line[1]) if in_one_line else []
    patterns = [*re.findall(r"(?m)^[ \t]*-[ \t]*['\"]?([\w./@*-]+)", text), *listed]
    return [one.removeprefix("./") for one in patterns]


def _tests_in_browser(folder: Folder) -> bool:
    return bool(re.search(r"\"(?:@[\w-]+/[\w-]*)?cypress\"\s*:", folder.read("package.json")))


def front_end(script: str) -> tuple[str, int] | None:
    """Return what a front end's server in a script wants to hear, and its usual port; or None."""
    for word, after in pairwise([*script.split(), ""]):
        builds = after == "build" or (word == "webpack" and after not in ("serve", "server", "s"))
        if word in _FRONT_ENDS and not builds:  # `vite build --watch` answers nothing
            return _FRONT_ENDS[word]
    return None


def front_end_of(folder: Folder, run: str) -> tuple[str, int]:
    """Return the same of the front end that a command starts; "" and 0 where it starts none."""
    found = map(front_end, (*scripts_of(folder, run), run))
    return next(filter(None, found), ("", 0))


def builds(folder: Folder, run: str) -> bool:
    """Tell whether the script that a command runs compiles before the program listens."""
    compiles = any(_COMPILES.search(text) for text in scripts_of(folder, run))
    return compiles or re.match(r"npx nest (?:build|start)(?:\s|$)", run) is not None


def port_of_script(folder: Folder, run: str) -> int:
    """Read the port that the script which a command runs sets itself: `PORT=3001 react-scripts`."""
    said = (re.search(r"(?:^|[\s;&])PORT=(\d{2,5})\b", text) for text in scripts_of(folder, run))
    return next((int(match[1]) for match in said if match), 0)


def has_script(folder: Folder, run: str) -> bool:
    """Tell whether a folder's package.json has the script that a command runs."""
    return any(scripts_of(folder, run))


def handed_on(argv: tuple[str, ...], folder: Folder) -> tuple[tuple[str, ...], str]:
    """Follow a command to the package of a workspace whose script it runs in the end.

    `pnpm web` is `pnpm run dev` of apps/web where the script says `pnpm --filter web run dev`.

    Returns:
        The command there, and the package's folder; "" where it hands on to none.
    """
    if not argv or argv[0] not in ("npm", "pnpm", "yarn", "bun"):
        return argv, ""
    line = " ".join(argv)
    for text in (line, *scripts_of(folder, line)[1:]):
        match = None if re.search(r"&&|;|\|", text) else _HANDS_ON.search(text)
        if match is not None:
            said = [group for group in match.groupdict().items() if group[1]]
            name = next(value for key, value in said if key in "aceg")
            script = next(value for key, value in said if key in "bdfh")
            place = _folder_of(name, folder)
            scripts = folder.mapping(f"{place}/package.json", from_json) or {} if place else {}
            if script in (scripts.get("scripts") or {}):
                return (argv[0], "run", script), place
    return argv, ""


def _folder_of(name: str, folder: Folder) -> str:
    """Find the package of a name, or the one in a folder that is called so; "" for none."""
    if folder.exists(f"{name}/package.json"):
        return posixpath.normpath(name)
    files = (f for f in folder.files if f.endswith("/package.json") and f.count("/") <= DEEPEST)
    named = (f for f in files if f'"{name}"' in folder.read(f))
    found = (f for f in named if (folder.mapping(f, from_json) or {}).get("name") == name)
    return posixpath.dirname(next(found, ""))


def scripts_of(folder: Folder, run: str) -> list[str]:
    """List what a command that runs a script of package.json does: before it, and the script."""
    match = _SCRIPT.search(run)
    package = folder.mapping("package.json", from_json) if match else None
    scripts = folder.member("package.json", package or {}, "scripts") or {}
    return [str(scripts.get(f"{begin}{match[1]}") or "") for begin in ("pre", "")] if match else []
