"""nginx takes each directive with its words, and each ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import Directive, directives, tokens
from tarmac.check.gates.views.servers.nginx_places import judged_configurations, placed
from tarmac.check.gates.views.servers.nginx_table import NginxUse, names

#: What a program fills in before nginx reads it.
_FILLED = re.compile(r"[%@<>{}]|\$[A-Z_{]|__\w+__")
_VALUES = {
    "time": (r"(\d+(ms|[yMwdhms])?\s*)+", "a whole number with s, m, h or ms"),
    "seconds": (r"(\d+[yMwdhms]?\s*)+", "a whole number with s, m, h or d"),
    "size": (r"\d+[kKmMgG]?", "a whole number with k, m or g"),
    "number": (r"\d+", "a whole number"),
    "flag": (r"(?i:on|off)", "on or off"),
}
_REFUSED = "nginx does not start"
Fault = tuple[int, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield words that nginx refuses, and directives that do not end."""
    for own in judged_configurations(files):
        for line, said in _faults(own.text):
            yield Finding(own.where(line), f"{own.name}: {said}")


def _faults(text: str) -> Iterator[Fault]:
    joined, ends = dict(_joined(text)), list(_ends(text))
    yield from joined.items()
    yield from ends
    for one in () if ends else placed(directives(text)):
        line = one.directive.line
        if one.allowed and line not in joined and (said := _misused(one.directive, one.allowed)):
            yield line, f"{said}: {_REFUSED}"


def _joined(text: str) -> Iterator[Fault]:
    """Yield directives that take the one in the next line for some of their words."""
    words, begun, before = list[str](), 0, 0
    for sign, line in tokens(text):
        if sign in ("{", "}", ";"):
            words = []
        elif words and line > before and {sign, words[0]} <= names():
            yield begun, f"{_short(words)} has no ; behind it, so {sign} is one of its words"
            words = []
        else:
            begun = begun if words else line
            words.append(sign)
        before = line + sign.count("\n")


def _ends(text: str) -> Iterator[Fault]:
    """Yield directives and blocks without an end, and ends without a beginning."""
    words, begun, open_blocks = list[str](), 0, list[tuple[str, int]]()
    for sign, line in [*tokens(text), ("", 0)]:
        if sign not in ("{", "}", ";", ""):
            begun = begun if words else line
            words.append(sign)
            continue
        if sign in ("}", "") and words and words[0] in names():
            yield begun, f"{_short(words)} has no ; behind it: {_REFUSED}"
        elif sign == "}" and not open_blocks:
            yield line, f"a block ends here that does not begin: {_REFUSED}"
        if sign == "{":
            open_blocks.append((" ".join(words), line))
        elif sign == "}" and open_blocks:
            open_blocks.pop()
        words = []
    for title, line in open_blocks:
        yield line, f"the block {title} does not end: {_REFUSED}"


def _short(words: list[str]) -> str:
    return f"{' '.join(words[:3])}{' …' if len(words) > 3 else ''}"


def _misused(one: Directive, uses: tuple[NginxUse, ...]) -> str:
    """Say what is wrong with the words of a directive, whichever way it is used; "": nothing."""
    name, words = one.words[0], one.words[1:]
    alike = [use for use in uses if use.is_block == one.is_block]
    if not alike:
        return f"{name} has no block" if one.is_block else f"{name} has a block, and none is here"
    if any(map(_FILLED.search, words)):
        return ""
    fitting = [use for use in alike if use.takes(len(words))]
    if not fitting:
        return f"{name} takes {_number(alike[0])}, and has {len(words)}"
    wrong = [_wrong(one, use) for use in fitting]
    return wrong[0] if all(wrong) else ""


def _number(use: NginxUse) -> str:
    if use.numbers:
        told = " or ".join(map(str, sorted(use.numbers)))
        return f"{told} word" if told == "1" else f"{told} words"
    return f"{use.least} to {use.most} words" if use.most < 1000 else f"at least {use.least}"


def _wrong(one: Directive, use: NginxUse) -> str:
    """Say what is wrong with what the words of a directive are; "": nothing."""
    name, words, kind = one.words[0], one.words[1:], use.value[:1]
    if kind in ("=", "~"):
        known = use.value[1:].split("|")
        unknown = [word for word in words if word.lower() not in map(str.lower, known)]
        wanted = f"one of {', '.join(known)}"
    elif use.value and len(words) == 1:
        pattern, wanted = _VALUES[use.value]
        unknown = [word for word in words if not re.fullmatch(pattern, word)]
    else:
        return ""
    return f"{name} is {unknown[0]}, and takes {wanted}" if unknown else ""


GATE = Gate(
    id="VAL026",
    title="nginx takes the words of its directives",
    phase="services",
    source="the tables of nginx and its modules, by which `nginx -t` goes",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of nginx", judged_configurations),
    targets=("repository",),
    reads="files and keys of ConfigMaps with blocks of nginx: the end of each directive and block, "
    "the number of its words, times, sizes, numbers, switches, and words that are one of several. "
    "Templates and Lua are passed.",
)
