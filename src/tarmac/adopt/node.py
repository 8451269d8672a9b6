"""Node: the scripts of a package.json, with the package manager that its lock file names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from tarmac.adopt.packages import node_compiled, node_migrations, node_nest, node_nx, node_roles
from tarmac.adopt.packages.node_packages import (
    PRISMA,
    SOURCES,
    front_end,
    libraries,
    linked,
    tools,
    workspace,
)
from tarmac.adopt.packages.node_side_by_side import side_by_side, starts_packages
from tarmac.adopt.survey.found import (
    MIGRATE,
    Folder,
    Recogniser,
    Service,
    folder_name,
    joined,
    local_ports,
    valid_name,
)
from tarmac.adopt.variables import dotenv_files, settings_files
from tarmac.base.foreign.data import from_json

_FILES = (
    "server.js",
    "index.js",
    "app.js",
    "main.js",
    "src/server.js",
    "src/index.js",
    "server.mjs",
)
#: What lets react-scripts start beside a proxy where it is told on which host it listens.
_BESIDE_A_PROXY = "DANGEROUSLY_DISABLE_HOST_CHECK=true "
#: What is run was compiled before.
_BUILT = re.compile(r"\b(dist|build|lib|out)/\S+")
#: A front end's server for what was built before; the one for work needs no build.
_SERVES_BUILT = re.compile(
    r"\b(?:next|nuxt)\s+start\b|\b(?:vite|astro)\s+preview\b|"
    r"(?<![\w:-])(?:serve|http-server)\s+(?:-\S+\s+)*(?:\./)?(?:dist|build)\b"
)
#: A script that makes a database's tables by steps that the repository has.
_STEPS = re.compile(
    r"^(?:(?:npx|yarn|pnpm(?:\s+exec)?|bunx)\s+|dotenv\s[^&|;]*--\s+)?drizzle-kit\s+migrate\b"
    r"(?:\s+--config[= ](?:\./)?([\w./-]+))?"
)
#: Where Drizzle has its steps: `out: "./drizzle"`, or in a variable with a default.
_OUT = re.compile(
    r"\bout\s*[:=]\s*(?:[\w.]+\([^()]{0,60})?['\"](?:\./)?([\w./-]+)['\"]\s*(?:[,);\n}]|$)"
)
_RELOADS = re.compile(r"nodemon|--watch|\bwatch\b|ts-node-dev|--hot")
_SERVES = re.compile(r"\.listen\(|createServer\(|\bserve\(")
#: A script that translates or checks what others run.
_MAKES = re.compile(
    r"^[ \t]*(?:npx\s+|cross-env\s+|\w+=\S+\s+)*(?:tsc|tsup|rollup|babel|eslint|prettier|"
    r"tailwindcss|sass|vite\s+build|webpack(?!-dev-server|\s+(?:serve|server|s)\b)|"
    r"(?:bun(?:\s+run)?|node|tsx|ts-node)\s+[\w./-]{0,99}?\bbuild[\w-]{0,40}\.[cm]?[jt]sx?)(?![\w-])"
)
#: A program for another place than this machine's ports, or a tool at work.
_ELSEWHERE = re.compile(
    r"(?:^|&&)[ \t]*(?:npx\s+)?(?:expo|react-native|electron|tauri|prisma|(?:start-)?storybook|"
    r"email\s+(?:dev|export))\b"
)
#: A script that starts those of the packages below.
_STARTS_OTHERS = re.compile(r"\b(turbo|lerna)\b|\bpnpm\b.*\s(-r|--recursive|--parallel)\b")
#: What fails where there is no `.env`; an image has an empty one made for it.
_WANTS_DOTENV = re.compile(
    r"\benv-cmd\b(?!(?:\s+--?[\w-]+)*\s+(?:-f|--file|-r|--rc-file|-e|--environments)\b)|"
    r"--env-file[= ]\.env(?=\s|$)"
)
#: With one of these, the folder is another framework's, and its package.json makes pages for it.
_OTHERS = ("artisan", "manage.py", "config.ru", "bin/rails", "mix.exs")


#: Packages that make an extension of a browser, which that loads from a folder.
_OF_EXTENSIONS = ("@crxjs/vite-plugin", "wxt", "plasmo", "web-ext")


def _package(folder: Folder) -> dict[str, Any] | None:
    return folder.mapping("package.json", from_json)


def _all_scripts(folder: Folder, package: Mapping[str, Any]) -> dict[str, str]:
    scripts = folder.member("package.json", package, "scripts") or {}
    return {k: v for k, v in scripts.items() if isinstance(v, str)}


def _beside_a_proxy(package: Mapping[str, Any], script: str) -> str:
    is_told = re.search(r"\b(react-scripts|react-app-rewired|craco)\s+start\b", script)
    return _BESIDE_A_PROXY if is_told and isinstance(package.get("proxy"), str) else ""


def _script(folder: Folder, scripts: dict[str, str]) -> str:
    """Choose the script: a front end's dev server, else `start`, else what else starts it."""
    if front_end(scripts.get("dev", "")):
        return "dev"
    needs_build = _BUILT.search(scripts.get("start", ""))
    if needs_build and "dev" in scripts and not folder.exists(needs_build[0]):
        return "dev"
    aside = [
        name for name in scripts if _MAKES.match(scripts[name]) or _ELSEWHERE.search(scripts[name])
    ]
    runs = [name for name in ("start", "dev", "serve") if name not in aside]
    return next((name for name in runs if name in scripts), "")


def _needs_build(folder: Folder, scripts: Mapping[str, str], name: str) -> bool:
    """Tell whether a script runs what `build` makes, which is not here yet."""
    built = _BUILT.search(scripts[name])
    return built is not None and "build" in scripts and not folder.exists(built[0])


def _tasks(folder: Folder) -> dict[str, str]:
    package = _package(folder) or {}
    wants = package.get("dependencies") or package.get("devDependencies")
    tasks = {"install": tools(folder)[1]} if wants else {}
    tasks |= libraries(folder) if wants else {}
    wanting = [m for m in map(_WANTS_DOTENV.search, _all_scripts(folder, package).values()) if m]
    if any(match[0].startswith("--env-file") for match in wanting):
        tasks |= dotenv_files.wanted(folder)  # what is given counts before what Node reads there
    elif wanting:
        tasks["dotenv"] = "test -e .env || touch .env"
    tasks |= settings_files.copied(folder)
    tasks |= _steps(folder) if wants else {}
    by_typeorm = node_migrations.steps(folder, _all_scripts(folder, package), tools(folder)[0])
    tasks |= {MIGRATE: by_typeorm} if by_typeorm and wants else {}
    own = node_migrations.by_its_own(folder, _all_scripts(folder, package), tools(folder)[0])
    own = own or node_migrations.by_library(folder, _all_scripts(folder, package), tools(folder)[0])
    tasks |= {MIGRATE: own} if own and wants and MIGRATE not in tasks else {}
    if schema := next((file for file in folder.files if file.endswith("schema.prisma")), ""):
        named = "prisma.config.ts" in folder.files or isinstance(package.get("prisma"), dict)
        where = "" if named or schema in PRISMA else f" --schema {schema}"
        tasks["generate"] = f"npx prisma generate{where}"
        if any(file.endswith("/migration.sql") for file in folder.files):
            tasks[MIGRATE] = f"npx prisma migrate deploy{where}"
    return tasks


def _steps(folder: Folder) -> dict[str, str]:
    """Return what makes a database's tables by a script here, or of a package that is linked.

    A program that has Drizzle's library may leave them to a script of its workspace.
    """
    above = workspace(folder) if _brings(folder, "drizzle-orm") else ""
    for place in ("", *linked(folder), *filter(None, (above,))):
        package = folder.mapping(posixpath.join(place, "package.json"), from_json) or {}
        scripts = package.get("scripts")
        pairs = scripts.items() if isinstance(scripts, dict) else ()
        found = ((name, match) for name, text in pairs if (match := _STEPS.search(str(text))))
        name, match = next(found, ("", None))
        has_steps = match and _has_steps(folder, place, match[1] or "drizzle.config.ts")
        if not has_steps:
            name = node_migrations.by_drizzle(folder, place, {k: str(v) for k, v in pairs})
        if name:
            line = f"{tools(folder)[0]} run {name}"
            return {MIGRATE: f"(cd {place} && {line})" if place else line}
    return {}


def _has_steps(folder: Folder, place: str, file: str) -> bool:
    """Tell whether Drizzle has steps there that make the tables, and not only names those.

    The first one of a database that was there before is a remark as a whole.
    """
    config = folder.read(posixpath.join(place, file))
    out = _OUT.search(config)
    steps = posixpath.join(place, out[1] if out else "drizzle")
    journal = folder.mapping(posixpath.join(steps, "meta/_journal.json"), from_json) or {}
    entries = journal.get("entries")
    first = entries[0] if isinstance(entries, list) and entries else {}
    tag = first.get("tag") if isinstance(first, dict) else None
    text = folder.read(posixpath.join(steps, f"{tag}.sql")) if tag else ""
    return bool(re.sub(r"/\*[\s\S]*?\*/|--[^\n]*", "", text).strip())


def _services(folder: Folder) -> tuple[Service, ...]:
    if served := node_nx.projects(folder):
        return tuple(_by_nx(one, folder) for one in served)
    several = [*node_nest.programs(folder)]
    return tuple(_by_nest(*one, folder) for one in several) if several[1:] else _by_scripts(folder)


def _by_nest(name: str, place: str, folder: Folder) -> Service:
    """Start one of several programs of Nest, which builds it before."""
    return Service(
        name=valid_name(name),
        folder=folder.path,
        run=f"npx nest start {name}",
        why=f"nest-cli.json, {place}",
        tasks=_tasks(folder),
    )


def _by_scripts(folder: Folder) -> tuple[Service, ...]:
    package = _package(folder)
    if folder.has(*_OTHERS) or _is_javas(folder):
        return ()
    if package is None:
        file = folder.has(*_FILES)
        if not file or not _SERVES.search(folder.read(file)):
            return ()
        return (Service(folder_name(folder), folder.path, run=f"node {file}", why=file),)
    if any(_brings(folder, name) for name in _OF_EXTENSIONS) or _is_to_come(folder):
        return ()
    scripts = _all_scripts(folder, package)
    program, _ = tools(folder)
    port: int | None = None
    name = _script(folder, scripts)
    if together := side_by_side(scripts.get(name, ""), scripts):
        return tuple(
            Service(
                name=valid_name(one.name),
                folder=folder.path,
                container_command=one.words,
                why=f"package.json: scripts.{name}",
                ports={"http": one.port} if one.port else {},
                aside=bool(number),
            )
            for number, one in enumerate(together)
        )
    beside = node_roles.roles(folder, scripts, name) if name else []
    if (answers := [role for role in beside if role.listens]) and node_roles.ends(
        folder, scripts[name]
    ):
        name = answers[0].script  # what `dev` starts does one thing and ends
        beside = [role for role in beside if role.script != name]
    if name:
        line = "npm start" if (program, name) == ("npm", "start") else f"{program} run {name}"
        line = node_nest.started_once(scripts, name) or line
        why = f"package.json: scripts.{name}"
        if _needs_build(folder, scripts, name):
            line = f"{program} run build && {line}"
        if front := front_end(scripts[name]):
            flags, port = front
            line += (" -- " if program in ("npm", "bun") else " ") + flags if flags else ""
            line = _beside_a_proxy(package, scripts[name]) + line
    else:
        main = package.get("main") if isinstance(package.get("main"), str) else ""
        file = next((f for f in (main, *_FILES) if f and f in folder.files), "")
        if not file or "workspaces" in package or not _SERVES.search(folder.read(file)):
            return ()
        line, why = f"node {file}", f"package.json, {file}"
    has_others = "workspaces" in package or "pnpm-workspace.yaml" in folder.files
    script = scripts.get(name, "")
    is_of_others = has_others and _STARTS_OTHERS.search(script)
    if port is None and (is_of_others or starts_packages(script, scripts)):
        return ()
    serving = Service(
        name=folder_name(folder, str(package.get("name") or "app").rsplit("/", 1)[-1]),
        folder=folder.path,
        run=line,
        why=why,
        ports={"http": port} if port else {},
        reads_port=port is not None,
        reloads=port is not None or bool(_RELOADS.search(scripts.get(name, ""))),
        tasks=_tasks(folder),
    )
    # One that listens beside the main program is that in another way, unless that is the pages.
    beside = [role for role in beside if not role.listens or (port and not role.is_of_pages)]
    return (serving, *(_beside(serving, role, program, scripts) for role in beside))


def _by_nx(project: node_nx.Project, folder: Folder) -> Service:
    """Start a project of a workspace by Nx, which builds what it is made of before."""
    flags = " --port $PORT" if project.port else ""
    return Service(
        name=valid_name(posixpath.basename(project.name)),
        folder=folder.path,
        run=f"npx nx serve {project.name}{flags}",
        why=f"nx.json, {project.place}",
        ports={"http": project.port} if project.port else {},
        reads_port=bool(project.port),
        reloads=True,
        tasks=_tasks(folder),
        env=node_nx.environment(folder),
    )


def _beside(
    serving: Service, role: node_roles.Role, program: str, scripts: dict[str, str]
) -> Service:
    """Start the program of another script with the packages of the main one."""
    return Service(
        name=valid_name(role.name),
        folder=serving.folder,
        run=f"{program} run {role.script}",
        why=f"package.json: scripts.{role.script}",
        reloads=bool(_RELOADS.search(scripts[role.script])),
        tasks=serving.tasks,
        aside=not role.listens,
    )


def _is_to_come(folder: Folder) -> bool:
    """Tell whether what a package builds its program of is empty: that is still to come."""
    scripts = _all_scripts(folder, _package(folder) or {})
    below = [file for file in folder.sources(*SOURCES) if file.startswith("src/")]
    is_built = bool(below and _BUILT.search(scripts.get("start", "")))
    return is_built and not any(folder.read(file).strip() for file in below)


def _is_javas(folder: Folder) -> bool:
    """Tell whether the folder is a program of Java, whose package.json makes pages for it."""
    has_build = folder.has("pom.xml", "build.gradle", "build.gradle.kts")
    return bool(has_build) and any(f.startswith("src/main/java/") for f in folder.files)


def _main_of(folder: Folder, words: list[str]) -> str:
    """Say the program that `node` is given; of the folder itself, what its package.json names."""
    program = next((word for word in words if not word.startswith("-")), "")
    main = (_package(folder) or {}).get("main") if program in (".", "./") else program
    return (main if isinstance(main, str) else program).removeprefix("./")


def _is_there(folder: Folder, program: str) -> bool:
    """Tell whether the program that `node` is given is a file of the folder."""
    plain = program.rstrip("/")
    likely = (plain, *(f"{plain}{end}" for end in (".js", ".mjs", ".cjs", "/index.js")))
    return not program or any(map(folder.exists, likely))


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    if not argv or "package.json" not in folder.files:
        return ""
    words = local_ports(argv)
    program = words[0].rsplit("/", 1)[-1]
    if program in ("npm", "pnpm", "yarn", "bun", "npx"):
        script = (
            words[2] if words[1:2] == ("run",) and len(words) > 2 else words[1] if words[1:] else ""
        )
        scripts = _all_scripts(folder, _package(folder) or {})
        if _SERVES_BUILT.search(scripts.get(script, "")) and (work := _for_work(scripts)):
            words, script = (program, "run", work), work
        besides = words[words.index(script) + 1 :] if script else ()
        if once := node_nest.started_once(scripts, script, besides):
            return once
        front = front_end(scripts.get(script, ""))
        if "build" in scripts and _BUILT.search(scripts.get(script, "")):
            return f"{program} run build && {joined(words)}"
        if "build" in scripts and program == "npx" and _BUILT.search(joined(words[2:])):
            return f"{tools(folder)[0]} run build && {joined(words)}"
        if front and front[0] and "$PORT" not in " ".join(words):
            before = ("", *words)
            plain = tuple(
                word
                for last, word in zip(before, words, strict=False)
                if word not in ("--", "--host") and last != "--host"
            )
            return joined(plain) + (" -- " if program == "npm" else " ") + front[0]
        return _beside_a_proxy(_package(folder) or {}, scripts.get(script, "")) + joined(words)
    if program in ("node", "tsx", "ts-node", "nodemon"):
        # Debuggers want a port of their own, and restarts after an edit are Tarmac's.
        words = tuple(word for word in words if not re.match(r"--inspect|-L$|--legacy-watch", word))
        inside = [re.sub(r"^/(usr/src/app|app|srv)/", "", word) for word in words[1:]]
        # An image of a workspace has its packages where the repository has them.
        inside = [word.removeprefix(f"{folder.path}/") for word in inside]
        if program == "node" and not _is_there(folder, main := _main_of(folder, inside)):
            # What its image was built with is not here; this machine builds it where it can.
            build = "build" in _all_scripts(folder, _package(folder) or {})
            said = " ".join((main, *inside))
            is_built = build and _BUILT.search(said)
            if below := _built_below(folder, main):
                return (
                    f"(cd {below} && {tools(folder)[0]} run build) && node {joined(tuple(inside))}"
                )
            made = node_nest.build_of(folder, said) or f"{tools(folder)[0]} run build"
            made_there = tuple(node_compiled.place(word, folder) for word in inside)
            return f"{made} && node {joined(made_there)}" * bool(is_built)
        start = "node" if program in ("node", "nodemon") else f"npx {program}"
        return f"{start} {joined(tuple(inside))}"
    work = _for_work(_all_scripts(folder, _package(folder) or {}))
    if work and _SERVES_BUILT.search(joined(words)):
        return _here(folder, (tools(folder)[0], "run", work))
    if _brings(folder, program):
        front = front_end(" ".join(words))
        told = f" {front[0]}" if front and front[0] and "$PORT" not in " ".join(words) else ""
        return f"npx {joined((program, *words[1:]))}{told}"
    return ""


def _built_below(folder: Folder, program: str) -> str:
    """Find the package below whose build makes a program: `packages/server/dist/main.js`."""
    match = re.fullmatch(r"((?:[\w.-]+/)+)(?:dist|build|lib|out)/[\w./-]+", program)
    place = match[1].rstrip("/") if match else ""
    below = folder.below(place)
    is_built = place and "build" in _all_scripts(below, _package(below) or {})
    return place if is_built else ""


def _for_work(scripts: Mapping[str, str]) -> str:
    """Name the script that starts the server of a front end for work; "" for none."""
    said = {name: scripts.get(name, "") for name in ("dev", "start")}
    found = (
        name for name in said if front_end(said[name]) and not _SERVES_BUILT.search(said[name])
    )
    return next(found, "")


def _files(folder: Folder, run: str) -> tuple[str, ...]:
    """List the files of one of Nest's programs, or Nx's: without those of the ones beside it."""
    if served := re.match(r"npx nx serve (\S+)", run):
        beside = [one.place for one in node_nx.projects(folder) if one.name != served[1]]
        return tuple(f for f in folder.files if not any(f.startswith(f"{p}/") for p in beside))
    return node_nest.files_of(folder, run)


def _brings(folder: Folder, program: str) -> bool:
    """Tell whether a program is the script of a package that the folder has."""
    package = _package(folder) or {}
    lists = (package.get(key) for key in ("dependencies", "devDependencies"))
    return any(isinstance(one, dict) and program in one for one in lists)


RECOGNISER = Recogniser(
    id="node", rank=30, services=_services, tasks=_tasks, here=_here, files=_files
)
