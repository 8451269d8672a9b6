"""nginx hands on the prefix that the program behind it has its routes below."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import (
    Configuration,
    Directive,
    configurations,
    directives,
)

_CUT = re.compile(r"https?://([a-z][\w-]*)(?::\d+)?/")
_METHODS = ("get", "post", "put", "patch", "delete", "route", "api_route", "websocket")
#: What says of an application that it is below a prefix, or adds routes from elsewhere.
_TOLD = re.compile(r"\broot_path\b|--root-path|StripPrefix|\.mount\(|DispatcherMiddleware")
Way = tuple[Configuration, Directive, str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield locations that cut off the prefix of all routes behind them."""
    ways = list(_ways(files))
    routes = _routes(files) if ways else {}
    for own, location, prefix, host in ways:
        found = routes.get(host, [])
        if found and all(one.startswith(f"{prefix}/") for one in found):
            what = f"{own.name}: the location {prefix}/ hands on without {prefix}, as proxy_pass"
            said = f"{what} ends in a slash, and all routes of {host} are below {prefix}: each is"
            advice = "answered with 404; remove the slash"
            yield Finding(own.where(location.line), f"{said} {advice}")


@once
def _ways(files: Files) -> Iterator[Way]:
    """Yield locations with a prefix that is cut off, and the host behind each."""
    for own in configurations(files):
        todo = [*directives(own.text)]
        while todo:
            block = todo.pop()
            todo += block.body
            if block.words[:1] != ("location",) or ("rewrite",) in [
                w.words[:1] for w in block.body
            ]:
                continue
            prefix = block.words[-1].rstrip("/")
            for one in block.body:
                found = _CUT.fullmatch(one.words[-1]) if one.words[:1] == ("proxy_pass",) else None
                if found and prefix and block.words[-1].endswith("/") and len(block.words) == 2:
                    yield own, block, prefix, found[1]


def _routes(files: Files) -> dict[str, list[str]]:
    """List the routes of each service that is built here and has them in one file of Python."""
    found: dict[str, list[str]] = {}
    programs = _programs(files)
    for service in compose_services(files):
        folder = posixpath.dirname(posixpath.normpath(service.dockerfile or ""))
        if service.dockerfile is None:
            continue
        own = programs.get(folder, [])
        text = "\n".join(str(one.content) for one in own) + str(service.data)
        if len(own) == 1 and not _TOLD.search(text):
            found[service.name] = list(_of(own[0]))
    return found


def _programs(files: Files) -> dict[str, list[Artifact]]:
    """List the files that make an application, by each folder above these."""
    found: dict[str, list[Artifact]] = {}
    for artifact in files.artifacts:
        text = artifact.content if artifact.path.endswith(".py") else None
        if isinstance(text, str) and ("FastAPI(" in text or "Flask(" in text):
            parts = artifact.path.split("/")[:-1]
            for number in range(len(parts) + 1):
                found.setdefault("/".join(parts[:number]), []).append(artifact)
    return found


def _of(artifact: Artifact) -> Iterator[str]:
    """Yield the paths of the routes of a program; one whose prefix is not known is "?"."""
    try:
        tree = ast.parse(str(artifact.content))
    except (SyntaxError, ValueError, RecursionError):
        return
    prefixes = {"app": ""}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            given = {one.arg: one.value for one in node.value.keywords}
            said = given.get("prefix") or given.get("url_prefix")
            text = str(said.value) if isinstance(said, ast.Constant) else "" if not said else "?"
            for target in node.targets:
                if isinstance(target, ast.Name):
                    prefixes[target.id] = text
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        is_included = node.func.attr in ("include_router", "register_blueprint")
        names = [one for one in node.args if isinstance(one, ast.Name)]
        if is_included and (node.keywords or not names or names[0].id not in prefixes):
            yield "?"
        if node.func.attr in _METHODS and node.args and isinstance(node.args[0], ast.Constant):
            holder = node.func.value
            above = prefixes.get(holder.id, "?") if isinstance(holder, ast.Name) else "?"
            yield above + str(node.args[0].value)


GATE = Gate(
    id="SRV025",
    title="nginx hands on the prefix that the program behind it has its routes below",
    phase="services",
    source="https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass: with a URI, the "
    "part of the request that matches the location is replaced by it",
    check=check,
    of_files=check,
    scope=counted_in_files("locations that cut off a prefix", _ways),
    targets=(),
    reads="locations whose proxy_pass ends in a slash, beside the routes of a Compose service that "
    "is built here: of FastAPI and Flask in one main.py, app.py or server.py, all of whose routes "
    "are known. Judges files without a plan only.",
)
