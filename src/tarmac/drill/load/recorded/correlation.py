"""Tells what of a recorded request is another in each run, and where it comes from.

What an earlier response gave (a token, an id) is taken from there again. What the journey generated
itself (a key, an email address) is generated again, alike in shape. Everything else stays as it is.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tarmac.drill.load.recorded.exchange import Exchange, Recording
from tarmac.drill.load.recorded.json_leaves import Path, leaves

#: What a response may give: UUIDs, JSON Web Tokens and other long words.
_WORD = re.compile(r"[\w-]{20,}(?:\.[\w-]{8,})*", re.ASCII)
#: What a program generates: UUIDs and hex digits.
_GENERATED = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9A-Za-z])[0-9a-f]{10,}(?![0-9A-Za-z])",
    re.ASCII,
)
#: Keys whose values name a thing; short ones, too, are taken from the response then.
_NAMES = re.compile(r"(?:^|_)(?:id|key|token|number|code|sku)$|(?<=[a-z])(?:Id|Key|Token)$")
#: Before a variable in a body that goes there without quotes.
NUMBER = "number:"
_NUMBER = re.compile(rf'"{NUMBER}\$\{{(\w+)\}}"')
_SEGMENT = re.compile(r"[^/?&=]+")


@dataclass
class _RunValues:
    """What a run knows at some request."""

    #: Value -> the request that gave it (a dict of the script), and where in its response.
    given: dict[str, tuple[dict[str, Any], Path]] = field(default_factory=dict)
    #: Those of `given` by keys that name a thing.
    names: set[str] = field(default_factory=set)
    #: Value -> variable.
    variables: dict[str, str] = field(default_factory=dict)

    def copy(self) -> _RunValues:
        return _RunValues(dict(self.given), set(self.names), dict(self.variables))


class _Script:
    """Turns exchanges into requests with variables."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def requests(self, exchanges: Iterable[Exchange], known: _RunValues) -> list[dict[str, Any]]:
        made = []
        for exchange in exchanges:
            fresh: dict[str, str] = {}
            request: dict[str, Any] = {"service": exchange.service, "method": exchange.method}
            request["path"] = self._of_path(exchange.path, known, fresh)
            request["headers"] = {
                name: self._of_text(value, known, fresh) for name, value in exchange.headers.items()
            }
            request["body"] = self._of_body(exchange.body, known, fresh)
            request |= {"status": exchange.status, "fresh": fresh, "save": {}}
            for path, value in leaves(exchange.answer):
                known.given[str(value)] = request, path
                if path and _NAMES.search(str(path[-1])):
                    known.names.add(str(value))
            made.append(request)
        return made

    def _of_text(self, text: str, known: _RunValues, fresh: dict[str, str]) -> str:
        given = _WORD.sub(lambda word: self._variable(word.group(), known) or word.group(), text)
        return _GENERATED.sub(lambda found: self._generated(found.group(), known, fresh), given)

    def _of_path(self, path: str, known: _RunValues, fresh: dict[str, str]) -> str:
        def put(match: re.Match[str]) -> str:
            value = urllib.parse.unquote(match.group())
            named = self._variable(value, known) if value in known.names else None
            return named or self._of_text(match.group(), known, fresh)

        return _SEGMENT.sub(put, path)

    def _of_body(self, body: str, known: _RunValues, fresh: dict[str, str]) -> str:
        try:
            document = json.loads(body)
        except ValueError:
            return self._of_text(body, known, fresh)
        text = json.dumps(self._of_value(document, "", known, fresh))
        return _NUMBER.sub(r"${\1}", text)

    def _of_value(self, value: Any, key: str, known: _RunValues, fresh: dict[str, str]) -> Any:
        if isinstance(value, dict):
            return {k: self._of_value(item, k, known, fresh) for k, item in value.items()}
        if isinstance(value, list):
            return [self._of_value(item, key, known, fresh) for item in value]
        if isinstance(value, bool) or not isinstance(value, str | int):
            return value
        if _NAMES.search(key) and str(value) in known.names:
            named = self._variable(str(value), known)
            return named if isinstance(value, str) else f"{NUMBER}{named}"
        return self._of_text(value, known, fresh) if isinstance(value, str) else value

    def _generated(self, value: str, known: _RunValues, fresh: dict[str, str]) -> str:
        if (variable := self._variable(value, known)) is None:
            known.variables[value] = name = self._name("fresh")
            fresh[name] = value
            return f"${{{name}}}"
        return variable

    def _variable(self, value: str, known: _RunValues) -> str | None:
        """Write the variable that has a value; None where no response gave it."""
        if value not in known.variables:
            if value not in known.given:
                return None
            request, path = known.given[value]
            saved = {tuple(place): name for name, place in request["save"].items()}
            if (name := saved.get(path)) is None:
                keys = [key for key in path if isinstance(key, str)]
                name = self._name(keys[-1] if keys else "value")
                request["save"][name] = list(path)
            known.variables[value] = name
        return f"${{{known.variables[value]}}}"

    def _name(self, stem: str) -> str:
        stem = re.sub(r"\W", "_", stem)
        self._numbers[stem] = self._numbers.get(stem, 0) + 1
        return f"{stem}_{self._numbers[stem]}"


def script(recording: Recording) -> dict[str, Any]:
    """Write a recording as data: `urls`, and the requests `before` and of some `visits`.

    A request has `${NAME}` where a variable goes. `save` says which variables its response gives,
    by their places in it; `fresh`, which are generated for it, each with a sample.
    """
    writer, known = _Script(), _RunValues()
    before = writer.requests(recording.before, known)
    # What one visit gave, another does not know.
    visits = [writer.requests(visit, known.copy()) for visit in recording.visits]
    urls = {request["service"] for part in (before, *visits) for request in part}
    return {
        "urls": {service: recording.urls[service] for service in sorted(urls)},
        "before": before,
        "visits": visits,
    }
