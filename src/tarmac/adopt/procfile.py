"""A Procfile: one process a line, as its own words say."""

from __future__ import annotations

import re

from tarmac.adopt.survey.found import (
    OF_A_PROCFILE,
    Folder,
    Recogniser,
    Service,
    as_list,
    folder_name,
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


def _services(folder: Folder) -> tuple[Service, ...]:
    file = folder.has("Procfile.dev", "Procfile")
    if not file:
        return ()
    lines = dict(_LINE.findall(folder.read(file)))
    release = lines.pop("release", "")
    bin_folder = folder.upwards(".venv/bin")
    found = []
    for name, written in lines.items():
        command = _from_source(written, folder)
        line = f"PATH={bin_folder}:$PATH {command}" if bin_folder else command
        words = _words(command.replace("$PORT", "PORT"))
        web = name == "web" or "$PORT" in command or "${PORT" in command
        own = f"{folder_name(folder)}-{valid_name(name)}" if folder.path else valid_name(name)
        found.append(
            Service(
                name=own,
                folder=folder.path,
                run=line.strip(),
                container_command=tuple(w.replace("PORT", "$PORT") for w in words),
                why=f"{file}: {name}",
                ports={"http": 5000} if web else {},
                reads_port=web,
                tasks={"release": release} if web and release else {},
                guesses=(OF_A_PROCFILE,) if web else (),
            )
        )
    return tuple(found)


RECOGNISER = Recogniser(id="procfile", rank=10, services=_services)
