"""What a migration takes away is still read: the pods of the version before run on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import metadata, name_of, title
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
#: What makes a query of the version before fail.
_TAKEN = re.compile(
    r"ALTER\s+TABLE\s+(?:ONLY\s+)?(?:IF\s+EXISTS\s+)?([\w.\"`]+)\s+"
    r"(DROP\s+COLUMN|RENAME\s+COLUMN|RENAME\s+TO)\s+(?:IF\s+EXISTS\s+)?([\w\"`]+)"
    r"|(DROP\s+TABLE)\s+(?:IF\s+EXISTS\s+)?([\w.\"`]+)",
    re.IGNORECASE,
)
#: A file, or the part of one, that takes a migration back.
_BACK = re.compile(
    r"(\.down\.sql|(^|/)(U\d|down|undo|rollback|revert)[^/]*\.sql)$"
    r"|(^|/)(downs?|undo|rollbacks?|reverts?)/",
    re.IGNORECASE,
)
#: Migrations of before, which are kept for a reader.
_KEPT = re.compile(r"(^|/)archived?/", re.IGNORECASE)
_DOWN = re.compile(
    r"^--\s*(\+goose Down|migrate:down|\+migrate Down|rollback|@UNDO)",
    re.IGNORECASE | re.MULTILINE,
)
_PROGRAM = re.compile(
    r"\b(flyway|alembic|liquibase|goose|dbmate|golang-migrate|migrate|prisma|knex|sequelize|atlas"
    r"|sqlx|diesel|typeorm|sqitch)\b"
)
_MIGRATES = re.compile(r"migrat", re.IGNORECASE)
_BEFORE = re.compile(r"PreSync|pre-(install|upgrade)|(^|,)\s*Sync\b")


class Migration(NamedTuple):
    """A text of SQL, in a file of its own or in a ConfigMap."""

    folder: str
    name: str
    text: str
    path: str
    #: The lines above it in its file.
    above: int = 0


def check(files: Files) -> Iterator[Finding]:
    """Yield what the newest migration of each folder takes from pods that still run."""
    running = _updated(files)
    if not running:
        return
    newest: dict[str, Migration] = {}
    for one in _migrations(files):
        other = newest.get(one.folder)
        if other is None or _order(one) > _order(other):
            newest[one.folder] = one
    own = running[0]
    for one in newest.values():
        text = one.text
        end = found.start() if (found := _DOWN.search(text)) else len(text)
        plain = _COMMENT.sub(lambda one: re.sub(r"[^\n]", " ", one[0]), text[:end])
        for taken in _TAKEN.finditer(plain):
            told = re.sub(r"\s+", " ", taken[2] or taken[4]).lower()
            name = taken[3] or taken[5]
            again = rf"CREATE\s+TABLE[^;]*{re.escape(name)}"
            if taken[4] and re.search(again, plain, re.IGNORECASE):
                continue
            line = one.above + plain.count("\n", 0, taken.start()) + 1
            what = f"{told} {name} runs before the new pods of {title(own.artifact)}, and the old"
            advice = "ones still read it; do so one version after the last that reads it"
            yield Finding(f"{one.path}:{line}", f"{what} {advice}", warning=True)


def _migrations(files: Files) -> Iterator[Migration]:
    for artifact in files.artifacts:
        is_run = not _BACK.search(artifact.path) and not _KEPT.search(artifact.path)
        if artifact.path.lower().endswith(".sql") and is_run:
            folder, _, name = artifact.path.rpartition("/")
            yield Migration(folder, name, str(artifact.content), artifact.path)
    for artifact in files.objects("ConfigMap"):
        yield from _held(artifact) if _MIGRATES.search(name_of(artifact)) else ()


def _held(artifact: Artifact) -> Iterator[Migration]:
    """Yield the migrations that a ConfigMap has, which are mounted into what applies them."""
    for key, text in fields(artifact.data, "data").items():
        path, _, line = artifact.at("data", key).rpartition(":")
        if str(key).endswith(".sql") and not _BACK.search(str(key)) and line.isdecimal():
            yield Migration(title(artifact), str(key), str(text), path, int(line))


def _order(one: Migration) -> tuple[list[int], str]:
    """Sort as programs for migrations do: by the numbers that a name begins with."""
    return [int(number) for number in re.findall(r"\d+", one.name)][:3], one.name


def _updated(files: Files) -> list[Pods]:
    """List the pods that run beside their next version, and whose migrations run before it."""
    before = [own for own in pods(files, "Job") if _is_before(own)]
    images = {untagged(container.image) for own in before for container in own.containers}
    found = []
    for own in pods(files, "Deployment"):
        is_apart = string(own.artifact.data, "spec", "strategy", "type") == "Recreate"
        mine = {untagged(container.image) for container in own.main_containers}
        begins = any(_PROGRAM.search(" ".join(one.words)) for one in own.init_containers)
        if not is_apart and (mine & images or begins):
            found.append(own)
    return found


def _is_before(own: Pods) -> bool:
    noted = metadata(own.artifact).annotations
    hooks = ",".join(str(value) for key, value in noted.items() if str(key).endswith("/hook"))
    told = " ".join(word for one in own.containers for word in one.words)
    is_migration = _PROGRAM.search(told) or "migrat" in own.name
    return bool(is_migration) and _BEFORE.search(hooks) is not None


def _judged(files: Files) -> list[Migration]:
    return list(_migrations(files)) if _updated(files) else []


GATE = Gate(
    id="SQL002",
    title="A migration leaves what running pods read",
    phase="services",
    source="https://martinfowler.com/bliki/ParallelChange.html: while a version comes, the one "
    "before it runs as well, so what it reads is taken away one version later",
    check=check,
    of_files=check,
    scope=counted_in_files("migrations", _judged),
    targets=(),
    reads="the newest migration in SQL of each folder and ConfigMap, where a hook or an init "
    "container applies it before the pods of the same image. What a version "
    "reads is not known. Judges files without a plan only.",
)
