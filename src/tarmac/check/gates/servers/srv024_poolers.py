"""PgBouncer takes what its clients send."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import Configuration, written

_FILE = re.compile(r"(^|/)pgbouncer[\w.-]*\.ini$")
_IS_ONE = re.compile(r"^\[pgbouncer\]", re.MULTILINE)
_SETTING = re.compile(r"^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
#: Clients that send a parameter at the start which PgBouncer does not know, by image.
_CLIENTS = {
    r"(.*/)?pgbouncer[-_]exporter": ("extra_float_digits", "the exporter of PgBouncer"),
    r"(.*/)?postgres[-_]exporter": ("extra_float_digits", "the exporter of PostgreSQL"),
}
_ADDRESS = re.compile(r"\bpostgres(?:ql)?(?:\+\w+)?://[^\s\"']*@pgbouncer[\w.-]*[:/]")
_ASYNCPG = re.compile(r"\bpostgresql\+asyncpg://[^\s\"']*@[\w.-]*pgbouncer")
_NO_CACHE = re.compile(
    r"statement_cache_size[\"']?\s*[:=]\s*0|NullPool|prepared_statement_name_func"
)


class Pooler(NamedTuple):
    """A configuration of PgBouncer, and what it sets."""

    own: Configuration
    settings: dict[str, str]

    def at(self, name: str) -> str:
        """Return where a setting is, or the section."""
        asked = rf"^[ \t]*{name}[ \t]*=" if name in self.settings else r"^\[pgbouncer\]"
        found = re.search(asked, self.own.text, re.MULTILINE)
        start = found.start() if found else 0
        return self.own.where(self.own.text.count("\n", 0, start) + 1)


def check(files: Files) -> Iterator[Finding]:
    """Yield parameters and statements that PgBouncer refuses."""
    every = list(_poolers(files))
    sent = dict(_sent(files)) if every else {}
    cached = next(_cached(files), "") if every else ""
    for pooler in every if len(every) == 1 else ():
        ignored = re.split(r"[,\s]+", pooler.settings.get("ignore_startup_parameters", ""))
        for name, client in sent.items():
            if name not in ignored:
                what = f"{client} sends {name} when it connects, which PgBouncer refuses"
                said = f"{what}; write ignore_startup_parameters = {name}"
                yield Finding(pooler.at("ignore_startup_parameters"), said)
        mode = pooler.settings.get("pool_mode", "session")
        if cached and mode in ("transaction", "statement") and _is_off(pooler):
            what = f"pool_mode is {mode} without prepared statements, and {cached} calls it by"
            said = f"{what} asyncpg, which keeps those: they are found on other connections, or"
            advice = "twice; write max_prepared_statements = 200"
            where = pooler.at("max_prepared_statements")
            yield Finding(where, f"{said} {advice}", warning=True)


def _is_off(pooler: Pooler) -> bool:
    return pooler.settings.get("max_prepared_statements") == "0"


def _sent(files: Files) -> Iterator[tuple[str, str]]:
    """Yield what clients send at the start, by the images that run."""
    for service in compose_services(files):
        texts = " ".join([*service.environment.values(), *(t for _, t in places(service.data))])
        yield from _by(service.image or "", texts)
    for own in pods(files):
        for container in own.main_containers:
            values = " ".join(one.text for one in own.variables.of(container).values())
            yield from _by(container.image, f"{values} {' '.join(container.words)}")


def _by(image: str, texts: str) -> Iterator[tuple[str, str]]:
    name = image.partition("@")[0].partition(":")[0]
    for pattern, (sent, client) in _CLIENTS.items():
        if re.fullmatch(pattern, name) and _ADDRESS.search(texts):
            yield sent, client


def _cached(files: Files) -> Iterator[str]:
    """Yield what calls PgBouncer by asyncpg and keeps its statements."""
    for service in compose_services(files):
        for name, value in service.environment.items():
            if _ASYNCPG.search(value) and "cache_size=0" not in value:
                yield f"service {service.name} ({name})"
    for artifact in files.artifacts:
        text = artifact.content if artifact.path.endswith(".py") else None
        if isinstance(text, str) and _ASYNCPG.search(text) and not _NO_CACHE.search(text):
            yield artifact.path


@once
def _poolers(files: Files) -> Iterator[Pooler]:
    for own in written(files, lambda path: _FILE.search(path) is not None, _IS_ONE):
        yield Pooler(own, dict(_SETTING.findall(own.text)))


GATE = Gate(
    id="SRV024",
    title="PgBouncer takes what its clients send",
    phase="services",
    source="https://www.pgbouncer.org/config.html#ignore_startup_parameters and "
    "#max_prepared_statements: others than the known parameters are an error, and prepared "
    "statements are tracked only where the number is not 0",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of PgBouncer", _poolers),
    targets=(),
    reads="pgbouncer.ini and keys of ConfigMaps, beside exporters and addresses by asyncpg in "
    "Compose services and pods. Judges files without a plan only.",
)
