"""Writes the task that makes the keys which a program reads, as its README has people make them.

Keys are private, so that git has none. Only lines of openssl are taken, and none that a shell would
read more in than words.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from tarmac.adopt.survey.found import Folder, Service, awaited, installed
from tarmac.adopt.variables import code

#: Where a repository tells its developers what to do.
_TOLD = ("README.md", "readme.md", "README.rst", "CONTRIBUTING.md", "Makefile", "docs/setup.md")
#: A line that makes a key or a certificate without a question.
_LINE = re.compile(
    r"(?m)^[ \t]*(?:\$ )?@?(openssl (?:genrsa|genpkey|ecparam|ec|rsa|pkey|req|x509)"
    r"(?: [\w./:=,@+-]+| [\"'][\w ./:=,@+*-]+[\"'])+)[ \t]*$"
)
_OUT = re.compile(r" -(?:out|keyout) ([\w./-]+)")
#: What a key's file is called in code and variables.
_FILE = re.compile(r"[\w.-]*(?:/[\w.-]+)*\.(?:pem|key|crt|pub|cert)")
_TASK = "keys"
#: Lines of one README, at most.
MOST_LINES = 12


def with_keys(service: Service, folder: Folder) -> Service:
    """Make the keys before a program starts that reads them, where they are not there yet.

    Args:
        folder: the program's own files, and the README that is for it.
    """
    told = [file for file in _TOLD if file in folder.files]
    lines = [line for file in told for line in _LINE.findall(folder.read(file))][:MOST_LINES]
    made = {line: _paths(line) for line in lines if _asks_nothing(line)}
    there = {path for paths in made.values() for path in paths}
    made = {n: paths for n, paths in made.items() if _has_its_source(n, there, folder)}
    wanted = [path for paths in made.values() for path in paths if not folder.exists(path)]
    named = _named(service, folder) if wanted else set()
    read = [path for path in dict.fromkeys(wanted) if path in named]
    if not read:
        return service
    # A key first, and what is made of it behind: the README has them in that order.
    steps = [line for line, paths in made.items() if {*paths} & {*wanted}]
    places = sorted({posixpath.dirname(path) for path in wanted} - {""})
    steps = [f"mkdir -p {' '.join(places)}", *steps] if places else steps
    task = installed(wanted[-1], f"({' && '.join(steps)})")
    return replace(service, tasks={**service.tasks, _TASK: task})


def made_once(services: list[Service]) -> list[Service]:
    """Let one of several programs of a folder make the keys; the others wait for them."""
    first: dict[tuple[str, str], str] = {}
    done = []
    for service in services:
        task = service.tasks.get(_TASK, "")
        name = first.setdefault((service.folder, task), service.name) if task else service.name
        waits = {_TASK: awaited(task)} if name != service.name else {}
        done.append(replace(service, tasks={**service.tasks, **waits}))
    return done


def _paths(line: str) -> list[str]:
    return [posixpath.normpath(path) for path in _OUT.findall(line) if not path.startswith("/")]


def _asks_nothing(line: str) -> bool:
    """Tell whether openssl does without a question: for a certificate it is told its subject."""
    is_certificate = line.startswith("openssl req")
    asks = re.search(r" -(?:aes\d+|des3?)\b", line) or (is_certificate and "-subj" not in line)
    return not asks and bool(_paths(line))


def _has_its_source(line: str, made: set[str], folder: Folder) -> bool:
    """Tell whether what a line begins with is there, or made by another one."""
    taken = map(posixpath.normpath, re.findall(r" -(?:in|key|config|CA) ([\w./-]+)", line))
    return all(path in made or folder.exists(path) for path in taken)


def _named(service: Service, folder: Folder) -> set[str]:
    """List the files of keys that the program's variables and code name."""
    values = (
        *service.env.values(),
        *(read.default or "" for read in code.variables(folder).values()),
    )
    texts = (re.findall(r"[\"'`]([^\"'`\n]{1,200})[\"'`]", text) for _, text in code.texts(folder))
    said = (*values, *(one for found in texts for one in found))
    return {posixpath.normpath(one) for one in said if _FILE.fullmatch(one)}
