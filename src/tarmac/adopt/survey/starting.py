"""Says how a service starts on this machine: its container's command, or what its folder shows.

The survey asks for each service. A recogniser translates the command of its own language.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from tarmac.adopt.containers.container import goes_on
from tarmac.adopt.survey.found import MIGRATE, Folder, Recogniser, Service, joined, told_port

#: Recognisers from this rank on only know a container.
LAST_RANK = 90
#: What every shell does by itself, behind a command that is known.
_IN_SHELLS = re.compile(r"(?:echo|printf|true|exit|sleep|wait|touch|mkdir)$")
#: Words of a command that only a shell understands, or that set something up.
_FOR_A_SHELL = re.compile(r"\|\|?|&&?|;|[<>]{1,2}|export|\w+=.*|.*\$\(.*")
#: Folders come before the packages, whose lists may lie there, and tables behind all.
_ORDER = {"links": 0, MIGRATE: 2, "prepare": 2}
#: What puts first data into tables that are there by then, and what would make them.
_PUTS_DATA = re.compile(
    r"(?i)seed|init(?:ial)?[-_]?data|load[-_]?data|fixtures?\b|populate|create[-_]?(?:super)?user"
)
_MAKES_TABLES = re.compile(r"(?i)migrat|\bupgrade\b|create[-_]?(?:all|tables)")
#: A file that a command writes, as an option says: `celery worker -f logs/celery.log`.
_WRITES = re.compile(
    r"\s(?:-f|--(?:log-?file|pid-?file|access-?log-?file|error-?log-?file|schedule))[= ]"
    r"(\w[\w.-]*/[\w./-]+\.(?:log|pid|db|txt))(?=\s|$)"
)
#: A line that no shell has to read.
_PLAIN = re.compile(r"[\w./:=@%+, &-]+")
#: The words in front of the first one that a shell fills in, and all from there.
_WORDS = re.compile(r"((?:[\w./:=@%+, &-]+(?=\s(?:[\"'$]|\|\|))|[\w./:=@%+, &-]+$)?)([\s\S]*)")


def completed(
    service: Service, folder: Folder, recognisers: list[Recogniser], *, is_shared: bool
) -> Service:
    """Fill in how it starts: its container's command, translated, else what its folder shows.

    Args:
        is_shared: other services are of the same folder, so that what it shows may be theirs.
    """
    if service.run:
        return _as_its_tools_run_it(service, folder, recognisers)
    local = [s for r in recognisers if r.rank < LAST_RANK for s in r.services(folder)]
    service = replace(service, container_command=_with_paths(service))
    line, by = _said(service.container_command, folder, recognisers)
    base = next((s for s in local if s.name == service.name), local[0] if local else None)
    tasks = {**(by.tasks(folder) if by else {}), **(base.tasks if base else {})}
    if by is not None and _is_of_another(tasks.get("release", ""), by, folder, recognisers):
        del tasks["release"]  # a Procfile's, of the program beside it
    for name, task in service.tasks.items():
        words = tuple(task.split("\0"))
        is_line = len(words) == 1 and " " in task  # no program has such a name
        here = "" if is_line else _said(words, folder, recognisers)[0]
        tasks[name] = here or " ".join(words)
    # What makes tables comes behind what puts folders and settings in place.
    tasks = dict(sorted(tasks.items(), key=_position))
    tasks = {name: _with_its_packages(task, folder, recognisers) for name, task in tasks.items()}
    lines = [*tasks.values()]  # a Procfile and a start script may make the same tables
    tasks = {n: task for at, (n, task) in enumerate(tasks.items()) if task not in lines[:at]}
    if line:
        # The container's command may be another program than the one that the folder names.
        is_base = base is not None and (line == base.run or _goes_on_from(base.run, line))
        reads = base is not None and base.reads_port and is_base
        reloads = base is not None and base.reloads and base.run == line
        ports = service.ports or (base.ports if base is not None and reads else {})
        told = told_port(service.container_command) if "$PORT" in line else 0
        ports = ports or ({"http": told} if told else {})
        variable = base.port_variable if base is not None and is_base else ""
        tasks = {name: _with_its_settings(task, line, service) for name, task in tasks.items()}
        tasks = {**_folders_of_files(line, folder), **tasks}
        service = replace(service, run=line, tasks=tasks, ports=ports)
        service = replace(service, port_variable=service.port_variable or variable)
        return replace(service, reads_port=reads, reloads=reloads)
    if base is None or (is_shared and service.container_command):
        return service
    ports = service.ports or base.ports
    if service.container_command and not service.known_as:  # the others are its image's program's
        ports = dict([*ports.items()][:1])
    said = service.container_command
    is_shells = any(map(_FOR_A_SHELL.fullmatch, said))
    lost = (f"its container's command is not carried over: {' '.join(said)}",) * is_shells
    return replace(
        service,
        remarks=(*service.remarks, *lost),
        run=base.run,
        why=base.why,
        tasks=tasks,
        ports=ports,
        port_variable=base.port_variable,
        reads_port=base.reads_port,
        reloads=base.reloads,
        guesses=(*service.guesses, *(base.guesses if not service.ports else ())),
    )


def _position(task: tuple[str, str]) -> int:
    """Say how late a task comes: what fills tables comes behind what makes them."""
    name, line = task
    fills = _PUTS_DATA.search(line) and not _MAKES_TABLES.search(line)
    return 3 if fills and name not in _ORDER else _ORDER.get(name, 1)


def _with_paths(service: Service) -> tuple[str, ...]:
    """Fill in what its own variables say of a path in a command: `dist/apps/${NAME}/main.js`."""

    def value(match: re.Match[str]) -> str:
        said = service.env.get(match[1] or match[2], "")
        return said if re.fullmatch(r"\w[\w-]*", said) else match[0]

    def filled(word: str) -> str:
        is_path = re.fullmatch(r"[\w./@-]*/[\w./@${}-]*", word)
        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, word) if is_path else word

    return tuple(map(filled, service.container_command))


def _is_of_another(
    task: str, by: Recogniser, folder: Folder, recognisers: list[Recogniser]
) -> bool:
    """Tell whether a task is for the packages of another language than the program's."""
    words = _WORDS.fullmatch(task.partition(" && ")[0])
    known = _said(tuple(words[1].split()), folder, recognisers)[1] if task and words else None
    return known is not None and known is not by


def _folders_of_files(line: str, folder: Folder) -> dict[str, str]:
    """Write the task that makes the folders of files that a command is told to write: its log."""
    found = {posixpath.dirname(path) for path in _WRITES.findall(line)}
    wanted = sorted(path for path in found if path and not folder.exists(path))
    return {"written": f"mkdir -p {' '.join(wanted)}"} if wanted else {}


#: The app that Flask's command is told in front of its own.
_OF_FLASK = re.compile(r"(?<=-m flask )(?:(?:-A|--app)[= ]\S+ )?(?=(?:run|db)\b)")


def _with_its_settings(task: str, line: str, service: Service) -> str:
    """Let Django make its tables by the settings that its command names, and Flask by its app."""
    app = _OF_FLASK.search(line)
    if app is not None and (app[0] or "FLASK_APP" in service.env):
        return _OF_FLASK.sub(lambda _: app[0], task)
    named = re.search(r"\bmanage\.py\b.*\s--settings[= ]([\w.]+)", line)
    is_wanted = "manage.py migrate" in task and "--settings" not in task
    return f"{task} --settings={named[1]}" if named and is_wanted else task


def _goes_on_from(run: str, line: str) -> bool:
    """Tell whether a line is a command that is told its port, with arguments of its container."""
    return "$PORT" in run and line.startswith(f"{run} ")


def _as_its_tools_run_it(
    service: Service, folder: Folder, recognisers: list[Recogniser]
) -> Service:
    """Say a command that expects its packages on PATH as its language's tools run it here."""
    line, by = _said(service.container_command, folder, recognisers)
    if not line or by is None:
        return service
    own = service.tasks.items()
    given = {name: _with_its_packages(task, folder, recognisers) for name, task in own}
    return replace(service, run=line, tasks={**by.tasks(folder), **given})


def _with_its_packages(task: str, folder: Folder, recognisers: list[Recogniser]) -> str:
    """Let a task of others find the packages that are installed here: elsewhere its image has them.

    `python manage.py migrate` of a Procfile is written for a container where Python has them.
    """
    parts = task.split(" && ")
    if not _PLAIN.fullmatch(task) and len(parts) > 1:  # a shell has more to read in it
        return " && ".join(_with_its_packages(part, folder, recognisers) for part in parts)
    if re.match(r"\S*venv/bin/pip\s", task):  # it makes what others find there
        return task
    words, rest = _WORDS.fullmatch(task).groups()  # type: ignore[union-attr]
    line = _said(tuple(words.split()), folder, recognisers)[0] if words else ""
    said = re.sub(r"(^(?:\w+=\S* )*|(?<=&& ))(\S*venv/bin)/", r"\1PATH=\2:$PATH ", line)
    is_projects = re.match(r"(?:uv|poetry|pipenv) run ", line)  # it has them by itself
    return f"{said}{rest}" if said != line or is_projects else task


#: A file of the repository that a command starts by its name.
_BY_NAME = re.compile(r"(^|(?:&&|;|\|\|) )(\.{1,2}/[\w./-]+)(?=\s|$)")


def startable(service: Service, folder: Folder) -> Service:
    """Start by a shell what git keeps without the mode to be started: `sh ./mvnw`.

    People on Windows see no such mode.
    """

    def said(match: re.Match[str]) -> str:
        path = posixpath.normpath(match[2])
        first = "" if folder.starts(path) else folder.read(path).partition("\n")[0]
        shell = re.search(r"^#!.*\b((?:ba)?sh)\b", first)
        return f"{match[1]}{shell[1]} {match[2]}" if shell else match[0]

    tasks = {name: _BY_NAME.sub(said, line) for name, line in service.tasks.items()}
    return replace(service, run=_BY_NAME.sub(said, service.run), tasks=tasks)


def _said(
    argv: tuple[str, ...], folder: Folder, recognisers: list[Recogniser]
) -> tuple[str, Recogniser | None]:
    """Translate a container's command to this machine; also return the recogniser that did it."""
    argv = tuple(_in_folder(word, folder) for word in argv)
    if len(argv) > 1 and goes_on(argv[0], folder):
        argv = argv[1:]
    assigned = next((n for n, word in enumerate(argv) if not re.match(r"\w+=", word)), 0)
    between = next((n for n, word in enumerate(argv) if word in ("&&", ";", "||")), 0)
    if assigned and not between:  # `H=$(hostname) exec python app.py`
        rest, by = _said(argv[assigned + (argv[assigned] == "exec") :], folder, recognisers)
        return (f"{joined(argv[:assigned])} {rest}", by) if rest else ("", None)
    if between:
        first, by = _said(argv[:between], folder, recognisers)
        rest, known = _said(argv[between + 1 :], folder, recognisers)
        if not rest and first and _IN_SHELLS.match(argv[between + 1]):
            rest = joined(argv[between + 1 :])
        if not rest:
            return "", None
        if argv[between] == "&&" and rest.startswith(f"{first} && "):  # it is done by itself
            return rest, known or by
        sign = ";" if argv[between] == ";" else f" {argv[between]}"
        return f"{first or joined(argv[:between])}{sign} {rest}", known or by
    for recogniser in recognisers if argv else ():
        if line := recogniser.here(folder, argv):
            return line, recogniser
    return "", None


def _in_folder(word: str, folder: Folder) -> str:
    """Say a path of a container as that of the file here: `/code/manage.py` is manage.py."""
    steps = word.split("/")
    if not word.startswith("/") or {"bin", "sbin"} & set(steps[:-1]):
        return word
    inside = ("/".join(steps[begin:]) for begin in range(2, len(steps)))
    return next((path for path in inside if path in folder.files), word)
