"""What is restarted alone is found again by the nginx before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import Directive, configurations, directives

_ALONE = re.compile(r"\bdocker[- ]compose\b[^;&|]*\bup\b[^;&|]*\s--no-deps\b([^;&|]*)")
#: What makes nginx ask for the name again.
_AGAIN = re.compile(
    r"\bnginx\b[^;&|]*\s-s\s+reload|\b(restart|kill|up|exec)\b[^;&|]*\b(nginx|proxy|gateway|web)\b"
)
_HOST = re.compile(r"https?://([a-z][\w-]*)(:\d+)?(/.*)?")
_NGINX = re.compile(r"([\w.-]+/)*(nginx|openresty|nginx-unprivileged)(:.*|@.*)?")


class Restart(NamedTuple):
    """A command that makes containers of some services new, and no others."""

    where: str
    names: tuple[str, ...]
    file: str


def check(files: Files) -> Iterator[Finding]:
    """Yield services that get another address, of which the nginx before them does not hear."""
    restarts = list(_restarts(files))
    if not restarts:
        return
    services = list(compose_services(files))
    names = {one.name for one in services}
    has_nginx = any(_NGINX.fullmatch(one.image or "") for one in services)
    passed = set(_passed(files)) if has_nginx else set()
    again = {one.where.partition(":")[0] for one in commands(files) if _AGAIN.search(one.text)}
    for restart in restarts:
        found = [one for one in restart.names if one in passed & names]
        if found and restart.file not in again:
            what = f"makes a new container of {found[0]} alone, and nginx before it keeps the"
            said = f"{what} address that it asked for at its start: it answers with 502; add"
            yield Finding(restart.where, f"{said} `nginx -s reload` there", warning=True)


@once
def _restarts(files: Files) -> Iterator[Restart]:
    for command in commands(files):
        found = _ALONE.search(command.text)
        path = command.where.partition(":")[0]
        if found is not None and not path.endswith(".md"):
            names = [one for one in found[1].split() if not one.startswith("-")]
            yield Restart(command.where, tuple(names), path)


def _passed(files: Files) -> Iterator[str]:
    """Yield the hosts that nginx asks for once, as their names are written without variables."""
    for own in configurations(files):
        todo = [*directives(own.text)]
        groups = _servers(todo)
        while todo:
            one = todo.pop()
            todo += one.body
            if one.words[:1] == ("proxy_pass",) and (found := _HOST.fullmatch(one.words[-1])):
                yield from groups.get(found[1], [found[1]])


def _servers(found: list[Directive]) -> dict[str, list[str]]:
    """List the hosts of each group of servers that are asked for once."""
    groups: dict[str, list[str]] = {}
    for block in [inner for one in found for inner in (one, *one.body)]:
        if block.words[:1] == ("upstream",):
            own = [one.words for one in block.body if one.words[:1] == ("server",)]
            once_only = [w[1].partition(":")[0] for w in own if w[1:] and "resolve" not in w]
            groups[block.words[-1]] = once_only
    return groups


GATE = Gate(
    id="SRV021",
    title="What is restarted alone is found again by the nginx before it",
    phase="services",
    source="https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass: a name without "
    "variables is resolved when the configuration is read; a new container has another address",
    check=check,
    of_files=check,
    scope=counted_in_files("services that are restarted alone", _restarts),
    targets=(),
    reads="`docker compose up --no-deps` in scripts and workflows, beside proxy_pass of nginx to "
    "that service. That Docker gives the same address again is possible, so all are warnings. "
    "Judges files without a plan only.",
)
