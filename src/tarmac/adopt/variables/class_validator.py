"""Variables that a class of settings in TypeScript insists on: fields with class-validator's marks.

`code` asks. The class is told from one of a request by its fields, which are called as variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables.variable_read import VariableRead, line_of

_ENDINGS = (".ts", ".mts", ".cts")
_CLASS = re.compile(r"\bclass[ \t]+\w+(?:[ \t]+extends[ \t]+\w+)?[ \t]*\{")
#: Parentheses within parentheses, twice at most: `@Transform(({ value }) => value === "true")`.
_INNER = r"[^()]{0,200}(?:\((?:[^()]{0,200}(?:\([^()]{0,200}\))?){0,4}\)[^()]{0,200}){0,4}"
_MARKS = rf"(?:@\w+\({_INNER}\)\s*(?://[^\n]*\s*)?){{1,12}}"
_FIELD = re.compile(
    rf"(?P<marks>{_MARKS})(?:public[ \t]+|readonly[ \t]+)*(?P<name>\w+)(?P<may>[?!]?)[ \t]*:[ \t]*"
    r"(?P<kind>[\w.\[\]|<> ]{1,60}?)[ \t]*(?:=[ \t]*(?P<value>[^;\n]{1,200}))?;"
)
_MAY_LACK = re.compile(r"@IsOptional\(|@ValidateIf\(|\brequired:\s*false|@Allow\(")
_OF_TEXT = re.compile(r"@\w*String\w*\(")
_OF_ADDRESS = re.compile(r"@\w*Ur[li]\w*\(")
_KINDS = {"number": "int", "boolean": "bool", "string": "str"}
#: The most text that is read of a class.
_LONGEST = 20_000


def insisted(folder: Folder, known: Mapping[str, VariableRead]) -> dict[str, VariableRead]:
    """List the variables that such classes name, over what the code says of them elsewhere.

    It ends without one that its class insists on, whatever it does with the value.
    """
    found: dict[str, VariableRead] = {}
    for file in folder.sources(*_ENDINGS):
        content = folder.read(file)
        for read in _fields(file, content):
            before = known.get(read.name)
            if before is None:
                found.setdefault(read.name, read)
            elif read.default is None:
                found[read.name] = replace(
                    before, default=None, kind=read.kind, is_checked=True, is_tested=False
                )
            elif before.default is None:
                found[read.name] = replace(before, default=read.default)
    return found


def _fields(file: str, content: str) -> Iterator[VariableRead]:
    for match in _CLASS.finditer(content):
        end = content.find("\n}", match.end())
        end = min(end if end > 0 else len(content), match.end() + _LONGEST)
        fields = [*_FIELD.finditer(content, match.end(), end)]
        if not fields or not all(re.fullmatch(r"[A-Z][A-Z0-9_]+", f["name"]) for f in fields):
            continue  # what a request holds, or an entity
        for field in fields:
            may_lack = field["may"] == "?" or _MAY_LACK.search(field["marks"])
            value = (field["value"] or "").strip("'\"` ")
            default = value if field["value"] else "" if may_lack else None
            kind = _KINDS.get(field["kind"].strip(), field["kind"].strip())
            kind = "str" if _OF_TEXT.search(field["marks"]) else kind
            kind = "HttpUrl" if kind == "str" and _OF_ADDRESS.search(field["marks"]) else kind
            place = f"{file}:{line_of(content, field.start('name'))}"
            is_wanted = default is None
            yield VariableRead(
                field["name"], default, place, is_checked=is_wanted, kind=kind * is_wanted
            )
