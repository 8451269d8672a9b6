"""Templates of a chart make the same at each upgrade, each object by itself, of its values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.places import chart_places
from tarmac.check.gates.views.charts.texts import chart_texts
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.templates import dots_set

_RANDOM = re.compile(r"\{\{[^}]*\b(randAlphaNum|randAlpha|randAscii|randNumeric|uuidv4)\b")
#: What keeps a value that was made before, or makes an object once.
_KEPT = re.compile(
    r"\blookup\b|helm\.sh/hook[\"']?:\s*[\"']?pre-install[\"']?\s*$|resource-policy", re.MULTILINE
)
_ACTION = re.compile(r"\{\{-?\s*(/\*|range|if|with|define|block|end|else)\b")
#: A whole action: what is in its texts does not end it.
_WHOLE = re.compile(r"\{\{-?\s*((?:`[^`]*`|\"(?:\\.|[^\"\\])*\"|[^`\"}]|\}(?!\}))*?)\s*-?\}\}")
_TEXTS = re.compile(r"`[^`]*`|\"(?:\\.|[^\"\\])*\"")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_SET = re.compile(r"\$([A-Za-z_]\w*)\s*(?=:=|,\s*\$\w+\s*:=)|(?<=,)\s*\$([A-Za-z_]\w*)\s*(?=:=)")
#: What every template has, or a part of a named template's argument, which may be that.
_ALL = r"(?:[.$]|index\s+[.$]\s+\d+|\.[a-z]\w*)"
_MAY_BE_ALL = re.compile(rf"with\s+(?:\$\w+\s*:=\s*)?\(?{_ALL}\)?")
#: A value that is made in place, and has what every template has by name, or all of it.
_MADE = re.compile(
    r"(?:with|range)\b.*?\b(?:dict|set)\b.*?\"(?:Release|Chart|Capabilities)\""
    r"|with\b.*?(?i:\b(?:must)?(?:merge|mergeoverwrite|deepcopy))\b.*[\s(][.$](?![\w.])",
    re.DOTALL,
)
#: A variable that keeps it, for where the dot is another value.
_KEEPS = re.compile(rf"(\$\w+)\s*:?=\s*\(?{_ALL}\)?")
_COPIES = re.compile(r"(\$\w+)\s*:?=\s*\(?(?:(?:must)?deepCopy\s+)?\$\)?", re.IGNORECASE)
#: What a template adds to what every template of its chart has: `set . "name" "orders"`, or by
#: the name under which a template of names gets it: `set .scope "name" "orders"`.
_ADDED = re.compile(r"\bset\s+(?:\.[\w.]*|\$\w*(?:\.[\w.]+)?)\s+\"(\w+)\"")
_OF_ALL = re.compile(r"(?<![\w$.)])\.(Release|Chart|Capabilities)\b")
_OTHERS = re.compile(r"(?:if\s+|with\s+)?\.([a-z]\w*)")
#: A list of one value: `$apps := list .Values.web`.
_OF_ONE = re.compile(r"(\$\w+)\s*:=\s*list\s+\S+\s*-?\}\}")
#: The end of a document, which may be of all but the first: `{{- if gt $at 0 }}---`.
_ENDS = re.compile(r"^(?:[ \t]*\{\{[^{}]*\}\})*---", re.MULTILINE)
_API = re.compile(r"^apiVersion:", re.MULTILINE)


def check(files: Files) -> Iterator[Finding]:
    """Yield Secrets of chance, and loops that write their objects into one document."""
    for shown, text, added in _templates(files):
        if re.search(r"^kind:\s*Secret\b", text, re.MULTILINE) and not _KEPT.search(text):
            for number, line in enumerate(text.splitlines(), start=1):
                if found := _RANDOM.search(line):
                    what = f"makes a new value at each upgrade ({found[1]}), and what was set up by"
                    advice = "the old one keeps that; take the old one by lookup, or a given Secret"
                    yield Finding(f"{shown}:{number}", f"{what} {advice}", warning=True)
        for number in _joined(text):
            what = "writes each object of the loop into one document, of which the last one stays"
            yield Finding(f"{shown}:{number}", f"{what}; begin the loop's body with `---`")
        for number, name in _undefined(text):
            what = f"reads ${name}, which Helm looks for here, and the template sets no such"
            advice = "variable: no release can be made; for the program that reads it, write"
            yield Finding(f"{shown}:{number}", f"{what} {advice} {{{{ `{{{{ ${name} }}}}` }}}}")
        for number, name in _lost(text):
            what = f"reads .{name} where `range` or `with` has set the dot to a value, without one"
            yield Finding(f"{shown}:{number}", f"{what}, so it fails; write $.{name}")
        for number, name in _unknown(text, added):
            what = f"reads .{name}, which Helm fills in here, and a chart has no such value: it is"
            advice = f"empty; for the program that reads it, write {{{{ `{{{{ .{name} }}}}` }}}}"
            yield Finding(f"{shown}:{number}", f"{what} {advice}")


def _undefined(text: str) -> Iterator[tuple[int, str]]:
    """Yield variables that a template reads and never sets, with their lines."""
    actions = [(found.start(), _TEXTS.sub("", found[1])) for found in _WHOLE.finditer(text)]
    known = {name for _, said in actions for pair in _SET.findall(said) for name in pair}
    told = set[str]()
    for place, said in actions:
        for name in _VARIABLE.findall(said):
            if name not in known | told and not said.startswith("/*"):
                told.add(name)
                yield text.count("\n", 0, place) + 1, name


def _lost(text: str) -> Iterator[tuple[int, str]]:
    """Yield what every template has, where the dot is a part of the values, with its line."""
    opened: list[str] = []
    wholes = {"$", "."}
    for found in _WHOLE.finditer(text):
        said = _TEXTS.sub("", found[1])
        words = said.split()
        if words[:1] in (["end"], ["else"]) and opened:
            ended = opened.pop()
            if words[0] == "else":
                opened.append("if" if ended in ("range", "with", "whole") else ended)
        inner = next((one for one in reversed(opened) if one != "if"), "")
        keeps = _KEEPS if inner not in ("range", "with") else _COPIES
        if kept := keeps.fullmatch(said.strip()) or _COPIES.fullmatch(said.strip()):
            wholes.add(kept[1])
        # A second dot may be the one of an argument's own values.
        if inner in ("range", "with") and (asked := _OF_ALL.search(said)):
            yield text.count("\n", 0, found.start()) + 1, asked[1]
        if words[:1] and words[0] in ("range", "with", "if", "define", "block"):
            is_whole = words[0] == "with" and words[-1] in wholes
            if inner not in ("range", "with"):
                is_whole = is_whole or _MAY_BE_ALL.fullmatch(said.strip()) is not None
            is_whole = is_whole or _MADE.match(found[1]) is not None
            opened.append("whole" if is_whole else words[0])


def _unknown(text: str, added: set[str]) -> Iterator[tuple[int, str]]:
    """Yield names at the top of a template that are not those of Helm, with their lines."""
    actions = list(_WHOLE.finditer(text))
    for found, is_set in zip(actions, dots_set(one[1] for one in actions), strict=True):
        asked = _OTHERS.match(found[1])
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        is_known = is_set or (asked is not None and asked[1] in added)
        if asked and not is_known and not line.lstrip().startswith("#"):
            yield text.count("\n", 0, found.start()) + 1, asked[1]


def _joined(text: str) -> Iterator[int]:
    """Yield the lines of loops that begin an object without an end of the one before."""
    opened: list[tuple[str, int]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for found in _ACTION.finditer(line):
            word = found[1]
            if word in ("range", "if", "with", "define", "block"):
                opened.append((word, number))
            elif word == "end" and opened:
                word, begun = opened.pop()
                body = "\n".join(text.splitlines()[begun : number - 1])
                is_loop = word == "range" and not _is_of_one(text, text.splitlines()[begun - 1])
                if is_loop and len(_API.findall(body)) == 1 and not _ENDS.search(body):
                    yield begun


def _is_of_one(text: str, line: str) -> bool:
    """Tell whether a loop is over a list that a template makes of one value."""
    name = re.search(r"range\s+(\$\w+)\s*-?\}\}", line)
    return name is not None and any(one[1] == name[1] for one in re.finditer(_OF_ONE, text))


@once
def _templates(files: Files) -> Iterator[tuple[str, str, set[str]]]:
    """Yield the templates of the charts of a folder, with their paths and what these add."""
    for chart in chart_places(files):
        texts = list(chart_texts(files, chart.folder))
        added = {name for _, text in texts for name in _ADDED.findall(text)}
        yield from ((shown, text, added) for shown, text in texts)


GATE = Gate(
    id="OBJ034",
    title="Templates of a chart make the same at each upgrade, and each object by itself",
    phase="kubernetes",
    source="https://helm.sh/docs/howto/charts_tips_and_tricks: a random value is another one at "
    "each upgrade; YAML: of two objects in one document the last one's keys stay",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("templates of charts", _templates),
    targets=(),
    reads="templates on disk beside Chart.yaml: functions of chance in Secrets, `range` around an "
    "object, and names that Helm does not have. Judges files without a plan only.",
)
