"""A location for a path gets what is below it, and no regular expression for endings does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import (
    Configuration,
    Directive,
    configurations,
    directives,
)

#: A regular expression for endings of names, and nothing before them.
_ENDINGS = re.compile(r"(?:\^?\.[*+]|\^\(?\.[*+]\)?)?\\\.\(?(?:\?:)?([\w|?+()]+)\)?\$")
#: What every page needs.
_PARTS = re.compile(r"(?<!\w)(css|js)(?!\w)")
#: Parts of a path below which pages with styles and scripts are, or these themselves.
_PAGES = re.compile(
    r"/(?:[\w-]+/)*(?:(?:wp-|django-)?admin\w*|static\w*|assets|media|uploads?|grafana|kibana|"
    r"prometheus|alertmanager|pgadmin\d?|adminer|phpmyadmin|portainer|jenkins|docs|swagger(?:-ui)?|"
    r"redoc|blog|shop|app|dashboard|console|flower|rabbitmq|minio|storybook|jupyter|airflow|"
    r"superset|metabase|keycloak|wiki|gitlab|gitea|cms|panel|portal|jaeger|traefik|argocd|"
    r"horizon|sidekiq|nextcloud|matomo|netdata|hub|lab|ui)/?"
)
_PASSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass")
#: What answers in another way than by a file of the location's own folder.
_OTHER = frozenset((*_PASSES, "return", "rewrite", "alias", "include", "if", "error_page"))


class PathLocation(NamedTuple):
    """A location for all below a path, and one for endings of names in the same server."""

    own: Configuration
    location: Directive
    endings: Directive
    #: The folder that the server has its files in; empty: it names none.
    root: str


def check(files: Files) -> Iterator[Finding]:
    """Yield locations whose styles and scripts are looked for in another folder."""
    for one in _judged(files):
        path = one.location.words[-1]
        said = {line.words[0]: line.words[-1] for line in one.location.body if line.words}
        passes = next((word for word in _PASSES if word in said), "")
        if passes and _PAGES.fullmatch(path):
            where = f"{passes} {said[passes]}"
        elif "alias" in said and one.root and not passes:
            if said["alias"].rstrip("/") == f"{one.root.rstrip('/')}/{path.strip('/')}":
                continue
            where = f"alias {said['alias']}"
        else:
            continue
        pattern = " ".join(one.endings.words[1:])
        what = f"{one.own.name}: the location {path} leads to {where}, and what matches {pattern}"
        why = "is taken by that location, as regular expressions win: styles and scripts below"
        advice = f"{path} are looked for on the disk, and are 404; write location ^~ {path}"
        yield Finding(one.own.where(one.location.line), f"{what} {why} {advice}", warning=True)


@once
def _judged(files: Files) -> Iterator[PathLocation]:
    for own in configurations(files):
        for server in _servers(directives(own.text)):
            inside = [one for one in server.body if one.words[:1] == ("location",)]
            endings = next(filter(_is_of_endings, inside), None)
            root = _said(server, "root")
            if endings is None:
                continue
            for one in inside:
                has_own = any(line.words[:1] == ("location",) for line in one.body)
                is_prefix = len(one.words) == 2 and one.words[1].startswith("/")
                if is_prefix and one.words[1] != "/" and not has_own:
                    yield PathLocation(own, one, endings, _said(endings, "root") or root)


def _servers(found: tuple[Directive, ...]) -> Iterator[Directive]:
    for one in found:
        if one.words[:1] == ("http",):
            yield from (block for block in one.body if block.words[:1] == ("server",))
        elif one.words[:1] == ("server",):
            yield one


def _is_of_endings(location: Directive) -> bool:
    """Tell whether a location takes styles and scripts of any path, and gives them as files."""
    if location.words[1:2] not in (("~",), ("~*",)) or len(location.words) != 3:
        return False
    found = _ENDINGS.fullmatch(location.words[2])
    said = {one.words[0] for one in location.body if one.words}
    return found is not None and bool(_PARTS.search(found[1])) and not said & _OTHER


def _said(block: Directive, name: str) -> str:
    found = (one.words[1] for one in block.body if one.words[:1] == (name,) and one.words[1:])
    return next(found, "")


GATE = Gate(
    id="SRV026",
    title="A location for a path of nginx gets the styles and scripts below it",
    phase="services",
    source="https://nginx.org/en/docs/http/ngx_http_core_module.html#location: a regular "
    "expression that matches is used in place of the longest prefix, unless that has ^~",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("locations beside one for endings", _judged),
    targets=(),
    reads="locations for a path beside one for endings with css or js, in one server of nginx: "
    "those of pages by their name that hand requests on, and those with an alias that is not "
    "below the root. Judges files without a plan only.",
)
