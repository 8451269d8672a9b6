"""What the script that an image begins with does for the program that it hands over to.

It gives it variables, made of others, and puts a file of settings in its place.
`compose_containers` asks; nothing is run.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from tarmac.adopt.containers.script_conditions import decided
from tarmac.adopt.survey.found import Folder

_EXPORT = re.compile(r"export\s+([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)")
_COPY = re.compile(r"cp\s+(?:-\w+\s+)*([\w./-]+)\s+([\w./-]+)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^{}]*))?\}|(\w+))")
#: Ends of files of settings.
_SETTINGS = (".py", ".json", ".yml", ".yaml", ".toml", ".ini", ".env", ".js", ".php", ".rb")


def lines_of(program: str, folder: Folder, copied: Mapping[str, str]) -> list[str]:
    """Read the lines of a script of the repository that hands over to what follows it."""
    name = posixpath.basename(program)
    place = copied.get(program, "")
    place = place or next((f for f in folder.files if posixpath.basename(f) == name), "")
    text = folder.read(place) if place and name else ""
    if not re.search(r"exec\s+(?:\S+\s+)*\"?\$@", text):
        return []
    said = (line.strip() for line in re.sub(r"\\[ \t]*\n", " ", text).splitlines())
    return [line for line in said if line and not line.startswith("#")]


def exported(lines: list[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a script gives its program, those that it makes of known ones.

    Args:
        given: the container's variables, which count before what the script says of itself.
    """
    known = dict(given)
    found: dict[str, str] = {}
    depth = 0
    for line in decided(lines, given):
        word = line.split(maxsplit=1)[0].rstrip(";")
        depth += (word in ("if", "for", "while", "until", "case")) - (
            word in ("fi", "done", "esac")
        )
        match = _EXPORT.fullmatch(line.rstrip(";")) if not depth else None
        value = _filled(match[2].strip("\"'"), known) if match else None
        if match and value is not None:
            known.setdefault(match[1], value)
            found.setdefault(match[1], value)
    return {name: value for name, value in found.items() if name not in given and value}


def apart(
    lines: tuple[str, ...], given: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Take the variables that a script gives its program off its lines; return both.

    Args:
        given: the container's variables.
    """
    own = exported([*lines], given)
    gives = (_EXPORT.fullmatch(line.rstrip(";")) for line in lines)
    names = [match[1] if match else "" for match in gives]
    return own, tuple(line for line, name in zip(lines, names, strict=True) if name not in own)


def copies(lines: list[str], here: Callable[[str], str], folder: Folder) -> dict[str, str]:
    """Write the task that puts files of settings where the script puts them.

    Args:
        here: says a container's path as that of the folder; what it does not know stays.
    """
    done = []
    for line in lines:
        for part in line.split("&&"):
            match = _COPY.fullmatch(part.strip().rstrip(";"))
            paths = match.groups() if match else ("", "")
            source, target = (here(path).removeprefix("./") for path in paths)
            is_ours = source in folder.files and not re.match(r"[/.]", target)
            beside = posixpath.dirname(target)
            if is_ours and target.endswith(_SETTINGS) and (not beside or folder.exists(beside)):
                done.append(f"test -e {target} || cp {source} {target}")
    one, *others = done or [""]
    line = " && ".join(f"({line})" for line in done) if others else one
    return {"settings": line} if line else {}


def placed(dockerfile: str, copied: Mapping[str, str], folder: Folder) -> dict[str, str]:
    """Write the task that puts a file of settings where an image has it, under another name.

    Args:
        copied: the image's single files, by their paths there -> from the folder.
    """
    inside = (re.findall(r"(?im)^WORKDIR\s+(\S+)", dockerfile) or ["/"])[-1].rstrip("/")
    done = []
    for target, source in copied.items():
        path = posixpath.relpath(target, inside or "/")
        is_other = posixpath.basename(source) != posixpath.basename(target)
        if not (inside and target.startswith(f"{inside}/") and is_other and "$" not in source):
            continue
        beside = posixpath.dirname(path)
        is_wanted = path.endswith(_SETTINGS) and folder.exists(source) and not folder.exists(path)
        if is_wanted and (not beside or folder.exists(beside)):
            done.append(f"test -e {path} || cp {source} {path}")
    one, *others = done or [""]
    line = " && ".join(f"({line})" for line in done) if others else one
    return {"settings": line} if line else {}


def _filled(text: str, known: Mapping[str, str]) -> str | None:
    """Fill in variables; None where one is not known, or a program says the value."""
    unknown = False

    def value(match: re.Match[str]) -> str:
        nonlocal unknown
        name = match[1] or match[3]
        said = known.get(name) or match[2] or known.get(name)
        unknown = unknown or said is None
        return said or ""

    filled = _VARIABLE.sub(value, text)
    return None if unknown or re.search(r"[$`]", filled) else filled
