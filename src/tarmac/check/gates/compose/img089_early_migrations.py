"""What cannot do without a store waits until that answers, and its check asks as a user does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base import written
from tarmac.base.foreign.reading import dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: Commands that end with an error where their database does not answer.
_MIGRATES = re.compile(
    r"manage\.py\s+migrate|\balembic\s+(\S+\s+)*upgrade|\bflask\s+db\s+upgrade|prisma\s+(migrate|db\s+push)"
    r"|\bdb:(migrate|prepare|setup|create)\b|\bsequelize\S*\s+db:migrate|\btypeorm\S*\s+migration:run"
    r"|\bknex\s+migrate|artisan\s+migrate|\bflyway\b.*\bmigrate|\bliquibase\b.*\bupdate|\bgoose\b.*\bup\b"
)
#: A service whose name says that it prepares a database, and a command that does nothing else.
_PREPARES = re.compile(
    r"(?:^|[-_])(?:migrat(?:e|ions?|or)|(?:db|database|schema)[-_]?(?:init|setup))$"
)
_ONLY = re.compile(r"(?:^|\s|/)migrat(?:e|ions?)(?:\.\w+)?(?:\s+(?:up|deploy|run|latest|all))?\s*$")
_ONCE = ("no", "False", "on-failure")
#: What waits by itself.
_WAITS = re.compile(
    r"wait[-_]?for|wait[-_]?until|dockerize|pg_isready|\bnc\b|until |while |sleep |mysqladmin"
    r"|/dev/tcp"
)
_DATABASES = re.compile(r"(postgres|mysql|mariadb|postgis/postgis|timescale/timescaledb|percona)")
_PASSWORD = re.compile(r"--requirepass\s+(?!\"\"|''|$)\S+")
_AUTH = re.compile(r"REDISCLI_AUTH|(^|\s)(-a|--pass|--user)\b|NOAUTH|VALKEYCLI_AUTH")
#: Where databases have what they begin with.
_SCRIPTS = "/docker-entrypoint-initdb.d"
_PERIOD = re.compile(r"\d+(ms|s|m|h)")
#: Within so many seconds an empty volume is filled where there is little to do.
_SOON_S = 5
_PING = re.compile(r"\b(redis|valkey)-cli\b.*\bping\b", re.IGNORECASE)


def check(files: Files) -> Iterator[Finding]:
    """Yield services that ask a database too early, and checks that pass in any case."""
    for beside in compose_files(files):
        for service in beside.services:
            others = {one.name: one for one in beside.services}
            yield from _early(service, others)
            yield from _beside(service, others)
            yield from _unasked(service)
            yield from _in_advance(service, beside)


def _early(service: ComposeService, others: dict[str, ComposeService]) -> Iterator[Finding]:
    line = _line(service)
    restart = str(dig(service.data, "restart") or "no")
    found = _MIGRATES.search(line) or (_ONLY.search(line) if _prepares(service) else None)
    if found is None or _WAITS.search(line) or restart not in ("no", "False"):
        return
    for name, how in service.waited_for.items():
        other = others.get(str(name))
        is_started = fields(how).get("condition") == "service_started"
        if other is not None and is_started and _DATABASES.fullmatch(official(other)):
            does = found[0].strip()
            what = f"service {service.name} runs `{does}` at once, and waits for the start of"
            said = f"{what} {name} alone, which then does not answer yet: it ends with an error"
            advice = "write condition: service_healthy"
            if not dig(other.data, "healthcheck"):
                advice += f", and a healthcheck of {name}"
            yield Finding(service.at("depends_on"), f"{said}; {advice}", warning=True)


def _beside(service: ComposeService, others: dict[str, ComposeService]) -> Iterator[Finding]:
    """Yield services that wait for the start of what prepares their database, not for its end."""
    line = _line(service)
    if _MIGRATES.search(line) or _WAITS.search(line):
        return
    for name, how in service.waited_for.items():
        other = others.get(str(name))
        is_started = fields(how).get("condition") in (None, "service_started")
        if other is not None and is_started and _prepares(other) and not _prepares(service):
            what = f"service {service.name} waits for the start of {name}, and not for its end, so"
            said = f"{what} it may ask for tables that are not there yet; write condition:"
            yield Finding(
                service.at("depends_on"), f"{said} service_completed_successfully", warning=True
            )


def _prepares(service: ComposeService) -> bool:
    """Tell whether a service brings a database into its form, and ends."""
    line, restart = _line(service), str(dig(service.data, "restart") or "no")
    is_named = _PREPARES.search(service.name) is not None
    does = (_MIGRATES.search(line) is not None and is_named) or _ONLY.search(line) is not None
    is_served = any(key in fields(service.data) for key in ("ports", "expose", "healthcheck"))
    ends = restart.partition(":")[0] in _ONCE and not is_served
    return ends and "watch" not in line and (does or (is_named and not line))


def _unasked(service: ComposeService) -> Iterator[Finding]:
    """Yield a check of Redis that asks without the password, which ends with 0 all the same."""
    test = dig(service.data, "healthcheck", "test")
    asked = " ".join(map(str, test)) if isinstance(test, list) else str(test or "")
    line = _line(service)
    if official(service) not in ("redis", "valkey/valkey") or not _PASSWORD.search(line):
        return
    has_own = any("AUTH" in name for name in service.variables)
    if _PING.search(asked) and not _AUTH.search(asked) and not has_own:
        what = f"service {service.name} wants a password, and its check asks without one: redis-cli"
        so = "no PONG, so the check never passes; set REDISCLI_AUTH"
        if "PONG" not in asked:
            so = "ends with 0, so the check proves nothing; set REDISCLI_AUTH, and ask for PONG"
        where = service.at("healthcheck", "test")
        yield Finding(where, f"{what} prints NOAUTH and {so}", warning=True)


def _in_advance(service: ComposeService, beside: ComposeFiles) -> Iterator[Finding]:
    """Yield checks that a server passes which fills the volume and that no other host reaches."""
    known = _first_start(service)
    if known is None or not any(path.startswith(_SCRIPTS) for path in service.mounted):
        return
    test = dig(service.data, "healthcheck", "test")
    asked = " ".join(map(str, test)) if isinstance(test, list) else str(test or "")
    told = f"{asked} {' '.join(service.variables)}"
    if not re.search(known["asks"], asked) or re.search(known["elsewhere"], told):
        return
    for other in beside.services:
        condition = fields(other.waited_for.get(service.name)).get("condition")
        restart = str(dig(other.data, "restart") or "no")
        if condition == "service_healthy" and restart in ("no", "False") and _is_soon(service):
            what = f"service {service.name} is checked through its socket, at which the server"
            said = f"{what} that first runs {_SCRIPTS} answers, too: {other.name} may start"
            advice = (
                f"before other hosts are answered, and fails on an empty volume; {known['advice']}"
            )
            where = service.at("healthcheck", "test")
            yield Finding(where, f"{said} {advice}", warning=True)
            return


def _first_start(service: ComposeService) -> Mapping[str, Any] | None:
    name = untagged(service.image or "")
    images = published("first_starts")["images"]
    return next((one for one in images if re.fullmatch(one["image"], name)), None)


def _is_soon(service: ComposeService) -> bool:
    """Tell whether a check is made while a volume is filled."""
    checked = fields(dig(service.data, "healthcheck"))
    given = str(checked.get("start_interval") or checked.get("interval") or "30s")
    return bool(_PERIOD.fullmatch(given)) and written.seconds(given) <= _SOON_S


def _line(service: ComposeService) -> str:
    return " ".join([*words(service, "entrypoint"), *words(service)])


def _judged(files: Files) -> Iterator[object]:
    for beside in compose_files(files):
        for service in beside.services:
            line = _line(service)
            is_first = _first_start(service) and dig(service.data, "healthcheck")
            is_first = is_first or _prepares(service)
            if is_first or _MIGRATES.search(line) or _PASSWORD.search(line):
                yield service


GATE = Gate(
    id="IMG089",
    title="What cannot do without a store waits until it answers",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/startup-order: Compose waits until a container "
    "runs, and not until it is ready, unless it is told to",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services that migrate, and stores with a password or a check", _judged),
    targets=("compose",),
    reads="commands and names of what migrates, depends_on and restart of services; the "
    "healthchecks of Redis beside --requirepass, and of databases beside the scripts that they "
    "begin with. All are warnings.",
)
