"""What a start script with conditions runs in the end, and what it prepares before.

`container` asks, for scripts that are more than a list of commands, and for such lists. No shell is
run: variables are those of the container and what the script itself sets, where it sets them
without a condition.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping

#: Words that begin and end what is only done on a condition, again and again, or when it is called.
_OPENS = ("if", "for", "while", "until", "case", "select")
_CLOSES = ("fi", "done", "esac")
#: It asks whether it is given anything.
_IF_GIVEN = re.compile(r"if\s+(?:\[\[?|test)\s.*\$(?:\{?[1#@*])")
_AFTER = re.compile(r"&&|\|\||[;&|]")
#: Programs of languages: what one of them does before the last command is a preparation.
_PREPARES = re.compile(
    r"(?:python[\d.]*|flask|alembic|django-admin|\S*manage\.py|npm|npx|yarn|pnpm|node|php|bundle|"
    r"rails|rake|bin/\w+|go|java)\s"
)
#: A file of the program itself, which is started by its name.
_OWN_FILE = re.compile(r"\./[\w./-]+\.(?:py|js|mjs|sh)(?:\s|$)")
#: Programs that are started to stay, whatever stands before them.
_STAYS = re.compile(r"(?:celery|gunicorn|uvicorn|hypercorn|daphne|uwsgi|rq|dramatiq|arq)\s")
_ASSIGNED = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)=(.*)")
_VARIABLE = re.compile(r"\$\{(\w+)(?::?[-=]([^{}]*))?\}|\$(\w+)")
_LIST = re.compile(r"\$\{?(?:\w+\[@\]|[@*])\}?")
#: How deep defaults of defaults are followed.
_DEEPEST = 3


#: What a shell is told to do where a command fails: end, with a word of it before.
_CHOICE = re.compile(
    r"if\s[^;]{1,200};\s*then\s+(\w+)=[^;\s]*;\s*else\s+\1=([^;\s]*);\s*fi\s*(?:;|&&)\s*(\S.*)",
    re.DOTALL,
)
_OR_ENDS = re.compile(
    r"\|\|\s*(?:[({][^(){}]{0,200}?)?\bexit\s+[1-9]\d*\s*;?\s*[)}]?\s*(?:;|&&|\n|$)\s*"
)


def without_ends(text: str) -> str:
    """Run what follows a command that may end all: `a || (echo no; exit 1); b` is `a && b`."""
    return re.sub(r"\s*&&\s*$", "", _OR_ENDS.sub("&& ", text))


def without_choice(text: str) -> str:
    """Fill in what a line sets in either case: `if [ ... ]; then L=a; else L=b; fi; run $L`."""
    match = _CHOICE.match(text.strip())
    return re.sub(rf"\$\{{?{match[1]}\b\}}?", match[2], match[3]) if match else text


def without_shell(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out the shell that a script is started with: `bash /start.sh`, `sh ./entry.sh web`."""
    is_shell = len(argv) > 1 and argv[0].rsplit("/", 1)[-1] in ("sh", "bash")
    return argv[1:] if is_shell and (len(argv) == 2 or argv[1].endswith(".sh")) else argv


#: A text in a shell's line, as one part.
_QUOTED = re.compile(r"(\"(?:\\.|[^\"\\])*\"|'[^']*')")


def apart(line: str) -> str:
    """Set the signs between a line's commands apart from their words: `a;b` is `a ; b`.

    One with a condition or a loop stays as it is: its signs are parts of that.
    """
    parts = _QUOTED.split(line)
    names = [name for part in parts[::2] for name in re.findall(r"\w+", part)]
    if {*_OPENS, *_CLOSES, "then", "else", "do"} & {*names}:
        return line
    parts[::2] = [re.sub(r"(?<![;\\]);(?!;)[ \t]*(?=\S)", " ; ", part) for part in parts[::2]]
    return re.sub(r"[ \t]*;[ \t]*$", "", "".join(parts))


def in_one_line(text: str) -> str:
    """Join the commands of a shell that stand one a line, each to be run after the one before.

    Lines that are parts of a condition, a loop or a longer text stay as they are.
    """
    text = re.sub(r"\\\s*\n", " ", text)
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines or any(map(_is_part, lines)):
        return text
    joined = lines[0]
    for line in lines[1:]:
        goes_on = joined.endswith(("&&", "||", "|")) or line.startswith(("&&", "||", "|"))
        joined = f"{joined.rstrip(';')}{'' if goes_on else ' &&'} {line}"
    return joined


def _is_part(line: str) -> bool:
    """Tell whether a line is part of a command: it opens, closes or goes on with something."""
    names = re.findall(r"(?:^|[;&|]\s*)(\w+)", line)
    opened = sum(name in _OPENS for name in names) - sum(name in _CLOSES for name in names)
    is_open = bool(opened) or names[:1] in (["then"], ["else"], ["elif"], ["do"])
    return is_open or line.endswith("{") or "<<" in line or line.count('"') % 2 == 1


#: What can be done once: a script goes on, where a line of ours would end.
_ONCE = re.compile(
    r"(?:(?:uv|poetry|pipenv) run )?"
    r"(?:(?:python3? -m )?flask (?:\S+ )*db (?:init|migrate|revision)|"
    r"(?:(?:python3? )?(?:\./)?manage\.py|django-admin) createsuperuser)[^&|;]*"
)
#: A line that hands a plain one to a shell of its own.
_BY_A_SHELL = re.compile(r"(?:ba)?sh -c ([\"'])([\w./:=@%+, -]+)\1")


def one_line(lines: tuple[str, ...]) -> str:
    """Join lines of a script; words that no shell has to read are kept apart, to be translated.

    What fails where it was done before does not end them.
    """
    lines = tuple(_BY_A_SHELL.sub(r"\2", line) for line in lines)
    lines = tuple(f"{line} || true" if _ONCE.fullmatch(line) else line for line in lines)
    if all(re.fullmatch(r"[\w./:=@%+, -]+", line) for line in lines):
        return "\0&&\0".join("\0".join(line.split()) for line in lines)
    return " && ".join(lines)


def end_of_script(
    lines: list[str], given: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the last command of a script, with its variables, and the preparations before it.

    Args:
        lines: those of the script, without comments, each whole.
        given: the container's variables.

    Returns:
        The preparations and the command's words; both empty where it does not show them.
    """
    values = dict(given)
    before: list[str] = []
    last: tuple[str, ...] = ()
    line = ""
    for line in _always(lines):
        if match := _ASSIGNED.fullmatch(line):
            said = _words(match[2], values)
            if said is not None and len(said) < 2:
                values.setdefault(match[1], "".join(said))
        elif line.startswith("exec "):
            last = _words(line.removeprefix("exec "), values) or ()
            break
        elif _PREPARES.match(line):
            before.append(line)
    else:  # without `exec`, its last line may be the program
        is_prepared = bool(before) and before[-1] == lines[-1]
        last = _words(before.pop(), values) or () if is_prepared else ()
        is_last = not is_prepared and line == lines[-1]
        only_waits = not any(line.split()[0] in ("if", "case", "for") for line in lines)
        if is_last and (_OWN_FILE.match(line) or (only_waits and _STAYS.match(line))):
            last = _words(line, values) or ()
    return (tuple(before), last) if last else ((), ())


def settled_line(
    before: list[str], last: str, given: Mapping[str, str], place: str
) -> tuple[list[str], str]:
    """Fill into the last command of a script what its lines before set, which are then left out.

    Args:
        given: the container's variables.
        place: the script's own path, which it asks for by `$0`.
    """
    own: dict[str, str] = {}
    left: list[str] = []
    for line in before:
        match = _ASSIGNED.fullmatch(line)
        said = _own_path(match[2], own, place) if match else ""
        value = _words(match[2], {**given, **own}) if match and not said else None
        if match and (said or (value is not None and len(value) < 2)):
            own[match[1]] = said or "".join(value or ())
            left += [line] * line.startswith("export ")
        else:
            left.append(line)
    if not own:
        return before, last
    return left, _VARIABLE.sub(lambda m: own.get(m[1] or m[3], m[0]), last)


def _own_path(text: str, own: Mapping[str, str], place: str) -> str:
    """Return the script's own path or folder where a text asks for it: `$(dirname "$0")`."""
    named = [value for name, value in own.items() if re.search(rf"\$\{{?{name}\b", text)]
    asks = re.search(r"\$0\b|\$\{?BASH_SOURCE", text) or (named and place in named)
    if not asks or not text.strip("\"'").startswith("$("):
        return ""
    return (posixpath.dirname(place) or ".") if "dirname" in text else place


def without_arguments(lines: list[str]) -> list[str]:
    """Take the way of a script that is given none, where it hands over to those that it is given.

    `if [ -n "$1" ]; then exec "$@"; else ... fi` is what stands behind `else`.
    """
    begin = next((n for n, line in enumerate(lines) if _IF_GIVEN.match(line)), len(lines))
    depth, middle = 0, 0
    for at in range(begin, len(lines)):
        word = lines[at].split(maxsplit=1)[0].rstrip(";")
        depth += (word in _OPENS) - (word in _CLOSES)
        if depth == 1 and word == "else":
            middle = at
        if not depth:
            handed = lines[begin + 1 : middle]
            is_other = middle and any(line.startswith('exec "$@"') for line in handed)
            return (
                [*lines[:begin], *lines[middle + 1 : at], *lines[at + 1 :]] if is_other else lines
            )
    return lines


def _always(lines: list[str]) -> Iterator[str]:
    """Yield the lines that are run whatever is the case."""
    depth, until = 0, ""
    for line in lines:
        if until:
            until = "" if line == until else until
            continue
        first = [part.split()[0] for part in _AFTER.split(line) if part.split()]
        first += re.findall(r"\b(?:then|do|else)\s+(\w+)", line)
        closed = sum(word in _CLOSES for word in first) + line.startswith("}")
        opened = sum(word in _OPENS for word in first) + line.endswith("{")
        if not depth and not opened:
            yield line
        depth = max(depth + opened - closed, 0)
        here = re.search(r"<<-?\s*['\"]?(\w+)", line)
        until = here[1] if here else ""


def _words(text: str, values: Mapping[str, str]) -> tuple[str, ...] | None:
    """Split a line and fill in its variables; None where one that matters is not known."""
    try:
        said = shlex.split(text)
    except ValueError:
        return None
    found: list[str] = []
    for word in said:
        if _LIST.fullmatch(word):  # what was given to the script, or collected by it
            continue
        filled = _filled(word, values)
        if "$" not in filled:
            found += [filled] if filled or word == "" else []
        elif _VARIABLE.fullmatch(word) and not (found and found[-1].startswith("-")):
            continue  # more options, which may be none
        else:
            return None
    return tuple(found)


def _filled(word: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        return values.get(name) or (
            match[2] if match[2] is not None else values.get(name, match[0])
        )

    for _ in range(_DEEPEST):
        word = _VARIABLE.sub(value, word)
    return word
