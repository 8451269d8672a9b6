"""Variables that the tags of Go's structs name: cleanenv, caarlos0/env and envconfig; viper's too.

`settings_libraries` asks, file by file. A struct that another one has under a prefix is read once
for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.adopt.variables.variable_read import VariableRead, line_of

#: A field's tags: `env:"PG_URL,required" env-default:"x"`.
_TAG = re.compile(r"`[^`\n]*\b(?:env|envconfig):\"([A-Za-z][A-Za-z0-9_]+)([^\"\n]*)\"[^`\n]*`")
#: Types of such fields, as this package calls them.
_OF_GO = {
    **dict.fromkeys(("int", "int8", "int16", "int32", "int64", "uint", "uint16", "uint32"), "int"),
    "string": "str",
    "bool": "bool",
    "float64": "float",
    "time.Duration": "duration",
}
_TAG_DEFAULT = re.compile(r"\b(?:env-default|envDefault|default):\"([^\"\n]*)\"")
_MAPPED = re.compile(r"mapstructure:\"([A-Z][A-Z0-9_]+)\"")
#: What begins a struct or another block, or ends it; with texts and remarks, which may have braces.
_BRACES = re.compile(
    r"//[^\n]*|`[^`]*`|\"[^\"\n]*\"|\btype[ \t]+(\w+)[ \t]+struct[ \t]*\{|(\bstruct[ \t]*)?([{}])"
)
#: A field that is a struct, whose variables begin with what its tag says.
_PREFIXED = re.compile(
    r"(?:(\w+)|(\}))[ \t]+`[^`\n]*\b(?:envPrefix|env-prefix):\"([A-Za-z]\w*)\"[^`\n]*`"
)
#: Structs in structs, at most.
DEEPEST = 4


def variables(file: str, content: str) -> Iterator[VariableRead]:
    """Read the tags of Go's fields."""
    structs = _structs(content) if _PREFIXED.search(content) else []
    begins = _prefixes(content, structs)
    for match in _TAG.finditer(content):
        given = _TAG_DEFAULT.search(match[0])
        # Where it also stands in a file of settings, that gives it.
        is_in_a_file = "yaml:" in match[0] or "json:" in match[0]
        required = not is_in_a_file and bool(re.search("required|notEmpty", match[0]))
        default = given[1] if given else None if required else ""
        place = f"{file}:{line_of(content, match.start())}"
        said = content[content.rfind("\n", 0, match.start()) + 1 : match.start()].split()
        kind = _OF_GO.get(said[-1], "") if said and not default else ""
        for prefix in begins.get(_struct_at(structs, match.start()), ("",)):
            name = f"{prefix}{match[1]}"
            yield VariableRead(name, default, place, is_checked=required, kind=kind)


def mapped(file: str, content: str) -> Iterator[VariableRead]:
    """Read the tags of viper, which reads a file and lets variables override it."""
    for match in _MAPPED.finditer(content) if "viper" in content else ():
        place = f"{file}:{line_of(content, match.start())}"
        yield VariableRead(match[1], "", place, in_a_file=True)


def _structs(content: str) -> list[tuple[int, int, str]]:
    """List where structs begin and end, the inner ones after theirs, each with a name.

    One without a name of its own is called by where it begins.
    """
    found: list[tuple[int, int, str]] = []
    begun: list[tuple[int, str]] = []
    for match in _BRACES.finditer(content):
        if match[1] or match[3] == "{":
            begun.append((match.start(), match[1] or (str(match.start()) if match[2] else "")))
        elif match[3] and begun:
            begin, name = begun.pop()
            found += [(begin, match.start(3), name)] if name else []
    return sorted(found)


def _struct_at(structs: list[tuple[int, int, str]], position: int) -> str:
    """Name the innermost struct that has a position; "" for none."""
    return next((name for begin, end, name in reversed(structs) if begin < position < end), "")


def _prefixes(content: str, structs: list[tuple[int, int, str]]) -> Mapping[str, tuple[str, ...]]:
    """List what the variables of a struct begin with, once for each field that is one of it."""
    uses: dict[str, list[tuple[str, str]]] = {}
    for match in _PREFIXED.finditer(content):
        ended = (name for _, end, name in structs if end == match.start(2))
        struct = match[1] or next(ended, "")
        uses.setdefault(struct, []).append((_struct_at(structs, match.end() - 1), match[3]))

    def of(struct: str, depth: int) -> tuple[str, ...]:
        above = uses.get(struct, ()) if depth else ()
        found = (f"{first}{own}" for outer, own in above for first in of(outer, depth - 1))
        return tuple(dict.fromkeys(found)) or ("",)

    return {struct: of(struct, DEEPEST) for struct in uses}
