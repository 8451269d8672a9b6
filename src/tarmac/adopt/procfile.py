"""A Procfile: one process a line, as its own words say."""

from __future__ import annotations

import re

from tarmac.adopt.packages.make_targets import recipe, text_of
from tarmac.adopt.survey.found import (
    OF_A_PROCFILE,
    Folder,
    Recogniser,
    Service,
    as_list,
    folder_name,
    local_ports,
    valid_name,
)

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$", re.MULTILINE)


def _from_source(line: str, folder: Folder) -> str:
    """Run a program of Go that only its build would put there, in each command of a line."""
    parts = re.split(r"(\s*(?:;|&&|\|\|)\s*)", line)
    return "".join(_one_from_source(p, folder) if n % 2 == 0 else p for n, p in enumerate(parts))


def _one_from_source(command: str, folder: Folder) -> str:
    program, _, rest = command.partition(" ")
    is_built = "go.mod" in folder.files and re.fullmatch(r"[\w./-]+", program)
    if not is_built or program in ("go", "sh", "bash", "make") or folder.exists(program):
        return command
    return f"go run . {rest}".strip()


def _words(command: str) -> tuple[str, ...]:
    """Split a line into words, those between its commands too; () if it needs more of a shell."""
    parts = [part.strip() for part in re.split(r"(;|&&)", command)]
    said = [(part,) if part in (";", "&&") else as_list(part) for part in parts]
    return tuple(word for words in said for word in words) if all(said) else ()


#: What a platform fills in, and what counts where it does not: `${PORT:-8000}`.
_PORT = re.compile(r"\$\{PORT(?::?-(\d+))?\}")
#: A line that has make start a target.
_MADE = re.compile(r"make[ \t]+([\w./-]+)")


def _as_made(line: str, folder: Folder) -> str:
    """Say what make would do, where that can be told: what is started then finds its packages."""
    target = _MADE.fullmatch(line.strip())
    made = recipe(text_of(folder), target[1]) if target else ()
    return " && ".join(made) or line


def _port(line: str, words: tuple[str, ...]) -> int:
    """Find the port that a line names: its own, or that of what it starts; 0 for none."""
    default = _PORT.search(line)
    if default and default[1]:
        return int(default[1])
    told = zip(words, local_ports(words), strict=True)
    number = next((re.search(r"(\d{2,5})$", old) for old, new in told if "$PORT" in new), None)
    return int(number[1]) if number else 0


def _services(folder: Folder) -> tuple[Service, ...]:
    file = folder.has("Procfile.dev", "Procfile")
    if not file:
        return ()
    lines = dict(_LINE.findall(folder.read(file)))
    release = lines.pop("release", "")
    bin_folder = folder.upwards(".venv/bin")
    found = []
    for name, written in lines.items():
        said = _as_made(written, folder)
        command = _from_source(_PORT.sub("$PORT", said), folder)
        line = f"PATH={bin_folder}:$PATH {command}" if bin_folder else command
        words = _words(command.replace("$PORT", "PORT"))
        number = _port(said, words)
        web = name == "web" or "$PORT" in command or number > 0
        own = f"{folder_name(folder)}-{valid_name(name)}" if folder.path else valid_name(name)
        found.append(
            Service(
                name=own,
                folder=folder.path,
                run=line.strip(),
                container_command=tuple(w.replace("PORT", "$PORT") for w in words),
                why=f"{file}: {name}",
                ports={"http": number or 5000} if web else {},
                reads_port=web,
                tasks={"release": release} if web and release else {},
                guesses=(OF_A_PROCFILE,) if web and not number else (),
            )
        )
    return tuple(found)


RECOGNISER = Recogniser(id="procfile", rank=10, services=_services)
