"""Decides the conditions of a start script that its container's variables decide.

`container` asks before it reads what such a script runs. No shell is run: a condition that asks for
files, or for a variable that nothing sets, stays undecided, and its lines stay as they are.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(\S*|\"[^\"]*\"|'[^']*')")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^{}]*))?\}|(\w+))")
_TEST = re.compile(r"(!\s+)?(?:\[\[\s+(.*?)\s+\]\]|\[\s+(.*?)\s+\]|test\s+(.+))")
_OPENS = ("if", "for", "while", "until", "case", "select")
_CLOSES = ("fi", "done", "esac")
#: A choice by a word, and what an arm of it begins with.
_CASE = re.compile(r"case\s+(\S+)\s+in")
_PATTERN = re.compile(r"\(?((?:[\w.*?\"'-]+)(?:\s*\|\s*[\w.*?\"'-]+)*)\)")
#: More conditions than one script has.
_MOST = 200

#: A file that is asked for, and one that is left for the next start.
_ASKS_FILE = re.compile(
    r"(!\s+)?(?:\[\[?\s+(!\s+)?-[ef]\s+(\S+)\s+\]\]?|test\s+(!\s+)?-[ef]\s+(\S+))"
)
_LEAVES = re.compile(r"(?:touch|echo\b[^>]*>|:\s*>|>)\s*(\S+)")

#: The condition of a part, "" for `else`, and its lines.
_Arm = tuple[str, list[str]]


def decided(lines: list[str], given: Mapping[str, str]) -> list[str]:
    """Leave of each condition that the variables decide the lines that are then run.

    What the script itself sets is filled in, and so is done without.

    Args:
        lines: those of the script, without comments, each whole.
        given: the container's variables.
    """
    known, own, found = dict(given), dict[str, str](), list[str]()
    perhaps = {*given}  # the names that may have another value than what a line falls back on
    left = _of_the_first_start(_of_tries(_with_functions(lines)))
    for _ in range(_MOST + len(lines)):
        if not left:
            break
        line = left[0]
        arms, end = _arms(left) if line.startswith("if ") else ([], 0)
        chosen = (_default(arms, known) or _chosen(arms, known)) if arms else None
        if line.startswith("case "):
            chosen, end = _of_a_case(left, known)
        if chosen is not None:
            left = [*chosen, *left[end:]]
            continue
        if arms:  # what is set in there may be the case or not
            names = {m[1] for part in left[:end] for m in [_ASSIGNED.match(part)] if m}
            known = {name: value for name, value in known.items() if name not in names}
            own = {name: value for name, value in own.items() if name not in names}
            perhaps |= names
            found += left[:end]
            left = left[end:]
            continue
        left = left[1:]
        match = _ASSIGNED.fullmatch(line)
        value = _filled(match[2].strip("\"'"), known) if match else None
        if match is None:
            found.append(_with(own, line, perhaps))
        elif value is None or "$" in value or "`" in value:
            found.append(line)
        else:
            known[match[1]] = own[match[1]] = value
    return found + left


#: A function of a script, and what it may do with what it is told.
_FUNCTION = re.compile(r"(?:function\s+([\w-]+)\s*(?:\(\))?|([\w-]+)\s*\(\))\s*\{")
_IS_TOLD = re.compile(r"\$[@*#\d]|\breturn\b|\blocal\b")


def _with_functions(lines: list[str]) -> list[str]:
    """Put what a function does where it is called, where it is told nothing."""
    bodies: dict[str, list[str]] = {}
    left, found = [*lines], list[str]()
    while left:
        match = _FUNCTION.fullmatch(left[0])
        end = left.index("}") if match and "}" in left else 0
        body = left[1:end]
        if match and end and not any(_IS_TOLD.search(one) or one.endswith("{") for one in body):
            bodies[match[1] or match[2]] = body
            left = left[end + 1 :]
            continue
        line, *left = left
        found += bodies.get(line, [line])
    return found


#: A loop that does something until it is done, and what it does in between.
_TRIES = re.compile(
    r"until\s+((?:python[\d.]*|\./manage\.py|flask|alembic|npm|npx|yarn|pnpm|node)\s[^;&|]+?)"
    r"\s*(?:;\s*do)?"
)
_BETWEEN = re.compile(r"(?:>&2\s+)?(?:echo|printf|sleep|do|:)\b.*")


def _of_tries(lines: list[str]) -> list[str]:
    """Do once what a script does until it is done: what it waits for is there."""
    left, found = [*lines], list[str]()
    while left:
        match = _TRIES.fullmatch(left[0])
        end = left.index("done") if match and "done" in left else 0
        if match and end and all(map(_BETWEEN.fullmatch, left[1:end])):
            found.append(match[1])
            left = left[end + 1 :]
            continue
        line, *left = left
        found.append(line)
    return found


def _of_the_first_start(lines: list[str]) -> list[str]:
    """Decide what is done where a file is not there that the script itself leaves: it is done.

    `if [ ! -f .done ]; then migrate; touch .done; fi`; what leaves the file is left out.
    """
    left_by = {line: m[1].strip("\"'") for line in lines if (m := _LEAVES.fullmatch(line))}
    found = []
    for line in lines:
        word, _, rest = line.partition(" ")
        asked = re.sub(r";?\s*\bthen\b\s*$", "", rest).strip(" ;")
        match = _ASKS_FILE.fullmatch(asked) if word == "if" else None
        path = (match[3] or match[5] or "").strip("\"'") if match else ""
        if match and path in left_by.values():
            negated = sum(bool(match[n]) for n in (1, 2, 4)) % 2 == 1
            found.append(f"if [ {'a = a' if negated else 'a = b'} ]; then")
        else:
            found.append(line)
    gone = {
        line
        for line, path in left_by.items()
        if any(f"-{flag} {path}" in other.replace('"', "") for other in lines for flag in "ef")
    }
    return [line for line in found if line not in gone]


def _with(own: Mapping[str, str], line: str, perhaps: Collection[str]) -> str:
    """Fill in what the script itself sets, also where a name falls back on it: `${A:-$B}`."""

    def value(match: re.Match[str]) -> str:
        name, default = match[1] or match[3], _VARIABLE.fullmatch(match[2] or "")
        other = (default[1] or default[3]) if default and name not in (*own, *perhaps) else ""
        return own.get(name, own.get(other, match[0]))

    return _VARIABLE.sub(value, line)


def _arms(lines: list[str]) -> tuple[list[_Arm], int]:
    """Cut the `if` that the lines begin with into its parts; also say where it ends.

    Without parts where it stands in one line, or is not closed.
    """
    arms: list[_Arm] = []
    depth, begin = 0, 0
    for at, line in enumerate(lines):
        word = line.split(maxsplit=1)[0].rstrip(";")
        if depth == 1 and word in ("elif", "else", "fi"):
            arms[-1] = (arms[-1][0], [*filter(None, map(_body, lines[begin:at]))])
            begin = at + 1
        if (word, depth) in (("if", 0), ("elif", 1)):  # not one within
            if re.search(r"\bfi\b", line):
                return [], 0
            condition = re.sub(r";?\s*\bthen\b.*$", "", line.removeprefix(word)).strip(" ;")
            arms.append((condition, []))
            begin = at + 1
        elif depth == 1 and word == "else":
            arms.append(("", []))
        depth += (word in _OPENS and not re.search(r"\b(?:fi|done|esac)\b", line)) - (
            word in _CLOSES
        )
        if not depth:
            return arms, at + 1
    return [], 0


def _of_a_case(lines: list[str], known: Mapping[str, str]) -> tuple[list[str] | None, int]:
    """Return the lines that the `case` that they begin with runs, and where it ends.

    None where its word is not known, or it stands in one line.
    """
    asked = _CASE.fullmatch(lines[0])
    word = _filled(asked[1].strip("\"'"), known) if asked else None
    end = next((at for at, line in enumerate(lines) if line.startswith("esac")), 0)
    if word is None or not end or any(line.startswith("case ") for line in lines[1:end]):
        return None, 0
    found: list[str] = []
    is_in, is_at_pattern = False, True
    for line in lines[1:end]:
        match = _PATTERN.match(line) if is_at_pattern else None
        if match:
            patterns = [one.strip().strip("\"'") for one in match[1].split("|")]
            is_in = any(fnmatchcase(word, one) for one in patterns)
            line = line[match.end() :].strip()  # noqa: PLW2901 - what stands behind it
        is_at_pattern = line.endswith(";;")
        body = line.removesuffix(";;").strip()
        found += [body] if is_in and body else []
        if is_in and is_at_pattern:
            break
    return found, end + 1


def _body(line: str) -> str:
    return re.sub(r"^then\b\s*", "", line)


def _chosen(arms: list[_Arm], known: Mapping[str, str]) -> list[str] | None:
    """Return the lines of the part that is run; None where nothing decides it."""
    for condition, body in arms:
        holds = _holds(condition, known) if condition else True
        if holds is None:
            return None
        if holds:
            return body
    return []


def _default(arms: list[_Arm], known: Mapping[str, str]) -> list[str]:
    """Return what gives a variable a value where nothing else does: `if [ -z "$A" ]; then A=1`."""
    (condition, body), *others = arms
    asked = re.fullmatch(r"\[\[?\s+-z\s+\"?\$\{?(\w+)(?::?-)?\}?\"?\s+\]\]?", condition)
    lines = [line.removeprefix("export ") for line in body]
    sets = [m[1] for line in lines if (m := _ASSIGNED.fullmatch(line))]
    is_default = asked is not None and not others and asked[1] not in known and sets == [asked[1]]
    return lines if is_default and len(lines) == 1 else []


def _holds(condition: str, known: Mapping[str, str]) -> bool | None:
    """Decide a condition; None where it is not known."""
    ors, ands = " || " in condition, " && " in condition
    if ors and ands:
        return None
    results = [_test(part.strip(), known) for part in re.split(r" \|\| | && ", condition)]
    if None in results:
        return None
    return any(results) if ors else all(results)


def _test(text: str, known: Mapping[str, str]) -> bool | None:
    match = _TEST.fullmatch(text)
    inner = _filled(next(filter(None, match.groups()[1:]), ""), known) if match else None
    if match is None or inner is None:
        return None
    try:
        words = shlex.split(inner)
    except ValueError:
        return None
    result: bool | None = None
    is_not = bool(match[1])
    if words[:1] == ["!"]:
        words, is_not = words[1:], not is_not
    if len(words) == 3 and words[1] in ("=", "==", "-eq"):
        result = words[0] == words[2]
    elif len(words) == 3 and words[1] in ("!=", "-ne"):
        result = words[0] != words[2]
    elif len(words) == 2 and words[0] in ("-n", "-z"):
        result = bool(words[1]) is (words[0] == "-n")
    elif words[:1] == ["-v"] and len(words) == 2 and words[1] in known:
        result = True
    return result if result is None else result is not is_not


def _filled(text: str, known: Mapping[str, str]) -> str | None:
    """Fill in variables; None where one is not known."""
    unknown = False

    def value(match: re.Match[str]) -> str:
        nonlocal unknown
        name = match[1] or match[3]
        said = known.get(name) or (match[2] if match[2] is not None else known.get(name))
        unknown = unknown or said is None
        return said or ""

    filled = _VARIABLE.sub(value, text)
    return None if unknown or "$" in filled or "`" in filled else filled
