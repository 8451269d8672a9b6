"""What a database's image loads into a new one: files that are mounted, or copied into it."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, Service, Store, Survey
from tarmac.base import sql_steps
from tarmac.model.value import DATABASE

#: Where the images of PostgreSQL, MySQL and MariaDB look.
PLACE = "/docker-entrypoint-initdb.d"
_COPIES = re.compile(
    r"^[ \t]*(?:COPY|ADD)[ \t]+(?:--\S+[ \t]+)*(.+)$", re.IGNORECASE | re.MULTILINE
)
#: Code that may load a file of SQL itself, and how deep one lies that is of the whole repository.
_CODE = (".py", ".js", ".mjs", ".cjs", ".ts", ".go", ".java", ".kt", ".rs", ".sh")
_DEEPEST = 2
#: Where repositories keep files of SQL.
_OF_SQL = re.compile(r"(?i)(?:^|/)(?:sql|db|database)/")
#: A step of golang-migrate, with its folder and number; and a program that carries them out itself.
_STEP = re.compile(r"(?:(.*)/)?(\d+)_[^/]+\.up\.sql$")
#: A step of goose, dbmate or sql-migrate, whose files have both ways.
_BOTH_WAYS = re.compile(r"(?:(.*)/)?(\d+)[-_][^/]+\.sql$")
#: A step of Atlas, which has one way.
_ONE_WAY = re.compile(r"(?:(.*)/)?(\d+)(?:_[^/]+)?\.sql$")
_RUNS_STEPS = {
    ".go": re.compile(
        r"\"github\.com/(?:golang-migrate/migrate|pressly/goose|rubenv/sql-migrate|amacneil/dbmate)/|"
        r"\"ariga\.io/atlas"
    ),
    ".rs": re.compile(r"\bmigrate!\s*\(|\bembed_migrations!\s*\(|\bMigrator::new\("),
}
#: What is said of the container of golang-migrate or Atlas.
_ITS_PROGRAM = re.compile(
    r"^([\w.-]+): (?:migrate/migrate|arigaio/atlas)\S* is not started here.*$|"
    r"^(migrate|migrations?|atlas): only in the profile .*$"
)
#: Remarks, such as the head of a dump; not those that MySQL carries out.
_REMARKS = re.compile(r"/\*(?!!)[\s\S]*?\*/|^[ \t]*--.*$", re.MULTILINE)
#: The server's administrator does it, not the one user that a store's services have; or the image's
#: own client does, and no server knows it.
_NOT_ITS_USERS = {
    r"^[ \t]*\\(?!(?:set|unset|echo|connect|c|encoding|(?:un)?restrict)\b)[a-z]": "a psql command",
    r"^[ \t]*source\s+\S": "a command of MySQL's client",
    r"\bCREATE\s+(?:DATABASE|SCHEMA\s+IF|ROLE|USER)\b": "statements that need an administrator",
    r"^[ \t]*USE\s+": "another database",
    r"\bOWNER\s+TO\b|^[ \t]*(?:GRANT|REVOKE|ALTER\s+(?:ROLE|USER|SYSTEM))\b": "users of its own",
}


def of_mounts(mounts: Iterable[tuple[str, str]], root: Folder) -> Iterator[str]:
    """Yield the files that a container mounts there, in the order in which its image loads them."""
    found = []
    for source, target in mounts:
        path = posixpath.normpath(source)
        if "*" in path:
            found += [(posixpath.basename(f), f) for f in fnmatch.filter(root.files, path)]
        elif root.read(path) or posixpath.splitext(path)[1]:
            name = posixpath.basename(target.rstrip("/"))
            found.append((name if posixpath.splitext(name)[1] not in ("", ".d") else path, path))
        else:
            files = root.below(path).files
            found += [(name, posixpath.join(path, name)) for name in files if "/" not in name]
    yield from (path for _, path in sorted(found))


def of_image(dockerfile: str, place: str, root: Folder) -> Iterator[str]:
    """Yield the files that an image copies there, from the folder that it is built in."""
    copied: list[tuple[str, str]] = []
    for line in _COPIES.findall(re.sub(r"\\\s*\n", " ", dockerfile)):
        *sources, target = line.split()
        if sources and target.startswith(PLACE):
            copied += [(posixpath.join(place, source), target) for source in sources]
    yield from of_mounts(copied, root)


def loaded(store: Store, files: tuple[str, ...], root: Folder) -> Store:
    """Make a store load these files, up to the first that its users cannot load."""
    if not files:
        return store
    if not servers.of_kind(store.kind).seeds:
        left = f"{', '.join(files)}: loaded by its container; load it by a task of a service"
        return replace(store, remarks=(*store.remarks, left))
    store = _of_chosen(store, files, root)
    for number, file in enumerate(files):
        if why := _why_not(file, _without_choice(root.read(file), store)):
            others = "".join(f", nor {other}" for other in files[number + 1 :])
            left = f"{file} is not loaded into it{others}: {why}; do that by a task of a service"
            return replace(store, init=files[:number], remarks=(*store.remarks, left))
    return replace(store, init=files)


#: Makes a database where it is not there, or goes on in it: its name.
_CHOOSES = re.compile(
    r"(?im)^[ \t]*(?:CREATE\s+(?:DATABASE|SCHEMA)\s+IF\s+NOT\s+EXISTS|USE)\s+[`\"]?([\w-]+)[`\"]?"
    r"[^;\n]*;"
)


def _of_chosen(store: Store, files: tuple[str, ...], root: Folder) -> Store:
    """Give a store that has no database yet the one that its files choose."""
    named = {match[1] for file in files for match in _CHOOSES.finditer(root.read(file))}
    may = servers.of_kind(store.kind).shows.chooses and not store.database and len(named) == 1
    name = named.pop() if may else ""
    return replace(store, database=name) if re.fullmatch(DATABASE, name) else store


def _without_choice(content: str, store: Store) -> str:
    """Leave out of a file that it makes and chooses the database of its store, which is there."""
    if not servers.of_kind(store.kind).shows.chooses:
        return content
    return _CHOOSES.sub(lambda match: "" if match[1] == store.database else match[0], content)


def of_clients(found: Survey, root: Folder) -> Survey:
    """Let a store load the file that a container only hands to its client: `psql -f tables.sql`."""
    for service in found.services:
        words = service.container_command
        client = posixpath.basename(words[0]) if words else ""
        told = [after for word, after in pairwise(words) if word in ("-f", "--file")]
        file = posixpath.normpath(posixpath.join(service.folder, told[0])) if told else ""
        fitting = [s for s in found.stores if client and servers.of_kind(s.kind).client == client]
        if len(fitting) != 1 or not root.read(file):
            continue
        store = loaded(fitting[0], (*fitting[0].init, file), root)
        others = (one for one in found.services if one is not service)
        found = replace(
            found,
            services=tuple(
                replace(one, calls=tuple(call for call in one.calls if call != service.name))
                for one in others
            ),
            stores=tuple(store if one is fitting[0] else one for one in found.stores),
        )
    return found


def of_its_name(store: Store, database: str, root: Folder) -> Store:
    """Make a store load the one file of tables that is called as its database: sql/shop.sql."""
    named = [f for f in root.files if _OF_SQL.search(f) and f.endswith(f"/{database}.sql")]
    if not database or store.init or len(named) != 1 or not servers.of_kind(store.kind).seeds:
        return store
    makes = re.search(r"(?i)\bCREATE\s+TABLE\b", root.read(named[0]))
    return loaded(store, tuple(named), root) if makes else store


#: What a file is called that makes all tables, and where it is.
_OF_ALL_TABLES = re.compile(
    r"(?i)(?:.*/)?(?:schema|tables|create[-_]?tables|database|init(?:[-_]?db)?|setup)\.sql"
)
#: What MySQL alone takes, and what it does not; SQLite's has a word of its own.
_MYSQL_ALONE = re.compile(r"(?i)`|\bAUTO_?INCREMENT\b|\bENGINE\s*=")
_NO_MYSQL = re.compile(
    r"(?i)\bAUTOINCREMENT\b|SERIAL\b(?! DEFAULT)|::|plpgsql|\btimestamptz\b|\$\$"
)
_OF_TESTS = re.compile(r"(?i)(?:^|/)(?:tests?|fixtures?|docs?|examples?)/")


def of_all_tables(stores: list[Store], root: Folder) -> list[Store]:
    """Make the one database load the one file that makes its tables, which people load by hand.

    Nothing of the repository's code names it.
    """
    takes = [one for one in stores if servers.of_kind(one.kind).seeds]
    files = [
        file
        for file in root.files
        if _OF_ALL_TABLES.fullmatch(file) and not _OF_TESTS.search(file)
        if file.count("/") <= _DEEPEST and re.search(r"(?i)\bCREATE\s+TABLE\b", root.read(file))
    ]
    if len(takes) != 1 or len(files) != 1 or takes[0].init:
        return stores
    name, chooses = posixpath.basename(files[0]), servers.of_kind(takes[0].kind).shows.chooses
    is_of_others = (_NO_MYSQL if chooses else _MYSQL_ALONE).search(root.read(files[0]))
    if is_of_others or any(name in root.read(file) for file in root.sources(*_CODE)):
        return stores
    made = loaded(takes[0], (files[0],), root)
    return [made if one is takes[0] else one for one in stores]


def of_steps(stores: list[Store], root: Folder, services: Iterable[Service] = ()) -> list[Store]:
    """Make the one database load steps of SQL, where people run the program for them by hand.

    golang-migrate and sqlx write them alike; of goose's the way forward is loaded.

    Args:
        services: of several databases, the one is taken that the program above the steps uses.
    """
    steps = {match[0]: match for file in root.files if (match := _STEP.match(file))}
    two_ways = "" if steps else _program_of_two_ways(root, steps) or _of_atlas(root, steps)
    places = {match[1] for match in steps.values()}
    takes = [one for one in stores if servers.of_kind(one.kind).seeds]
    if len(takes) > 1 and len(places) == 1:
        takes = _of_those_above(takes, next(iter(places)) or "", services)
    if len(places) != 1 or len(takes) != 1 or not all(map(_is_of_extensions(root), takes[0].init)):
        return stores
    for end, runs in _RUNS_STEPS.items():
        if any(runs.search(root.read(file)) for file in root.sources(end)):
            return stores
    ordered = tuple(sorted(steps, key=lambda file: int(steps[file][2])))
    made = loaded(takes[0], (*takes[0].init, *ordered), root)
    of_rust = any(file.rpartition("/")[2] == "Cargo.toml" for file in root.files)
    tool = two_ways or ("sqlx" if of_rust else "golang-migrate")
    later = f"{tool}'s steps are loaded into a new database; it carries out later ones"
    is_loaded = len(made.init) > len(takes[0].init)
    made = replace(made, remarks=(*made.remarks, later) if is_loaded else made.remarks)
    return [made if one is takes[0] else one for one in stores]


def _of_those_above(stores: list[Store], place: str, services: Iterable[Service]) -> list[Store]:
    """List the stores that the programs use whose folder the steps are in."""
    above = [one for one in services if one.folder and place.startswith(f"{one.folder}/")]
    said = " ".join(value for one in above for value in one.env.values())
    return [store for store in stores if f"${{stores.{store.name}." in said]


def _program_of_two_ways(root: Folder, steps: dict[str, re.Match[str]]) -> str:
    """Add the steps of a program whose files have both ways; return what it is called."""
    named = {match[0]: match for file in root.files if (match := _BOTH_WAYS.match(file))}
    said = {file: sql_steps.program_of(root.read(file)) for file in named}
    programs = {*filter(None, said.values())}
    if len(programs) != 1:
        return ""
    steps |= {file: named[file] for file in named if said[file]}
    return programs.pop()


def _is_of_extensions(root: Folder) -> Callable[[str], bool]:
    """Tell of a file whether it adds extensions alone, which leaves room for steps behind it."""

    def tells(file: str) -> bool:
        said = _REMARKS.sub("", root.read(file)).split(";")
        return all(re.match(r"(?i)\s*(?:CREATE\s+EXTENSION\b|$)", one) for one in said)

    return tells


def _of_atlas(root: Folder, steps: dict[str, re.Match[str]]) -> str:
    """Add the steps that lie beside Atlas's list of them; return what it is called."""
    lists = [file for file in root.files if posixpath.basename(file) == "atlas.sum"]
    place = posixpath.dirname(lists[0]) if len(lists) == 1 else None
    found = (_ONE_WAY.match(file) for file in root.files if place is not None)
    steps |= {match[0]: match for match in found if match and (match[1] or "") == place}
    return "atlas" if steps else ""


def without_its_program(left_out: tuple[str, ...], stores: list[Store]) -> tuple[str, ...]:
    """Say of the container for steps what becomes of them, where a store loads them."""
    said = " ".join(remark for store in stores for remark in store.remarks)
    if "steps are loaded into a new database" not in said:
        return left_out
    done = "its steps are loaded into a new database"
    return tuple(_ITS_PROGRAM.sub(lambda m: f"{m[1] or m[2]}: {done}", one) for one in left_out)


def _why_not(file: str, content: str) -> str:
    if not file.endswith(".sql"):
        return "it is not an SQL file"
    if not content.strip():
        return "it is empty, or no text"
    content = _REMARKS.sub("", sql_steps.forward(content))
    return next(
        (
            f"it has {what}"
            for pattern, what in _NOT_ITS_USERS.items()
            if re.search(pattern, content, re.IGNORECASE | re.MULTILINE)
        ),
        "",
    )
