"""Migrations in SQL can be applied: one for each version, and each where its server takes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files

#: Comments, and bodies of functions, which have statements of their own.
_APART = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)|(\$\w*\$).*?(?:\1|\Z)", re.DOTALL)
_TEXT = re.compile(r"'[^']*(?:'|\Z)")
_STATEMENT = re.compile(r"[^;]+")
_BEGINS = re.compile(r"(BEGIN|START TRANSACTION)\b", re.IGNORECASE)
_ENDS = re.compile(r"(COMMIT|ROLLBACK|END)\b", re.IGNORECASE)
#: What PostgreSQL takes outside of a transaction alone.
_ALONE = re.compile(
    r"(?:CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY|REINDEX\b.*\bCONCURRENTLY|VACUUM\b"
    r"|CREATE\s+DATABASE|ALTER\s+SYSTEM",
    re.IGNORECASE,
)
_ADDED = re.compile(
    r"ALTER\s+TABLE\s+(?:ONLY\s+)?(?:IF\s+EXISTS\s+)?([\w.\"`]+)\s+ADD\s+(?:COLUMN\s+)?(?!CONSTRAINT"
    r"\b|PRIMARY\b|UNIQUE\b|FOREIGN\b|CHECK\b|INDEX\b|KEY\b)(?:IF\s+NOT\s+EXISTS\s+)?([\w\"`]+)\s+([^,]*)",
    re.IGNORECASE,
)
_FILLED = re.compile(
    r"\b(DEFAULT|GENERATED|IDENTITY|(BIG|SMALL)?SERIAL|AUTO_INCREMENT)\b", re.IGNORECASE
)
#: How Flyway and golang-migrate read the version of a file from its name.
_VERSIONS = (
    (re.compile(r"V(\d[\d._]*?)__.*\.sql"), "Flyway"),
    (re.compile(r"(\d+)_.*(\.(?:up|down))\.sql"), "golang-migrate"),
)
#: The way back of a version, beside it: `V1__tables_rollback.sql`.
_BACK = re.compile(r"V.*[-_.](rollback|undo|down|revert)\.sql$", re.IGNORECASE)
#: The dialect before the ending, of which pop has a file each.
_DIALECT = re.compile(
    r"\.(mysql|mariadb|postgres(ql)?|cockroach|sqlite3?|mssql)(\.autocommit)?\.(up|down)\."
)
#: Changes of Liquibase in a file of SQL: the author, the number, and where it is applied.
_CHANGE = re.compile(
    r"^--[ \t]*changeset[ \t]+([^:\s]+):(\S+)([^\n]*)", re.MULTILINE | re.IGNORECASE
)
_PLACED = re.compile(r"(?i)\b(dbms|context(?:filter|s)?|labels|logicalfilepath):\S+")
_VALUE = re.compile(
    r"ALTER\s+TYPE\s+([\w.\"]+)\s+ADD\s+VALUE\s+(?:IF\s+NOT\s+EXISTS\s+)?'([^']+)'"
    r"(?:\s+(?:BEFORE|AFTER)\s+'[^']+')?",
    re.IGNORECASE,
)
#: What a program for migrations takes as one transaction, by its name or its first lines; and what
#: says that it is none.
_AT_ONCE = re.compile(r"(V\d[\d._]*__.*\.sql|\d+_.*\.up\.sql|migration\.sql)")
_MARKS = re.compile(r"^--[ \t]*(\+goose Up|migrate:up|liquibase formatted)", re.MULTILINE)
_NONE = re.compile(
    r"(?i)executeInTransaction\s*=\s*false|NO TRANSACTION|transaction:\s*false"
    r"|runInTransaction:false|splitStatements|\bCOMMIT\b"
)


_NEXT = re.compile(r"^--[ \t]*(changeset|\+goose Down|migrate:down|rollback)", re.MULTILINE)
_COMMITS = re.compile(r"^[ \t]*(COMMIT|ROLLBACK|END)\b[^;]*;", re.MULTILINE | re.IGNORECASE)


def check(files: Files) -> Iterator[Finding]:
    """Yield versions that are there twice, and statements that fail where they stand."""
    seen: dict[tuple[str, ...], str] = {}
    for artifact in migrations(files):
        folder, _, name = artifact.path.rpartition("/")
        for pattern, program in _VERSIONS:
            if not _DIALECT.search(name) and (found := pattern.fullmatch(name)):
                key = (folder, *(part.lstrip("0") for part in found.groups()))
                other = seen.setdefault((program, *key), name)
                if other != name:
                    what = f"has the version {found[1]}, as {other} has: {program} refuses both"
                    # A person applies the way back by hand, and Flyway none of them.
                    is_back = any(map(_BACK.search, (name, other)))
                    said = f"{what}; give it the next one"
                    yield Finding(artifact.path, said, warning=is_back)
        yield from _statements(artifact)
        yield from _twice(artifact)
        yield from _too_early(artifact)


def migrations(files: Files) -> list[Artifact]:
    """List the files of SQL."""
    return [one for one in files.artifacts if one.path.lower().endswith(".sql")]


def _statements(artifact: Artifact) -> Iterator[Finding]:
    text = str(artifact.content)
    plain = _APART.sub(_blank, _TEXT.sub(_blank, text))
    is_inside = False
    for found in _STATEMENT.finditer(plain):
        said = found[0].strip()
        line = plain.count("\n", 0, found.end() - len(found[0].lstrip())) + 1
        where = f"{artifact.path}:{line}"
        if _BEGINS.match(said):
            is_inside = True
        elif _ENDS.match(said):
            is_inside = False
        elif is_inside and (alone := _ALONE.match(said)):
            what = f"{' '.join(alone[0].upper().split())} is in a transaction, which PostgreSQL"
            yield Finding(where, f"{what} refuses; move it into a migration without one")
        for table, column, rest in _ADDED.findall(said):
            is_new = re.search(rf"CREATE\s+TABLE\b[^(]*{re.escape(table)}", plain, re.IGNORECASE)
            if (
                "NOT NULL" in " ".join(rest.upper().split())
                and not _FILLED.search(rest)
                and not is_new
            ):
                what = (
                    f"adds {column} to {table} as NOT NULL without a DEFAULT, which fails where the"
                )
                yield Finding(where, f"{what} table has rows; add it in steps", warning=True)


def _twice(artifact: Artifact) -> Iterator[Finding]:
    """Yield changes of Liquibase with the identifier of another one in the same file."""
    text = str(artifact.content)
    seen: dict[tuple[str, ...], int] = {}
    for found in _CHANGE.finditer(text) if "changeset" in text.lower() else ():
        line = text.count("\n", 0, found.start()) + 1
        key = (found[1], found[2], *sorted(one[0] for one in _PLACED.finditer(found[3])))
        if (first := seen.setdefault(key, line)) != line:
            what = f"has the changeset {found[1]}:{found[2]} again, after line {first}: Liquibase"
            yield Finding(f"{artifact.path}:{line}", f"{what} refuses both; give it another number")


def _too_early(artifact: Artifact) -> Iterator[Finding]:
    """Yield values of a type that are used in the transaction which adds them."""
    text = str(artifact.content)
    if "VALUE" not in text.upper():
        return
    name = artifact.path.rpartition("/")[2]
    is_told = _AT_ONCE.fullmatch(name) or _MARKS.search(text)
    is_one = bool(is_told) and not _NONE.search(text)
    plain = _APART.sub(_blank, text)
    for added in _VALUE.finditer(plain):
        begun = _is_begun(plain[: added.start()])
        if not is_one and not begun:
            continue
        # Each change of Liquibase, and each way of the others, is a transaction of its own.
        end = _COMMITS if begun else _NEXT
        until = found.start() if (found := end.search(text, added.end())) else len(text)
        is_new = re.search(rf"CREATE\s+TYPE\s+{re.escape(added[1])}\b", plain, re.IGNORECASE)
        rest = _VALUE.sub(_blank, plain[added.end() : until])
        used = re.search(rf"'{re.escape(added[2])}'", rest)
        if used and not is_new:
            line = plain.count("\n", 0, added.end() + used.start()) + 1
            what = f"uses '{added[2]}', which {added[1]} gets in the same transaction: PostgreSQL"
            yield Finding(f"{artifact.path}:{line}", f"{what} refuses it; use it in the next one")


def _is_begun(before: str) -> bool:
    """Tell whether a transaction that a file begins itself is still open at its end."""
    words = [one[0].strip() for one in _STATEMENT.finditer(before)]
    last = [one for one in words if _BEGINS.match(one) or _ENDS.match(one)]
    return bool(last) and _BEGINS.match(last[-1]) is not None


def _blank(found: re.Match[str]) -> str:
    """Leave out a part of a text, but for its lines."""
    return re.sub(r"[^\n]", " ", found[0])


GATE = Gate(
    id="SQL001",
    title="Migrations in SQL can be applied",
    phase="services",
    source="https://www.postgresql.org/docs/current/sql-createindex.html: an index is built beside "
    "running queries outside of a transaction only; two migrations of one version stop them all",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files of SQL", migrations),
    targets=(),
    reads="files of SQL below folders of migrations, and those that are named as Flyway's are; "
    "changesets of Liquibase in SQL, and values of types beside their uses. "
    "What a table holds is not known. Judges files without a plan only.",
)
