"""The likely cause of a process's end, from its exit status and its last lines. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tarmac.local.machine.kernel import TcpSocket
from tarmac.local.machine.listeners import UNKNOWN

#: A variable's name in upper case, as programs print it.
_NAME = r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]|[A-Z]{3,}[0-9]*)\b"

#: What may stand between it and the verdict.
_AFTER = r"['\"`]?:? (?i:env\w* var\w* |variable )?"
_MISSING = r"(?i:missing|required|undefined|unset|no|not find) (?i:required |the )?"
#: In Node, libpq, Go and Python: a name that only containers knew, as a rule.
_NO_HOST = (
    r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)|translate host name \"([\w.-]+)\"|"
    r"lookup ([\w.-]+)(?: on \S+)?: (?:no such host|server misbehaving)|"
    r"connecting to ([\w.-]+):\d+\. Name or service not known"
)
_DENIED = r"(?i:permission denied)"
OR_SHARE = "and it is that one's own; give the store `shared: true`"
OR_RESET = "or `tarmac reset`"

#: How programs say that a variable is not there; the name is the first group.
NEEDED: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        r"^KeyError: '([A-Z][A-Z0-9_]+)'",
        r"process\.env\.([A-Za-z_]\w*)\b.*(?i:undefined|not set|missing|required)",
        rf"{_NAME}{_AFTER}(?i:is |was |must be )?(?i:not |un)(?i:set|defined)",
        rf"{_NAME}{_AFTER}(?i:is )?(?i:required|missing|undefined)",
        _NAME + r"['\"`]? (?i:must be (?:set|defined|provided|given))",
        _MISSING + r"(?i:(?:env\w*|config\w*)?\s?(?:var\w*|key|setting)s?:? ).{0,20}?" + _NAME,
        r"required key ([A-Z][A-Z0-9_]+) missing value",
        r"Could not resolve placeholder '([A-Za-z_.][\w.]*)'",
        r"key not found: \"([A-Z][A-Z0-9_]+)\"",
    )
)

#: (pattern of a line, what it means and what to do); the first that matches the latest line wins.
LINES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (
            r"No module named '?([\w.]+)'?",
            "module {0} is not installed in its environment; install it there",
        ),
        (
            r"Cannot find (?:module|package) '([^']+)'",
            "module {0} is not installed; run its package manager, e.g. npm install",
        ),
        (r"(?i)no space left on device|ENOSPC", "the disk is full; make room"),
        (r"(?i)file too large|EFBIG", "a file is larger than it may become (ulimit -f)"),
        (r"(?i)disk quota exceeded|EDQUOT", "its user may not use more of the disk; make room"),
        (r"(?i)read-only file system|EROFS", "the disk cannot be written; write elsewhere"),
        (
            r"has no module ([\w.]+); install",
            "module {0} is not installed in its environment; install it there",
        ),
        (r"(?i)too many open files|EMFILE", "too many files are open; raise `ulimit -n`"),
        (
            r"(?i)exec format error|cannot execute binary file",
            "a program is made for another kind of machine; build it for this one",
        ),
        (
            r"initialized by PostgreSQL version (\d+).* this version (\d+)",
            f"its data is PostgreSQL {{0}}'s, {{1}} runs here; ask for version {{0}}, {OR_RESET}",
        ),
        (
            r"(?i)database files are incompatible",
            f"its data is of another major version; ask for that one, {OR_RESET}",
        ),
        (
            r"Can't handle RDB format version|Bad file format reading the append only file",
            f"its data is of a newer version, or damaged; ask for that version, {OR_RESET}",
        ),
        (
            r"(?:permission denied for|must be owner of) (?:table|relation|sequence|view) (\S+)",
            f"another user of the store made {{0}}, {OR_SHARE}",
        ),
        (
            r"extension \"([\w-]+)\" is not available|function (uuid_generate_\w+)\(\) does not",
            "this PostgreSQL comes without {0}; another may have it: --provider postgres=binary",
        ),
        (r"(?i)password authentication failed", "the store refuses its password"),
        (_NO_HOST, "no host has the name {0} here; have it read the address from a variable"),
        (
            r"(?i)name or service not known|temporary failure in name resolution|no such host",
            "it looks for a host of no such name here; have it read the address from a variable",
        ),
        (r"(?i)pre-existing shared memory block", "a process of the killed server still lives"),
        (r"(?i)out of memory|MemoryError|heap limit", "there was not enough memory"),
        (
            r"(?:sh|bash|dash)(?:: line)?:? ?(?:\d+:|line \d+:)? ([^\s:]+): (?:command )?not found",
            "program {0} is not there; install it, or correct `run`",
        ),
        (
            r"(?:sh|bash|dash)(?:: line)?:? ?(?:\d+:|line \d+:)? ([^\s:]+): Permission denied",
            "{0} may not be executed; chmod +x {0}",
        ),
        (r"(?i)npm err(?:or|!) missing script: \"?([\w:-]+)\"?", "package.json has no script {0}"),
        (
            rf"{_DENIED}: '([^']+)'|{_DENIED}, \w+ '([^']+)'|open ([^\s:]+): {_DENIED}",
            "it may not use {0}; change the owner or mode of it",
        ),
        (
            r"(?i)permission denied|EACCES|operation not permitted",
            "it lacks a permission for a file or port",
        ),
        (
            r"(?i)connection refused|ECONNREFUSED",
            "something that it connects to does not listen; is it in `calls` or `stores`?",
        ),
        (
            r"^(SyntaxError|ImportError|NameError|IndentationError|ReferenceError): (.+)",
            "{0} in its code: {1}",
        ),
    )
)
_IN_USE = re.compile(r"(?i)address already in use|EADDRINUSE|port \d+ is (?:already )?in use")
_ERROR = re.compile(
    r"\s*(?:[\w.]*(?:Error|Exception)|(?i:error|fatal(?: error)?|panic|critical))\b\s*[:!\]]"
)
_NUMBERED = re.compile(r"\[Errno \d+\]|os error \d+|errno:? -?\d+")
_PORT = re.compile(r"(?<![\d.])(\d{2,5})(?![\d.])")
_FIELD_REQUIRED = re.compile(r"^\s+Field required \[type=missing")


def _nobody(port: int) -> str:
    del port
    return UNKNOWN


@dataclass(frozen=True)
class Scene:
    """What is known of a process besides what it printed."""

    #: Variables that it was given.
    given: Collection[str] = ()
    #: Where it is to listen: variable -> number.
    wanted: Mapping[str, int] = field(default_factory=dict)
    #: Ports that are the runtime's: a process that takes them itself finds them taken.
    held: Collection[int] = ()
    host: str = "127.0.0.1"
    #: Its interpreter or program.
    program: str = ""
    #: Says who listens on a port.
    holder: Callable[[int], str] = _nobody


NOTHING_KNOWN = Scene()


def likely_cause(status: int | None, lines: Sequence[str], scene: Scene = NOTHING_KNOWN) -> str:
    """Name the likely cause in one sentence; empty if nothing is known of it."""
    for index in range(len(lines) - 1, -1, -1):
        if cause := _of_line(lines, index, scene):
            return cause
    return _of_status(status) or _complaint(lines)


def wrong_ports(listeners: Sequence[TcpSocket], scene: Scene) -> str:
    """Say that a process listens, but not where it should; empty if it does not listen at all."""
    wanted = set(scene.wanted.values())
    elsewhere = sorted({each.port for each in listeners} - wanted)
    deaf = [each for each in listeners if each.port in wanted and not each.answers(scene.host)]
    missing = {
        name: port
        for name, port in scene.wanted.items()
        if not any(each.port == port and each.answers(scene.host) for each in listeners)
    }
    if not missing:
        return ""
    should = ", ".join(f"{name}={port}" for name, port in missing.items())
    if deaf:
        return (
            f"it listens on {deaf[0].address} port {deaf[0].port}, and should on {scene.host}; "
            "have it listen on HOST"
        )
    if elsewhere:
        ports = ", ".join(map(str, elsewhere))
        return (
            f"it listens on {ports}, and should on {should}; "
            "have it read the variable, or say `listen: fixed`"
        )
    return f"it listens nowhere, and should on {should}"


def _of_line(lines: Sequence[str], index: int, scene: Scene) -> str:
    line = lines[index]
    if _IN_USE.search(line):
        return _taken(line, lines, scene)
    if _FIELD_REQUIRED.match(line) and index:
        return _lacks(lines[index - 1].strip().upper(), scene)
    for pattern in NEEDED:
        if (match := pattern.search(line)) and match[1] not in scene.given:
            return _lacks(match[1], scene)
    for pattern, meaning in LINES:
        if match := pattern.search(line):
            found = [group for group in match.groups() if group is not None]
            said = meaning.format(*found)
            return said.replace("in its environment", _environment(line, scene))
    return ""


def _environment(line: str, scene: Scene) -> str:
    """Name the program that lacks a module; a shell that started it is not the one."""
    told = re.match(r"(\S*/python[\d.]*): ", line)
    program = told[1] if told else scene.program
    known = program and program.rsplit("/", 1)[-1] not in ("sh", "bash")
    return f"for {program}" if known else "in its environment"


def _lacks(name: str, scene: Scene) -> str:
    near = [other for other in scene.given if name in other or other in name]
    hint = f"; it has {min(near)}" if near and len(min(near)) > 3 else ""
    return f"it needs {name}, which nobody gives; add it to its env{hint}"


def _taken(line: str, lines: Sequence[str], scene: Scene) -> str:
    """Say whose port it wants: most often it takes the one that people use, and not its own."""
    said = (_NUMBERED.sub("", text) for text in (line, *lines[::-1]))
    numbers = [int(number) for text in said for number in _PORT.findall(text)]
    should = ", ".join(f"{name}={port}" for name, port in scene.wanted.items())
    for port in numbers:
        if port in scene.held and port not in scene.wanted.values():
            return (
                f"it listens on {port} itself, which Tarmac holds for it; have it listen on "
                f"{should}, or say `listen: fixed`"
            )
    for port in numbers:
        if port in scene.wanted.values():
            return f"its port {port} is taken by {scene.holder(port)}"
    for port in numbers:
        if (who := scene.holder(port)) != UNKNOWN:
            hint = f"; it should listen on {should}" if should else ""
            return f"port {port} is taken by {who}{hint}"
    return "its port is taken by another process" + (f"; it should be {should}" if should else "")


def _complaint(lines: Sequence[str]) -> str:
    """Quote the latest line that looks like the reason; nobody should have to look for it."""
    found = next((line.strip() for line in reversed(lines) if _ERROR.match(line)), "")
    return f"it says: {found[:200]}" if found else ""


def _of_status(status: int | None) -> str:
    if status == -signal.SIGKILL:
        return "it was killed (SIGKILL): by hand, or by the kernel for want of memory"
    if status == -signal.SIGILL:
        return "it was ended by SIGILL: it is made for a newer processor than this one"
    if status == -signal.SIGXFSZ:
        return "a file is larger than it may become (ulimit -f)"
    if status is not None and status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    if status == 127:
        return "a command that it runs was not found"
    if status == 126:
        return "a command that it runs may not be executed"
    if status == 0:
        return "it ended by itself without an error; a service must keep running"
    return ""
