"""Reads a Dockerfile: what it runs, where it listens and which variables it sets."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from tarmac.adopt.containers.image_programs import program_of
from tarmac.adopt.containers.script_conditions import decided
from tarmac.adopt.containers.start_script import (
    apart,
    end_of_script,
    in_one_line,
    settled_line,
    without_arguments,
    without_choice,
    without_ends,
    without_shell,
)
from tarmac.adopt.survey.found import SKIPPED, Folder, Service
from tarmac.base.foreign.data import from_json

_WAITS = re.compile(
    r"set\s+[-+]|\S*wait-?for\S*\s|sleep\s|echo\s|dockerize\s|cd\s+/[^&|;]*$|export\s+PATH=|"
    r"rm\s+-f\s+\S+\.pid|"
    # Users of its container: programs run as you here.
    r"(?:group|user)(?:add|mod)\s|add(?:user|group)\s|chown\s"
)
_CONTROLS = re.compile(
    r"(if|then|else|elif|fi|for|while|until|do|done|case|esac|function|trap|\w+\(\)|[{}])\b"
)

#: Programs that wait for a server, then start another one.
_WAITING = re.compile(r"(?:^|/)(?:wait[-_]?for[\w.-]*|dockerize)$")
#: A line of a script that goes on until it is stopped: what is behind it is never reached.
_STAYS = re.compile(
    r"^(?:exec |python3? |poetry run |uv run |-m |\S+\.py )*"
    r"(?:runserver|uvicorn|gunicorn|hypercorn|daphne|flask run)\b[^&]*$"
)
#: A loop that ends when others listen, which start first here.
_WAIT_LOOP = re.compile(
    r"^(?:while|until)\s[^;]{1,200};\s*do\s[^;]{0,100}\bsleep\b[^;]{0,40};\s*done\s*(?:;|&&)\s*"
)
#: The same over several lines, with what it says meanwhile.
_WAIT_LINES = re.compile(
    r"(?m)^[ \t]*(?:while|until)\s[^\n]{1,200}?[;\n]\s*do\b"
    r"(?:\s*(?:echo|printf|sleep)\b[^\n;]{0,200}[;\n])+\s*done[ \t]*(?:;|&&|$)"
)
#: Programs that start another one again after an edit.
_WATCHERS = frozenset({"watchmedo", "watchfiles", "nodemon", "reflex", "entr"})
_INSTRUMENTS = frozenset({"newrelic-admin", "ddtrace-run", "opentelemetry-instrument"})
#: A line of a script that starts a program again and again: its own debugger, in the background.
_DEBUGGER = re.compile(r"dlv\s+(?:debug|exec)\b.*")
#: What a stage has from the one that it is made of, as lines.
_TAKEN = re.compile(r"(?im)^[ \t]*(?:ENV|EXPOSE|ENTRYPOINT|CMD|STOPSIGNAL|WORKDIR)\s.*\n")
#: The lines of those that say what is started.
_STARTS = re.compile(r"(?i)[ \t]*(?:ENTRYPOINT|CMD)\s")
#: Images that others are made of, whose program takes the command as its arguments.
_ENTRIES = {"airflow": ("airflow",), "dagster": ("dagster",), "superset": ("superset",)}
#: Options of reflex that take no value.
_REFLEX_SWITCHES = frozenset(
    {"-s", "--start-service", "-v", "--verbose", "-e", "--sequential", "--"}
)


def read_dockerfile(text: str, name: str, folder: str) -> Service:
    """Read the last stage's command, ports and variables; the command is the container's."""
    text = _joined(text)
    stage = re.split(r"(?im)^FROM\s", text)[-1]
    entry: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: dict[str, str] = {}
    ports: list[int] = []
    signal = ""
    arguments = _arguments(text)
    for word, rest in re.findall(
        r"(?im)^[ \t]*(ENTRYPOINT|CMD|EXPOSE|ENV|STOPSIGNAL)\s+(.+)$", stage
    ):
        match word.upper():
            case "STOPSIGNAL":
                signal = rest
            case "ENTRYPOINT":
                entry, command = _by_shell(words(rest)), ()
            case "CMD":
                command = words(rest)
            case "EXPOSE":
                said = _filled(rest, {**arguments, **env})
                ports += [int(port) for port in re.findall(r"(?<![\d/])(\d{2,5})(?!\d|/udp)", said)]
            case _:
                # In its old form all behind the first word is the value: `ENV LOG api=info`.
                old = re.match(r"([A-Za-z_]\w*)[ \t]+(.+)", rest)
                several = r"\b([A-Za-z_]\w{0,99})=(\"[^\"]*\"|'[^']*'|\S+)"
                pairs = [old.groups()] if old else re.findall(several, rest)
                plainly = {key: value.strip("\"'") for key, value in pairs}
                env |= {key: _filled(value, arguments) for key, value in plainly.items()}
    # The number that its command says counts before one that its image only tells of.
    started = (*entry, *command)
    told = [b for a, b in pairwise(started) if a in ("--port", "--http-port") and b.isdigit()]
    ports = [int(told[0])] if len(told) == 1 and len(ports) == 1 else ports
    names = ["http", *(f"port-{number}" for number in ports[1:])]
    own = (
        *("PYTHON", "PIP_", "UV_", "POETRY_", "VIRTUAL_ENV", "PATH", "NODE_ENV", "NPM_", "JAVA_"),
        *("GOPATH", "GOROOT", "GOOS", "GOARCH", "GOPROXY", "GOSUMDB", "GOCACHE", "GO111MODULE"),
        *("CGO_", "HOST"),
    )
    return Service(
        name=name,
        folder=folder,
        container_command=without_installs((*entry, *command)) or program_of(base_image(text)[0]),
        why="Dockerfile",
        ports=dict(zip(names, ports, strict=False)),
        env={
            k: v
            for k, v in env.items()
            if "$" not in v and not k.startswith(own) and k not in ("HOME", "USER", "SHELL")
        },
        stop_signal=named_signal(signal),
    )


def python_path(text: str) -> str:
    """Read where a Dockerfile's last stage lets Python look for modules; "" where it says none."""
    stage = re.split(r"(?im)^FROM\s", _joined(text))[-1]
    said = re.findall(r"(?im)^[ \t]*ENV\s(?:.*\s)?PYTHONPATH[= ][\"']?([^\s\"']+)", stage)
    parts = said[-1].split(":") if said else []
    return ":".join(part for part in parts if part.startswith("/"))


def _joined(text: str) -> str:
    """Write each instruction in one line; comments may be between its lines."""
    return re.sub(r"\\\s*\n", " ", re.sub(r"(?m)^[ \t]*#.*\n", "", text))


def of_target(text: str, target: str) -> str:
    """Cut a Dockerfile behind the stage that is built, which takes over what others before it say.

    Args:
        target: the stage's name; "" for the last one.
    """
    arguments, *stages = re.split(r"(?im)^(?=FROM\s)", _joined(text))
    heads = [re.match(r"(?i)FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", one) for one in stages]
    names = [head[2] if head else "" for head in heads]
    if not stages or (target and target not in names):
        return text
    at = names.index(target) if target else len(stages) - 1
    starts = re.search(r"(?im)^(ENTRYPOINT|CMD)\s", stages[at])
    taken, base = "", heads[at]
    while base and base[1] in names[:at]:
        before = names.index(base[1])
        said = _TAKEN.findall(stages[before])
        # What starts it counts from the stage itself, where that says so.
        kept = said if target or not starts else [line for line in said if not _STARTS.match(line)]
        taken = "".join(kept) + taken
        at_base = heads[before]
        base = at_base if at_base and at_base[1] != base[1] else None
    first, end, rest = stages[at].partition("\n")
    return "".join((arguments, *stages[:at], first, end, taken, rest))


def named_signal(text: str) -> str:
    """Return a signal's name without SIG, as the model has it; "" for SIGTERM and for others."""
    name = text.strip().strip("\"'").upper().removeprefix("SIG")
    name = {"2": "INT", "3": "QUIT", "1": "HUP"}.get(name, name)
    return name if name in ("INT", "QUIT", "HUP", "USR1", "USR2", "WINCH") else ""


def made_folders(text: str, folder: Folder) -> dict[str, str]:
    """Write the task that makes the folders which an image makes in its working folder."""
    workdir, found = "/", list[str]()
    stages: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for step, rest in re.findall(r"(?im)^[ \t]*(FROM|WORKDIR|RUN)\s+(.+)$", _joined(text)):
        if step.upper() == "FROM":  # what an earlier stage makes is in the last one if it begins so
            stages[name] = (workdir, found)
            words = [word for word in rest.split() if not word.startswith("--")]
            workdir, found = stages.get(words[0].lower(), ("/", []))
            found, name = [*found], words[-1].lower() if len(words) == 3 else ""
        if step.upper() == "WORKDIR":
            workdir = posixpath.normpath(posixpath.join(workdir, rest.strip().strip('"')))
        for line in re.findall(r"\bmkdir\s+((?:-\S+\s+)*[^&|;<>]+)", rest) if step == "RUN" else ():
            paths = (posixpath.join(workdir, word) for word in line.split() if word[0] != "-")
            inside = (posixpath.relpath(path, workdir) for path in paths if workdir != "/")
            found += [path for path in inside if re.fullmatch(r"\w[\w./-]*", path)]
    named = (path for path in dict.fromkeys(found) if not SKIPPED & {*path.split("/")})
    wanted = [path for path in named if not folder.exists(path)]
    return {"folders": f"mkdir -p {' '.join(wanted)}"} if wanted else {}


def base_image(text: str) -> tuple[str, bool]:
    """Read the image that the last stage begins with, and whether the stage changes it."""
    text = re.sub(r"\\\s*\n", " ", text)
    image, stage = "", ""
    for part in re.split(r"(?im)^FROM\s+", text)[1:]:
        first, _, stage = part.partition("\n")
        named = [word for word in first.split() if not word.startswith("--")]
        image = _with_arguments(named[0], text) if named else ""
    return image, bool(re.search(r"(?im)^[ \t]*(COPY|ADD|RUN|CMD|ENTRYPOINT)\s", stage))


def _with_arguments(image: str, text: str) -> str:
    """Fill in the arguments of a build that an image's name has, where they have a default."""
    given = _arguments(text)
    for _ in given:
        image = _filled(image, given)
    return image


def _arguments(text: str) -> dict[str, str]:
    return dict(re.findall(r"(?im)^ARG\s+(\w+)=[\"']?([^\"'\s]*)[\"']?[ \t]*$", text))


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values.get(match[1], match[0]), text)


def words(line: str) -> tuple[str, ...]:
    """Split a command in either of its forms, a list or a line; () if it is neither."""
    line = line.strip()
    try:
        if not line.startswith("["):
            return plain(tuple(shlex.split(apart(line.removeprefix("exec ")))))
        listed = tuple(map(str, from_json(line)))
    except ValueError:
        return ()
    return plain(listed)


def plain(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Take a shell off a command: `sh -c "x y"` is x y."""
    while (
        len(argv) > 2 and argv[0].rsplit("/", 1)[-1] in ("sh", "bash") and argv[1] in ("-c", "-lc")
    ):
        text = without_choice(without_ends(_WAIT_LINES.sub("", argv[2])))
        lines = "\n".join(line for line in text.splitlines() if not _WAITS.match(line.strip()))
        text = in_one_line(lines) if "\n" in text.strip() else text
        try:
            line = _WAIT_LOOP.sub("", text.strip()).removeprefix("exec ")
            argv = tuple(shlex.split(apart(line)))
        except ValueError:
            return ()
    end = argv.index("&&") if "&&" in argv[:-1] else 0
    if end and _WAITING.search(argv[0]) and "--" not in argv[:end]:  # `wait-for db:5432 && app`
        return plain(argv[end + 1 :])
    if argv and _WAITING.search(argv[0]) and "--" in argv[:-1]:  # what it waits for starts first
        return plain(argv[argv.index("--") + 1 :])
    if len(argv) > 1 and _WAITING.search(argv[0]) and re.search(r"\S\s+\S", argv[-1]):
        try:  # `wait-for-it.sh queue 5672 "php artisan queue:work"`
            return plain(tuple(shlex.split(argv[-1])))
        except ValueError:
            return argv
    return argv


def _by_shell(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Take the shell off an entry point that is a script: `/bin/bash /entrypoint.sh`."""
    is_script = len(argv) == 2 and argv[1].endswith(".sh")
    return argv[1:] if is_script and argv[0].rsplit("/", 1)[-1] in ("sh", "bash") else argv


def without_installs(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out what a container installs and sets up for that before it starts: a task does it."""
    installs = re.compile(
        r"(?:npm (?:install|ci|i)|(?:yarn|pnpm)(?: install)?)(?: -\S+)*|"
        r"(?:npm|yarn|pnpm) config set .*|"
        # Packages that its image has elsewhere.
        r"(?:rsync|cp|mv|ln) .*\bnode_modules\b.*"
    )
    while "&&" in argv and installs.fullmatch(" ".join(argv[: argv.index("&&")])):
        argv = argv[argv.index("&&") + 1 :]
    return argv


def entry_of(text: str) -> tuple[str, ...]:
    """Read the entry point of a Dockerfile's last stage, or the one of the image it is made of."""
    stage = re.split(r"(?im)^FROM\s", re.sub(r"\\\s*\n", " ", text))[-1]
    found = re.findall(r"(?im)^[ \t]*ENTRYPOINT\s+(.+)$", stage)
    image = base_image(text)[0].rsplit("/", 1)[-1].partition(":")[0]
    return _by_shell(words(found[-1])) if found else _ENTRIES.get(image, ())


def goes_on(program: str, folder: Folder) -> bool:
    """Tell whether a container's program ends as the command that follows it: `exec "$@"`."""
    name = program.rsplit("/", 1)[-1]
    if name.endswith(".sh") or "entrypoint" in name:
        return True
    place = next((f for f in folder.files if f.rsplit("/", 1)[-1] == name), "")
    return bool(place) and 'exec "$@"' in folder.read(place)


def script_of(
    argv: tuple[str, ...],
    folder: Folder,
    copied: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a start script of the repository: what it does first, and what it runs in the end.

    Its lines are kept as they are, each of one command; of one with conditions, what is done
    whatever is the case.

    Args:
        copied: files of the image, and where the folder has them.
        given: the container's variables.

    Returns:
        The lines that come first, and the last one's words; both empty where there is none.
    """
    argv = without_shell(argv)
    given = {**(given or {}), **{str(n): word for n, word in enumerate(argv[1:], 1)}}
    name = argv[0].rsplit("/", 1)[-1] if argv else ""
    place = (copied or {}).get(argv[0], "") if argv else ""
    if not place and not name.endswith(".sh"):
        return (), ()
    place = place or next((f for f in folder.files if f.rsplit("/", 1)[-1] == name), "")
    lines = re.sub(r"\\[ \t]*\n", " ", folder.read(place)).splitlines() if place else []
    said = [re.sub(r"(^|\s+)#(\s[^'\"]*)?$", "", line.strip()) for line in lines]
    said = [line for line in said if line and not line.startswith("#")]
    # It waits for others, which start first here.
    said = [line for line in said if not _WAITS.match(line)]
    if any(_CONTROLS.match(line) for line in said):
        said = decided(said, given)
    if any(_CONTROLS.match(line) for line in said):
        said = said if len(argv) > 1 else without_arguments(said)
        # Without anything that follows, a script that hands over has prepared, and ends.
        own = [line for line in said if line != 'exec "$@"' or len(argv) > 1]
        debugged = [match[0] for match in map(_DEBUGGER.match, own) if match]
        if debugged:
            return (), unwatched(words(debugged[0].rstrip("& ")), folder)
        before_it, last_words = end_of_script(own, given)
        return before_it, unwatched(last_words, folder)
    if not said:
        return (), ()
    if made := _detached(said):
        return (), words(made)
    stays = next((n for n, line in enumerate(said) if _STAYS.search(line)), len(said))
    *before, last = said[: stays + 1]
    beside = [line for line in before if re.search(r"[^&]&$", line)]
    before = [line for line in before if line not in beside]
    last = " ".join((*(re.sub(r"\s*&$", " &", line) for line in beside), last))
    last = last.removeprefix("exec ").replace('"$@"', "").strip()
    before, last = settled_line(before, last, given, place)
    return tuple(before), unwatched(words(last), folder)


def _detached(lines: list[str]) -> str:
    """Read the worker of a script that puts it into the background, then shows its log."""
    started = next((line for line in lines if line.startswith("celery multi start")), "")
    app = re.search(r"(?:--app|-A)[= ](\S+)", started)
    return f"celery -A {app[1]} worker" if app and re.match(r"tail -[fF]\s", lines[-1]) else ""


def prepared_by(
    argv: tuple[str, ...],
    folder: Folder,
    copied: Mapping[str, str],
    given: Mapping[str, str],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a start script as `script_of` does, also one that others follow: `./setup.sh && app`."""
    at = argv.index("&&") if "&&" in argv else len(argv)
    before, last = script_of(argv[:at], folder, copied, given)
    follows = argv[at + 1 :]
    return ((*before, " ".join(last)), follows) if last and follows else (before, last)


def unwatched(argv: tuple[str, ...], folder: Folder) -> tuple[str, ...]:
    """Take a program off a command that starts it again after an edit."""
    argv = _uninstrumented(_waited(argv, folder))
    while "--" in argv and argv[0].rsplit("/", 1)[-1] in _WATCHERS:
        argv = argv[argv.index("--") + 1 :]
    name = argv[0].rsplit("/", 1)[-1] if argv else ""
    if name == "reflex":
        return plain(_by_reflex(argv, folder))
    if name == "supervisord":
        programs = [*supervised(argv, folder).values()]
        return programs[0].words if len(programs) == 1 else argv
    if name == "dlv":  # `dlv debug ./cmd/api --headless -- serve`
        options, rest = argv[1:], argv[len(argv) :]
        if "--" in argv:
            options, rest = argv[1 : argv.index("--")], argv[argv.index("--") + 1 :]
        package = next((word for word in options[1:2] if not word.startswith("-")), ".")
        return ("go", "run", package, *rest)
    if argv[1:3] == ("-m", "debugpy"):  # `python -m debugpy --listen 5678 -m uvicorn app:app`
        rest = argv[3:]
        while rest and rest[0].startswith("-") and rest[0] != "-m":
            rest = rest[1 + (rest[0] in ("--listen", "--connect", "--log-to")) :]
        return (argv[0], *rest) if rest else argv
    if name == "hupper" and "-m" in argv[:-1]:  # `hupper --reload-interval 10 -m celery worker`
        return argv[argv.index("-m") + 1 :]
    if name != "watchfiles":
        return argv
    if "--args" in argv[:-1]:  # `watchfiles celery.__main__.main --args '-A app worker'`
        module = next((word for word in argv if "." in word and " " not in word), "")
        return (module.partition(".")[0], *words(argv[argv.index("--args") + 1]))
    return next((words(word) for word in argv[1:] if " " in word), argv)


def _uninstrumented(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Take a program off a command that measures what it starts: it is not needed for that."""
    name = argv[0].rsplit("/", 1)[-1] if len(argv) > 1 else ""
    if name not in _INSTRUMENTS:
        return argv
    rest = argv[1 + (argv[1] == "run-program") :]
    while rest and rest[0].startswith("-"):
        rest = rest[1 if "=" in rest[0] else 2 :]
    return rest or argv


class SupervisedProgram(NamedTuple):
    """A program that supervisord starts."""

    words: tuple[str, ...]
    #: Where in the image; "": its working folder.
    directory: str


def supervised(argv: tuple[str, ...], folder: Folder) -> dict[str, SupervisedProgram]:
    """Read the programs that supervisord starts by its file, by their names."""
    if not argv or argv[0].rsplit("/", 1)[-1] != "supervisord":
        return {}
    named = [word for word in argv[1:] if word.endswith(".conf")] or ["supervisord.conf"]
    name = named[-1].rsplit("/", 1)[-1]
    place = next((f for f in folder.files if f.rsplit("/", 1)[-1] == name), "")
    found = {}
    for part in re.split(r"(?m)^\[", folder.read(place) if place else ""):
        title, _, rest = part.partition("]")
        said = dict(re.findall(r"(?m)^[ \t]*(command|directory)[ \t]*=[ \t]*(.+?)[ \t]*$", rest))
        if title.startswith("program:") and "command" in said:
            line = re.sub(r"%\(ENV_(\w+)\)s", r"$\1", said["command"])
            program = SupervisedProgram(words(line), said.get("directory", ""))
            found[title.removeprefix("program:").strip()] = program
    return found


def _waited(argv: tuple[str, ...], folder: Folder) -> tuple[str, ...]:
    """Take a script off a command that waits for what its first words name: it starts first here.

    How many words that are says the script itself, which shifts them away: `./wait.sh db ./app`.
    """
    name = argv[0].rsplit("/", 1)[-1] if len(argv) > 1 else ""
    if not _WAITING.search(name) or "--" in argv:
        return argv
    place = next((f for f in folder.files if f.rsplit("/", 1)[-1] == name), "")
    shifts = re.findall(r"(?m)^shift(?:[ \t]+(\d))?[ \t]*$", folder.read(place) if place else "")
    taken = sum(int(many or 1) for many in shifts)
    return argv[1 + taken :] if taken < len(argv) - 1 and (taken or not place) else argv


def _by_reflex(argv: tuple[str, ...], folder: Folder) -> tuple[str, ...]:
    """Read what reflex starts: the end of its command, or the one line of its file."""
    if "-c" in argv[:-1]:
        name = argv[argv.index("-c") + 1].rsplit("/", 1)[-1]
        place = next((f for f in folder.files if f.rsplit("/", 1)[-1] == name), "")
        lines = [line.strip() for line in folder.read(place).splitlines()] if place else []
        said = [words(line) for line in lines if line and not line.startswith("#")]
        argv = ("reflex", *said[0]) if len(said) == 1 else ()
    rest = argv[1:]
    while rest and rest[0].startswith("-"):
        rest = rest[1:] if "=" in rest[0] or rest[0] in _REFLEX_SWITCHES else rest[2:]
    return rest or argv


def copied_files(text: str) -> dict[str, str]:
    """Read which single files a Dockerfile copies: their path in the image -> in the folder."""
    text = re.sub(r"\\\s*\n", " ", text)
    steps = re.findall(r"(?im)^[ \t]*COPY\s+(.+)$", text)
    inside = {path.rstrip("/") for path in re.findall(r"(?im)^[ \t]*WORKDIR\s+(\S+)", text)}
    found: dict[str, str] = {}
    for step in steps:
        paths = [word for word in step.split() if not word.startswith("--")]
        *sources, target = paths or [""]
        if "--from=" in step or not sources or not target.startswith("/"):
            continue
        for source in sources:
            is_folder = target.endswith("/") or target in inside
            name = f"/{source.rsplit('/', 1)[-1]}" if is_folder else ""
            found[f"{target.rstrip('/') if is_folder else target}{name}"] = source.removeprefix(
                "./"
            ).lstrip("/")
    return found
