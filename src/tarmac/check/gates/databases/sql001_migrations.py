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


def check(files: Files) -> Iterator[Finding]:
    """Yield versions that are there twice, and statements that fail where they stand."""
    seen: dict[tuple[str, ...], str] = {}
    for artifact in migrations(files):
        folder, _, name = artifact.path.rpartition("/")
        for pattern, program in _VERSIONS:
            if found := pattern.fullmatch(name):
                key = (folder, *(part.lstrip("0") for part in found.groups()))
                other = seen.setdefault((program, *key), name)
                if other != name:
                    what = f"has the version {found[1]}, as {other} has: {program} refuses both"
                    yield Finding(artifact.path, f"{what}; give it the next one")
        yield from _statements(artifact)


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
    reads="files of SQL below folders of migrations, and those that are named as Flyway's are. "
    "What a table holds is not known. Judges files without a plan only.",
)
