"""Reads a Dockerfile: what it runs, where it listens and which variables it sets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from tarmac.adopt._found import Folder, Service
from tarmac.base.foreign.data import from_json

_WAITS = re.compile(
    r"set\s+[-+]|\S*wait-?for\S*\s|sleep\s|echo\s|dockerize\s|cd\s+/|export\s+PATH=|"
    r"rm\s+-f\s+\S+\.pid"
)
_CONTROLS = re.compile(
    r"(if|then|else|elif|fi|for|while|until|do|done|case|esac|function|trap|\w+\(\)|[{}])\b"
)

#: Programs that wait for a server, then start another one.
_WAITING = re.compile(r"(?:^|/)(?:wait[-_]?for[\w.-]*|dockerize)$")
#: Programs that start another one again after an edit.
_WATCHERS = frozenset({"watchmedo", "watchfiles", "nodemon", "reflex", "entr"})


def read_dockerfile(text: str, name: str, folder: str) -> Service:
    """Read the last stage's command, ports and variables; the command is the container's."""
    text = re.sub(r"\\\s*\n", " ", text)
    stage = re.split(r"(?im)^FROM\s", text)[-1]
    entry: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: dict[str, str] = {}
    ports: list[int] = []
    signal = ""
    for word, rest in re.findall(
        r"(?im)^[ \t]*(ENTRYPOINT|CMD|EXPOSE|ENV|STOPSIGNAL)\s+(.+)$", stage
    ):
        match word.upper():
            case "STOPSIGNAL":
                signal = rest
            case "ENTRYPOINT":
                entry, command = words(rest), ()
            case "CMD":
                command = words(rest)
            case "EXPOSE":
                ports += [int(port) for port in re.findall(r"(?<![\d/])(\d{2,5})(?!\d|/udp)", rest)]
            case _:
                pairs = re.findall(r"\b([A-Za-z_]\w{0,99})=(\"[^\"]*\"|'[^']*'|\S+)", rest)
                if not pairs and (old := re.match(r"(\w+)\s+(.+)", rest)):
                    pairs = [old.groups()]
                env.update({key: value.strip("\"'") for key, value in pairs})
    names = ["http", *(f"port-{number}" for number in ports[1:])]
    own = (
        *("PYTHON", "PIP_", "UV_", "POETRY_", "VIRTUAL_ENV", "PATH", "NODE_ENV", "NPM_", "JAVA_"),
        "HOST",
    )
    return Service(
        name=name,
        folder=folder,
        container_command=(*entry, *command),
        why="Dockerfile",
        ports=dict(zip(names, ports, strict=False)),
        env={k: v for k, v in env.items() if "$" not in v and not k.startswith(own)},
        stop_signal=named_signal(signal),
    )


def named_signal(text: str) -> str:
    """Return a signal's name without SIG, as the model has it; "" for SIGTERM and for others."""
    name = text.strip().strip("\"'").upper().removeprefix("SIG")
    name = {"2": "INT", "3": "QUIT", "1": "HUP"}.get(name, name)
    return name if name in ("INT", "QUIT", "HUP", "USR1", "USR2", "WINCH") else ""


def base_image(text: str) -> tuple[str, bool]:
    """Read the image that the last stage begins with, and whether the stage changes it."""
    text = re.sub(r"\\\s*\n", " ", text)
    image, stage = "", ""
    for part in re.split(r"(?im)^FROM\s+", text)[1:]:
        first, _, stage = part.partition("\n")
        named = [word for word in first.split() if not word.startswith("--")]
        image = named[0] if named else ""
    return image, bool(re.search(r"(?im)^[ \t]*(COPY|ADD|RUN|CMD|ENTRYPOINT)\s", stage))


def words(line: str) -> tuple[str, ...]:
    """Split a command in either of its forms, a list or a line; () if it is neither."""
    line = line.strip()
    try:
        if not line.startswith("["):
            return tuple(shlex.split(line.removeprefix("exec ")))
        listed = tuple(map(str, from_json(line)))
    except ValueError:
        return ()
    return plain(listed)


def plain(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Take a shell off a command: `sh -c "x y"` is x y."""
    while (
        len(argv) > 2 and argv[0].rsplit("/", 1)[-1] in ("sh", "bash") and argv[1] in ("-c", "-lc")
    ):
        try:
            argv = tuple(shlex.split(argv[2].removeprefix("exec ")))
        except ValueError:
            return ()
    if argv and _WAITING.search(argv[0]) and "--" in argv[:-1]:  # what it waits for starts first
        return plain(argv[argv.index("--") + 1 :])
    return argv


def entry_of(text: str) -> tuple[str, ...]:
    """Read the entry point of a Dockerfile's last stage."""
    stage = re.split(r"(?im)^FROM\s", re.sub(r"\\\s*\n", " ", text))[-1]
    found = re.findall(r"(?im)^[ \t]*ENTRYPOINT\s+(.+)$", stage)
    return words(found[-1]) if found else ()


def goes_on(program: str, folder: Folder) -> bool:
    """Tell whether a container's program ends as the command that follows it: `exec "$@"`."""
    name = program.rsplit("/", 1)[-1]
    if name.endswith(".sh") or "entrypoint" in name:
        return True
    place = next((f for f in folder.files if f.rsplit("/", 1)[-1] == name), "")
    return bool(place) and 'exec "$@"' in folder.read(place)


def dispatched(argv: tuple[str, ...], folder: Folder) -> tuple[str, ...]:
    """Read what a start script runs for a word: the arm of its `case "$1"`; () without one."""
    name = argv[0].rsplit("/", 1)[-1] if len(argv) > 1 else ""
    place = next((f for f in folder.files if name and f.rsplit("/", 1)[-1] == name), "")
    text = re.sub(r"\\\s*\n", " ", folder.read(place)) if place else ""
    _, found, arms = text.partition('case "$1" in')
    arm = (
        re.search(
            rf"(?ms)^[ \t]*(?:[\w-]+\s*\|\s*)*{re.escape(argv[1])}(?:\s*\|[^)\n]*)?\)(.*?);;", arms
        )
        if found
        else None
    )
    if arm is None:
        return ()
    functions = dict(re.findall(r"(?ms)^(?:function\s+)?([\w-]+)\s*\(\)\s*\{\n(.*?)^\}", text))
    body = arm[1]
    for _ in functions:
        called = _last_line(body).split()[:1]
        if not called or called[0] not in functions:
            break
        body = functions[called[0]]
    said = unwatched(words(_last_line(body).removeprefix("exec ")))
    return tuple(word for word in said if not re.fullmatch(r"\$[@*\w]+", word))


def _last_line(body: str) -> str:
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if not line.startswith(("#", "shift"))), "")


def script_of(
    argv: tuple[str, ...], folder: Folder, copied: Mapping[str, str] | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a start script of the repository: what it does first, and what it runs in the end.

    Its lines are kept as they are, each of one command: one with more to it is not read at all.

    Args:
        copied: files of the image, and where the folder has them.

    Returns:
        The lines that come first, and the last one's words; both empty where there is none.
    """
    name = argv[0].rsplit("/", 1)[-1] if argv else ""
    place = (copied or {}).get(argv[0], "") if argv else ""
    if not place and not name.endswith(".sh"):
        return (), ()
    place = place or next((f for f in folder.files if f.rsplit("/", 1)[-1] == name), "")
    lines = re.sub(r"\\\s*\n", " ", folder.read(place)).splitlines() if place else []
    said = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    # It waits for others, which start first here.
    said = [line for line in said if not _WAITS.match(line)]
    if not said or any(_CONTROLS.match(line) for line in said):
        return (), ()
    *before, last = said
    return tuple(before), unwatched(words(last.removeprefix("exec ").replace('"$@"', "").strip()))


def unwatched(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Take a program off a command that starts it again after an edit."""
    while "--" in argv and argv[0].rsplit("/", 1)[-1] in _WATCHERS:
        argv = argv[argv.index("--") + 1 :]
    if not argv or argv[0].rsplit("/", 1)[-1] != "watchfiles":
        return argv
    if "--args" in argv[:-1]:  # `watchfiles celery.__main__.main --args '-A app worker'`
        module = next((word for word in argv if "." in word and " " not in word), "")
        return (module.partition(".")[0], *words(argv[argv.index("--args") + 1]))
    return next((words(word) for word in argv[1:] if " " in word), argv)


def copied_files(text: str) -> dict[str, str]:
    """Read which single files a Dockerfile copies: their path in the image -> in the folder."""
    steps = re.findall(r"(?im)^[ \t]*COPY\s+(.+)$", re.sub(r"\\\s*\n", " ", text))
    found: dict[str, str] = {}
    for step in steps:
        paths = [word for word in step.split() if not word.startswith("--")]
        if "--from=" not in step and len(paths) == 2 and paths[1].startswith("/"):
            found[paths[1]] = paths[0].removeprefix("./").lstrip("/")
    return found
