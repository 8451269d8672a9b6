"""The API page: the merged document as one HTML page without a script or a foreign address.

Called by endpoints.py. Pure: a document in, a page out. Every text that a backend supplies is
escaped here, and the page's policy allows its one style sheet by hash and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Any

from tarmac_gateway.examples import example, limits, resolve, type_name
from tarmac_gateway.openapi import OPERATIONS, Document

STYLE = (files("tarmac_gateway") / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none';style-src 'sha256-{_STYLE_HASH}';img-src data:;"
    "base-uri 'none';form-action 'none';frame-ancestors 'none'"
)

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='8' fill='%23334155'/%3E"
    "%3Cpath d='M15 5h2v5h-2zM15 13.500h2v5h-2zM15 22h2v5h-2z' fill='%23fbbf24'/%3E%3C/svg%3E"
)
_LOCK = (
    '<svg class="lock" viewBox="0 0 16 16" role="img" aria-label="needs a token">'
    '<path d="M4.500 7V5a3.500 3.500 0 0 1 7 0v2h.5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8'
    'a1 1 0 0 1 1-1zm1.500 0h4V5a2 2 0 1 0-4 0z"/></svg>'
)

#: Another one each time in any shell: uuidgen is not installed everywhere, nor has every `date` a
#: %N, nor every shell a RANDOM.
_NEW_VALUE = "$(date +%s%N)$RANDOM"
#: Headers that a call is shown with also where the schema calls them optional.
_ALWAYS_SENT = frozenset({"idempotency-key"})


def render(document: Document) -> str:
    """Render the page of a document that `openapi.merge` made."""
    title = escape(document["info"]["title"])
    base = str(document["servers"][0]["url"])
    groups = _groups(document)
    navigation = "".join(
        f'<a class="group" href="#{_anchor(prefix)}">{escape(_name(prefix))}</a>'
        + "".join(
            f'<a href="#{_anchor(path, method)}"><b class="{method}">{method}</b>'
            f"<span>{escape(path.removeprefix(prefix) or '/')}</span></a>"
            for path, method, _ in operations
        )
        for prefix, operations in groups.items()
    )
    sections = "".join(
        _section(prefix, operations, document, base) for prefix, operations in groups.items()
    )
    if not groups:
        sections = (
            '<section class="empty"><h2>No service is answering yet</h2><p>The routes appear here '
            "as soon as the services behind this gateway answer. Reload in a moment.</p></section>"
        )
    count = sum(len(operations) for operations in groups.values())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="icon" href="{_ICON}"><style>{STYLE}</style></head><body>'
        f'<header><div class="bar"><a class="brand" href="/docs"><i></i>{title}</a>'
        '<nav><a href="#start">Start</a><a href="/openapi.json">openapi.json</a>'
        '<a href="/health">health</a></nav></div></header>'
        f'<div class="frame"><aside>{navigation}</aside><main>'
        f'<section class="hero" id="start"><h1>{title}</h1>'
        f'<p class="lead">{count} operations behind one address.</p>'
        f'<p class="base"><span>Base URL</span><code>{escape(base)}</code></p>'
        f"{_services(document)}{_start(document, base)}</section>{sections}"
        "<footer>Errors are <code>application/problem+json</code> with a stable <code>code</code> "
        "and a <code>trace_id</code>. Every answer carries <code>X-Request-Id</code>.</footer>"
        "</main></div></body></html>"
    )


Operation = tuple[str, str, dict[str, Any]]


def _groups(document: Document) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for path, item in document["paths"].items():
        for method in OPERATIONS:
            if method in item:
                groups.setdefault(item["x-route"], []).append((path, method, item[method]))
    return groups


def _services(document: Document) -> str:
    rows = "".join(
        f'<li class="{"up" if service["answering"] else "down"}"><i></i>{escape(service["name"])}'
        f"<span>{'answering' if service['answering'] else 'not answering now'}</span></li>"
        for service in document["x-services"]
    )
    return f'<ul class="services">{rows}</ul>'


def _start(document: Document, base: str) -> str:
    """Show how to come to a token, where the routes lead to a login."""
    posts = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    login = next((path for path in posts if path.endswith("/login")), None)
    if login is None:
        return ""
    register = f"{login.removesuffix('/login')}/register"
    first = ""
    if register in posts:
        lines = _curl("post", register, posts[register], document, base)
        first = f"<p>Make an account:</p>{_code(lines)}"
    lines = _curl("post", login, posts[login], document, base).replace("curl ", "curl -s ", 1)
    kept = f'TOKEN=$({lines} \\\n  | sed \'s/.*"access_token":"\\([^"]*\\)".*/\\1/\')'
    return (
        '<div class="card"><h2>Get a token</h2><p>Operations with a lock want '
        f"<code>Authorization: Bearer …</code>.</p>{first}"
        f"<p>Log in and keep the token for the calls below:</p>{_code(kept)}</div>"
    )


def _section(prefix: str, operations: list[Operation], document: Document, base: str) -> str:
    service = document["paths"][operations[0][0]]["x-service"]
    answering = {entry["name"]: entry["answering"] for entry in document["x-services"]}
    note = (
        ""
        if answering.get(service)
        else '<p class="warning">This service is not answering now. '
        "What is shown is what it said last.</p>"
    )
    cards = "".join(_operation(item, document, base) for item in operations)
    return (
        f'<section id="{_anchor(prefix)}"><h2>{escape(_name(prefix))} '
        f"<small><code>{escape(prefix)}</code> {escape(service)}</small></h2>"
        f"{note}{cards}</section>"
    )


def _operation(operation: Operation, document: Document, base: str) -> str:
    path, method, spec = operation
    locked = bool(spec.get("security"))
    summary = escape(str(spec.get("summary", "")))
    shown = "".join(
        f"<em>{escape(part)}</em>" if part.startswith("{") else escape(part)
        for part in _parts(path)
    )
    description = str(spec.get("description", ""))
    about = "".join(f"<p>{escape(text)}</p>" for text in description.split("\n\n") if text.strip())
    return (
        # The anchor is inside: browsers open a closed block to show what a link leads to.
        f'<details><summary><b class="{method}">{method}</b>'
        f"<code>{shown}</code>{_LOCK if locked else ''}<span>{summary}</span></summary>"
        f'<div class="body" id="{_anchor(path, method)}">{about}'
        f"{_parameters(spec, document)}{_body(spec, document)}"
        f"<h3>Try it</h3>{_code(_curl(method, path, spec, document, base))}"
        f"{_responses(spec)}</div></details>"
    )


def _parts(path: str) -> Iterator[str]:
    rest = path
    while rest:
        before, brace, after = rest.partition("{")
        if before:
            yield before
        name, _, rest = after.partition("}")
        if brace:
            yield "{" + name + "}"


def _parameters(spec: dict[str, Any], document: Document) -> str:
    rows = "".join(
        _row(
            str(found["name"]),
            f"{found.get('in', '')}, {type_name(schema, document)}",
            required=bool(found.get("required")),
            about=str(found.get("description") or schema.get("description", "")),
            limit=limits(schema),
        )
        for found in _resolved(spec, document)
        for schema in (found.get("schema") or {},)
    )
    return f"<h3>Parameters</h3><table>{rows}</table>" if rows else ""


def _resolved(spec: dict[str, Any], document: Document) -> list[dict[str, Any]]:
    found = [resolve(parameter, document) for parameter in spec.get("parameters", ())]
    return [entry for entry in found if str(entry.get("name", "")).lower() != "authorization"]


def _row(name: str, kind: str, *, required: bool, about: str, limit: str) -> str:
    mark = "<sup>required</sup>" if required else ""
    said = " ".join(filter(None, (escape(about), f"<i>{escape(limit)}</i>" if limit else "")))
    return (
        f"<tr><th><code>{escape(name)}</code>{mark}</th><td>{escape(kind)}</td><td>{said}</td></tr>"
    )


def _body(spec: dict[str, Any], document: Document) -> str:
    schema = _json_schema(spec)
    if schema is None:
        return ""
    found = resolve(schema, document)
    rows = "".join(
        _row(
            name,
            type_name(value, document),
            required=name in found.get("required", ()),
            about=str(value.get("description", "")),
            limit=limits(value),
        )
        for name, value in found.get("properties", {}).items()
    )
    shown = json.dumps(example(schema, document), indent=2, ensure_ascii=False)
    table = f"<table>{rows}</table>" if rows else ""
    return f"<h3>Body <small>application/json</small></h3>{table}{_code(shown)}"


def _json_schema(spec: dict[str, Any]) -> Any:
    content = spec.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("schema")


def _responses(spec: dict[str, Any]) -> str:
    rows = "".join(
        f'<li class="s{escape(str(status))[:1]}"><code>{escape(str(status))}</code> '
        f"{escape(str(answer.get('description', '')))}</li>"
        for status, answer in spec.get("responses", {}).items()
    )
    return f'<h3>Answers</h3><ul class="answers">{rows}</ul>'


def _curl(method: str, path: str, spec: dict[str, Any], document: Document, base: str) -> str:
    url = "".join(
        "$" + part.strip("{}").upper().replace("-", "_") if part.startswith("{") else part
        for part in _parts(path)
    )
    verb = "" if method == "get" else f"-X {method.upper()} "
    words = [f'curl {verb}"{base}{url}"']
    if spec.get("security"):
        words.append('-H "Authorization: Bearer $TOKEN"')
    words += [
        f'-H "{found["name"]}: {_NEW_VALUE}"'
        for found in _resolved(spec, document)
        if found.get("in") == "header"
        and (found.get("required") or str(found["name"]).lower() in _ALWAYS_SENT)
    ]
    schema = _json_schema(spec)
    if schema is not None:
        words.append("-H 'Content-Type: application/json'")
        words.append("-d " + shlex.quote(json.dumps(example(schema, document), ensure_ascii=False)))
    return " \\\n  ".join(words)


def _code(text: str) -> str:
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def _name(prefix: str) -> str:
    return prefix.rpartition("/")[2].replace("-", " ").capitalize()


def _anchor(path: str, method: str = "") -> str:
    plain = "".join(char if char.isalnum() else "-" for char in path).strip("-")
    return escape(f"{method}-{plain}" if method else plain)
