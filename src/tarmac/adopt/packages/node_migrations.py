"""Finds the script by which TypeORM or Drizzle makes a database's tables, by steps that are there.

`node` asks. A script that takes what is compiled comes behind the build; one that takes the code as
it is needs ts-node or the like in its line. Drizzle's may run a file of the repository's own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from tarmac.adopt.survey.found import Folder

_RUNS = re.compile(r"\btypeorm\b[^&|;]*\bmigration:run\b")
#: It takes what the build makes: `-d dist/data-source.js`.
_COMPILED = re.compile(r"(?:-d|--dataSource)[= ](?:\./)?(?:dist|build|lib|out)/")
#: It takes the code as it is.
_AS_IT_IS = re.compile(r"typeorm-ts-node|\b(?:ts-node|tsx)\b|-r ts-node/register")
#: Another script of the package, with what follows it.
_CALLS = re.compile(r"^(?:npm|yarn|pnpm)(?: run)? (typeorm[\w:-]*)(?: --)?(?= )")
_STEP = re.compile(r"(?:^|/)migrations?/\d{10,}-?\w+\.[jt]s$")
#: A file of its own that is run, and what such a one has that carries out Drizzle's steps.
_OF_ITS_OWN = re.compile(r"^(?:tsx|ts-node|bun(?: run)?|node)\s+(?:\./)?([\w./-]+\.[cm]?[jt]s)$")
_BY_DRIZZLE = re.compile(r"['\"]drizzle-orm/[\w-]+/migrator['\"]")


def by_drizzle(folder: Folder, place: str, scripts: Mapping[str, str]) -> str:
    """Name the script of a package that runs a file of its own with Drizzle's steps; "" for none.

    Args:
        place: the package's folder, from that of the program.
    """
    for name, text in scripts.items():
        match = _OF_ITS_OWN.match(text.strip())
        if match and _BY_DRIZZLE.search(folder.read(posixpath.join(place, match[1]))):
            return name
    return ""


#: A script that makes the tables, and what the file that it runs has where it may do so again.
_MAKES_TABLES = re.compile(r"(?:db[:-])?migrat(?:e|ions?)(?:[:-](?:up|run|dev|latest))?")
_ASKS_FIRST = re.compile(r"(?i)\bCREATE\s+TABLE\s+IF\s+NOT\s+EXISTS\b")


def by_its_own(folder: Folder, scripts: Mapping[str, str], tool: str) -> str:
    """Write the line that runs a file of the program's own which makes the tables; "" for none.

    It asks what is there already, so that it may run before each start.
    """
    for name, text in scripts.items():
        match = _OF_ITS_OWN.match(text.strip()) if _MAKES_TABLES.fullmatch(name) else None
        if match and _ASKS_FIRST.search(folder.read(posixpath.normpath(match[1]))):
            return f"{tool} run {name}"
    return ""


#: The commands of libraries that carry out the steps which a database lacks.
_CARRIES_OUT = re.compile(
    r"\bknex\b[^&|;]*\bmigrate:latest\b|\bsequelize(?:-cli)?\b[^&|;]*\bdb:migrate(?![\w:])|"
    r"\bnode-pg-migrate\b[^&|;]*\bup\b|\bmikro-orm\b[^&|;]*\bmigration:up\b|"
    r"\bdb-migrate\b[^&|;]*\bup\b"
)
#: One that takes them back first, or is for tests.
_OTHERWISE = re.compile(r"rollback|undo|down|reset|fresh|drop|(?<!la)test|prod")
_ANY_STEP = re.compile(r"(?:^|/)migrations?/[\w.-]*\d[\w.-]*\.(?:[cm]?[jt]s|sql)$")
#: A script that hands another one its words: `npm run knex -- migrate:latest`.
_HANDS = re.compile(r"^(?:npm|yarn|pnpm)(?: run)? ([\w:-]+)(?: --)? (?=\S)")


def by_library(folder: Folder, scripts: Mapping[str, str], tool: str) -> str:
    """Write the line of those scripts by which a library makes the tables; "" where none does.

    Knex, Sequelize, MikroORM and their like; of several, each is of another part of the tables.
    """
    if not any(map(_ANY_STEP.search, folder.files)):
        return ""
    lines = {n: _HANDS.sub(lambda m: f"{scripts.get(m[1], m[0])} ", t) for n, t in scripts.items()}
    names = [name for name, line in lines.items() if _CARRIES_OUT.search(line)]
    names = [name for name in names if not _OTHERWISE.search(f"{name} {lines[name]}")]
    plain = [name for name in names if lines[name] == scripts[name] and "&&" not in lines[name]]
    chosen = names if len(names) == len({*map(_stem, names)}) else plain[:1]
    runs = [f"{tool} run {name}" for name in chosen]
    is_compiled = any(re.search(r"[ /](?:dist|build|lib|out)/", lines[name]) for name in chosen)
    if is_compiled and "build" not in scripts:
        return ""
    return " && ".join([f"{tool} run build"] * is_compiled + runs)


def _stem(name: str) -> str:
    """Return what part of the tables a script is for: its last word, behind `up` and the like."""
    return re.sub(r"^(?:db[:-])?migrat\w*|(?:^|[:-])(?:up|run|latest|deploy)(?=[:-]|$)", "", name)


def _runs_them_itself(folder: Folder) -> bool:
    """Tell whether a program's own data source carries out TypeORM's steps as it connects."""
    files = (file for file in folder.sources(".ts", ".js") if "node_modules" not in file)
    return any(re.search(r"\bmigrationsRun:\s*true\b", folder.read(file)) for file in files)


def steps(folder: Folder, scripts: Mapping[str, str], tool: str) -> str:
    """Write the line that makes the tables; "" where no script does.

    Args:
        tool: the package manager that runs a script.
    """
    if not any(map(_STEP.search, folder.files)) or _runs_them_itself(folder):
        return ""
    found: dict[bool, str] = {}
    for name, text in scripts.items():
        line = _CALLS.sub(lambda match: scripts.get(match[1], match[0]), text)
        is_compiled = bool(_COMPILED.search(line))
        if _RUNS.search(line) and (is_compiled or _AS_IT_IS.search(line)):
            found.setdefault(is_compiled, name)
    if name := found.get(False, ""):
        return f"{tool} run {name}"
    name = found.get(True, "")
    return f"{tool} run build && {tool} run {name}" if name and "build" in scripts else ""
