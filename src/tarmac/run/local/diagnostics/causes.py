"""The likely cause of a process's end, from its exit status and its last lines. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tarmac.run.local.diagnostics.builds import build_failure
from tarmac.run.local.host.kernel import TcpSocket
from tarmac.run.local.host.listeners import UNKNOWN
from tarmac.run.local.host.missing_programs import GET

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
OR_SHARE = "give the store `shared: true`"
OR_RESET = "or `tarmac reset`"

# Compiled by `re` when a line is first looked at: most processes start without a failure.

#: How programs say that a variable is not there; the name is the first group.
NEEDED: tuple[str, ...] = (
    r"^KeyError: '([A-Z][A-Z0-9_]+)'",
    r"process\.env\.([A-Za-z_]\w*)\b.*(?i:undefined|not set|missing|required)",
    rf"{_NAME}{_AFTER}(?i:is |was |must be )?(?i:not |un)(?i:set|defined)",
    rf"{_NAME}{_AFTER}(?i:is )?(?i:required|missing|undefined)",
    rf"{_NAME}{_AFTER}(?i:must be (?:set|defined|provided|given))",
    _MISSING + r"(?i:(?:env\w*|config\w*)?\s?(?:var\w*|key|setting)s?:? ).{0,20}?" + _NAME,
    rf"(?i:var\w* )['\"`]?{_NAME}['\"`]? (?i:(?:is |was )?not (?:found|present|provided|given))",
    r"required key ([A-Z][A-Z0-9_]+) missing value",
    r"Could not resolve placeholder '([A-Za-z_.][\w.]*)'",
    r"key not found: \"([A-Z][A-Z0-9_]+)\"",
    # What a schema of zod says of it, in Node's own form.
    r"path: \[ ['\"]([A-Z][A-Z0-9_]+)['\"] \]",
    # The line of Python's code that makes a number of none.
    r"^[ \t]+.*\b(?:int|float)\(os\.(?:getenv|environ\.get)\(['\"]([A-Z][A-Z0-9_]+)['\"]\)\)",
)

#: (pattern of a line, what it means and what to do); the first that matches the latest line wins.
LINES: tuple[tuple[str, str], ...] = (
    (
        r"No module named '?([\w.]+)'?",
        "module {0} is not installed in its environment; install it there",
    ),
    # Django's own words for it: its manage.py hands on no other.
    (
        r"Couldn't import Django\. Are you sure",
        "module django is not installed in its environment; install it there",
    ),
    (
        r"Cannot find module '(\.{0,2}/[^']+)'",
        "{0} is not there; build the program first, or install its packages again",
    ),
    (
        r"Cannot find (?:module|package) '([^']+)'",
        "module {0} is not installed; run its package manager, e.g. npm install",
    ),
    (
        r"ERR_UNKNOWN_BUILTIN_MODULE|No such built-in module: (?:node:\w+)",
        "it is for a newer Node than the one that runs here; install that, e.g. nvm install --lts",
    ),
    (
        r"Redis transport requires redis-py versions ([\d.]+) or later\. You have ([\d.]+)",
        "its kombu is for redis {0} or newer, and {1} is installed; install 'kombu<5.6' beside it",
    ),
    (
        r"No matching distribution found for ([\w.\[\]-]+)",
        "no version of {0} fits this Python; install the one that the repository is for",
    ),
    (
        r"go\.mod requires go >= ([\d.]+) \(running go ([\d.]+)",
        "it is for Go {0}, and {1} runs here; install that one",
    ),
    (
        r"Expected version: (\S+)",
        "it is for another version of its tools, {0}; install that one",
    ),
    (
        r"defines \"packageManager\": \"(\w+@[\d.]+)",
        "it is for {0}, and another one is on PATH; run `corepack enable`",
    ),
    (
        r"(?i)running a worker with superuser privileges when",
        (
            "Celery refuses to run as root; run Tarmac as another user, or set C_FORCE_ROOT "
            'under `env` to "1"'
        ),
    ),
    (r"(?i)no space left on device|ENOSPC", "the disk is full; free some space"),
    (r"(?i)file too large|EFBIG", "a file exceeds the size limit (ulimit -f)"),
    (r"(?i)disk quota exceeded|EDQUOT", "the disk quota is used up; make room"),
    (r"(?i)read-only file system|EROFS", "the file system is read-only; write elsewhere"),
    (
        r"has no module ([\w.]+); install",
        "module {0} is not installed in its environment; install it there",
    ),
    (r"(?i)too many open files|EMFILE", "too many files are open; raise `ulimit -n`"),
    (
        r"(?i)exec format error|cannot execute binary file",
        "a program is built for another architecture; build it for this one",
    ),
    (
        r"initialized by PostgreSQL version (\d+).* this version (\d+)",
        (
            "its data was written by PostgreSQL {0}, but {1} runs here; set `version: {0}`, "
            f"{OR_RESET}"
        ),
    ),
    (
        r"(?i)database files are incompatible",
        f"its data was written by another major version; set `version` to that one, {OR_RESET}",
    ),
    (
        r"Can't handle RDB format version|Bad file format reading the append only file",
        (
            "its data was written by a newer version, or is damaged; set `version` to "
            "that version, "
            f"{OR_RESET}"
        ),
    ),
    (
        r"(?:permission denied for|must be owner of) (?:table|relation|sequence|view) (\S+)",
        f"{{0}} belongs to another service that uses the store; {OR_SHARE}",
    ),
    (
        (
            r"extension \"([\w-]+)\" is not available|"
            r"function (uuid_generate_\w+|gen_salt|crypt)\(.*\) does not"
        ),
        "this PostgreSQL lacks the extension {0}; try another: --provider postgres=binary",
    ),
    (
        r"(?i)SSL is not enabled on the server|server does not support SSL",
        "it wants an encrypted connection to its store; add ?sslmode=disable to the URL",
    ),
    (r"(?i)password authentication failed", "the store rejected its password"),
    (
        (  # of Go, of Node, and of programs that use libpq
            r"unknown authentication response: 10|[Uu]nknown authenticationOk message type|"
            r"SCRAM authentication requires libpq version 10|authentication method 10 not supported"
        ),
        (
            "its driver is older than SCRAM, by which PostgreSQL checks passwords; update it "
            "(lib/pq 1.1, pg 8, psycopg2 2.8)"
        ),
    ),
    (
        r"ACCESS_REFUSED|username or password not allowed",
        (
            "the broker refuses its login; have it read `${{broker.user}}` and "
            "`${{broker.password}}`, or give the broker its login: `local: {{user: guest, "
            "password: guest}}`"
        ),
    ),
    (
        r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ((?:[\w-]+\.)+[a-z]{2,})\b",
        "host {0} is not found; check the network, or read the address from a variable",
    ),
    (_NO_HOST, "host {0} does not exist here; read the address from a variable"),
    (
        r"(?i)name or service not known|temporary failure in name resolution|no such host",
        "it looks up a host that does not exist here; read the address from a variable",
    ),
    (
        r"(?i)pre-existing shared memory block",
        "a process of the killed server is still running",
    ),
    (r"(?i)out of memory|MemoryError|heap limit", "it ran out of memory"),
    (
        r"(?:sh|bash|dash)(?:: line)?:? ?(?:\d+:|line \d+:)? ([^\s:]+): (?:command )?not found",
        "program {0} was not found; install it, or correct `run`",
    ),
    (
        r"(?:sh|bash|dash)(?:: line)?:? ?(?:\d+:|line \d+:)? ([^\s:]+): Permission denied",
        "{0} is not executable; chmod +x {0}",
    ),
    (
        r"failed to open source, \\?\"file://([^\"\\]+)\\?\": open \.: no such file or directory",
        "it reads {0}, which is not there; build or write that first",
    ),
    (
        r"\bopen (?!\S*\.env\b)([^\s:]+): no such file or directory",
        "it reads {0}, which is not there; build or write that first",
    ),
    (
        r"(/?[\w.@-]+(?:/[\w.@-]+)*\.\w{1,5}) file does not exist",
        "it reads {0}, which is not there; build or write that first",
    ),
    (
        r"Refusing to run (\w+@[\d.]+): its npm registry signature could not be verified",
        (
            "it is for {0}, which the registry gives no signature of; install that version, or set "
            'npm_config_manage_package_manager_versions to "false" under `env`'
        ),
    ),
    (r"(?i)npm err(?:or|!) missing script: \"?([\w:-]+)\"?", "package.json has no script {0}"),
    (
        r"^(\S+): cannot be written \(([^)]+)\); (.+)",
        "{0}: cannot be written ({1}); {2}",
    ),
    (
        rf"{_DENIED}: '([^']+)'|{_DENIED}, \w+ '([^']+)'|open ([^\s:]+): {_DENIED}",
        "no permission for {0}; change its owner or mode",
    ),
    (
        r"host=/(?:var/)?(?:run/postgresql|tmp)\b|/\.s\.PGSQL\.\d+",
        (
            "it was told no place of its database, and looks for it at this machine's socket; give "
            "the variable that it reads the address, `${{stores.NAME.url}}`, under `env`"
        ),
    ),
    (
        r"Expected string or URL object, got None",
        (
            "SQLAlchemy is given no address of a database; give the variable that it reads the "
            "address, `${{stores.NAME.url}}`, under `env`"
        ),
    ),
    (
        r"(?i)permission denied|EACCES|operation not permitted",
        "no permission for a file or port",
    ),
    (
        (
            r"(?:connection to server at \"|dial tcp |connect E[A-Z]+ )"
            r"((?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d+){2})\b"
        ),
        (
            "it connects to {0}, an address of another network; have it read the address from a "
            "variable"
        ),
    ),
    (
        (
            r"(?i)((?:localhost|\d+(?:\.\d+){3}|\[::1\]|::1):\d{2,5})\b.{0,60}connection refused|"
            r"ECONNREFUSED ((?:\d+(?:\.\d+){3}|::1):\d{2,5})\b|"
            # Newer clients of Redis say a number alone.
            r"\bError (?:111|61) connecting to ((?:localhost|\d+(?:\.\d+){3}):\d{2,5})\b"
        ),
        (
            "something that it connects to is not listening, at {0}; have it read the address from "
            "a variable, or declare what is there in `calls` or `stores`"
        ),
    ),
    (
        r"\bConnect call failed \(['\"](?:127\.0\.0\.1|::1)['\"], (\d{2,5})",
        (
            "something that it connects to is not listening, at port {0} of this machine; have it "
            "read the address from a variable, or declare what is there in `calls` or `stores`"
        ),
    ),
    (
        r"(?i)connection refused|ECONNREFUSED",
        "something that it connects to is not listening; declare it in `calls` or `stores`",
    ),
    (
        r"^(SyntaxError|ImportError|NameError|IndentationError|ReferenceError): (.+)",
        "{0} in its code: {1}",
    ),
)
_IN_USE = re.compile(r"(?i)address already in use|EADDRINUSE|port \d+ is (?:already )?in use")
_ERROR = re.compile(
    r"\s*(?:[\w.]*(?:Error|Exception)|(?i:error|fatal(?: error)?|panic|critical))\b\s*[:!\]]"
)
#: An error that only says that there is one.
_SAYS_NOTHING = re.compile(
    r"Application startup failed\. Exiting|Command failed with exit code|^exit status \d+$|"
    r"A complete log of this run can be found in"
)
#: How programs begin to say what arguments they take.
_USAGE = re.compile(r"(?i)\s*usage:")
#: When a line was written.
_WRITTEN = re.compile(r"^\[?\d{2,4}[-/]\d\d[-/]\d\d[ T][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\]?\s+")
_NUMBERED = re.compile(r"\[Errno \d+\]|os error \d+|errno:? -?\d+")
_PORT = re.compile(r"(?<![\d.])(\d{2,5})(?![\d.])")
#: The same of a schema's message in JSON, where the name has a line of its own.
_PATH_BEGINS = re.compile(r"[ \t]*['\"]?path['\"]?: \[[ \t]*$")
_PATH = re.compile(r"[ \t]*['\"]([A-Z][A-Z0-9_]+)['\"],?[ \t]*")
_NO_NUMBER = re.compile(r"^TypeError: (?:int|float)\(\) argument must be .* not 'NoneType'")
_FIELD_REQUIRED = re.compile(r"^[ \t]+Field required \[type=missing")
#: What settings of pydantic say below the name of a variable whose value they cannot read.
_OF_A_KIND = re.compile(r"^[ \t]+Input should be (?:a valid )?(.+) \[type=(\w+)")
_ONE_OF_SEVERAL = ("literal_error", "enum")
_NOT_JSON = re.compile(r"error parsing value for field \"(\w+)\" from source")


def _unknown_holder(port: int) -> str:
    del port
    return UNKNOWN


@dataclass(frozen=True)
class ProcessEvidence:
    """What is known of a process, without its output."""

    #: Variables that it was given.
    given: Collection[str] = ()
    #: Where it is to listen: variable -> number.
    wanted: Mapping[str, int] = field(default_factory=dict)
    #: Ports that are the runtime's: a process that takes them itself finds them taken.
    held: Collection[int] = ()
    host: str = "127.0.0.1"
    #: Its interpreter or program.
    program: str = ""
    #: Names the process that listens on a port.
    holder: Callable[[int], str] = _unknown_holder


NO_EVIDENCE = ProcessEvidence()


def likely_cause(
    status: int | None, lines: Sequence[str], evidence: ProcessEvidence = NO_EVIDENCE
) -> str:
    """Name the likely cause in one sentence; empty if nothing is known of it."""
    if cause := build_failure(lines):
        return cause
    for index in range(len(lines) - 1, -1, -1):
        if cause := _of_line(lines, index, evidence):
            return cause
    return _of_status(status, evidence) or _complaint(lines, status)


def wrong_ports(listeners: Sequence[TcpSocket], evidence: ProcessEvidence) -> str:
    """Say that a process listens, but not where it should; empty if it does not listen at all."""
    wanted = set(evidence.wanted.values())
    elsewhere = sorted({listener.port for listener in listeners} - wanted)
    on_port = [listener for listener in listeners if listener.port in wanted]
    wrong_interface = next((found for found in on_port if not found.answers(evidence.host)), None)
    missing = {
        name: port
        for name, port in evidence.wanted.items()
        if not any(
            listener.port == port and listener.answers(evidence.host) for listener in listeners
        )
    }
    if not missing:
        return ""
    should = ", ".join(f"{name}={port}" for name, port in missing.items())
    if wrong_interface:
        return (
            f"it listens on {wrong_interface.address} port {wrong_interface.port}, not on "
            f"{evidence.host}; have it listen on HOST"
        )
    if elsewhere:
        ports = ", ".join(map(str, elsewhere))
        fixed = "`listen: fixed`"
        if not set(elsewhere) & set(evidence.held):  # the file has another number than its own
            own = f"{elsewhere[0]}" if len(elsewhere) == 1 else "one of these"
            fixed = f"its port to {own} with {fixed}"
        return (
            f"it listens on {ports}; expected {should}; read the port from the variable, "
            f"or set {fixed}"
        )
    return (
        f"it listens on no port; expected {should}; a worker that serves no requests needs no "
        "`port` in the file"
    )


def _of_line(lines: Sequence[str], index: int, evidence: ProcessEvidence) -> str:
    line = lines[index]
    if _IN_USE.search(line):
        return _taken(line, lines, evidence)
    if _FIELD_REQUIRED.match(line) and index:
        return _lacks(lines[index - 1].strip().upper(), evidence)
    if (wrong := _OF_A_KIND.match(line)) and index:
        kind = wrong[1] if wrong[2] in _ONE_OF_SEVERAL else wrong[1].partition(", ")[0]
        given = lines[index - 1].strip().upper()
        return f"{given} is given another value than {kind}; correct it under `env`"
    if match := _NOT_JSON.search(line):
        what = "a text that is not JSON, as which its settings read it"
        return f'{match[1].upper()} is given {what}; write it so under `env`: `["a", "b"]`'
    if index and _PATH_BEGINS.match(lines[index - 1]) and (name := _PATH.fullmatch(line)):
        return _lacks(name[1], evidence)
    for pattern in NEEDED:
        if (match := re.search(pattern, line)) and match[1] not in evidence.given:
            return _lacks(match[1], evidence)
    if _NO_NUMBER.search(line):  # the line before it in the log says of what
        return ""
    for pattern, meaning in LINES:
        if match := re.search(pattern, line):
            found = [group for group in match.groups() if group is not None]
            said = meaning.format(*found)
            if found and (get := GET.get(found[0], "")):
                said = said.replace("not found; install it,", f"not found; install it ({get}),")
            return said.replace("in its environment", _environment(line, evidence))
    return ""


def _environment(line: str, evidence: ProcessEvidence) -> str:
    """Name the program that lacks a module; a shell that started it is not the one."""
    told = re.match(r"(\S*/python[\d.]*): ", line)
    program = told[1] if told else evidence.program
    known = program and program.rsplit("/", 1)[-1] not in ("sh", "bash")
    return f"for {program}" if known else "in its environment"


def _lacks(name: str, evidence: ProcessEvidence) -> str:
    near = [other for other in evidence.given if name in other or other in name]
    hint = f"; it has {min(near)}" if near and len(min(near)) > 3 else ""
    return f"missing environment variable {name}; set it under `env` or `secrets`{hint}"


def _taken(line: str, lines: Sequence[str], evidence: ProcessEvidence) -> str:
    """Return what holds the port: most often the service uses its public port, not its own."""
    said = (_NUMBERED.sub("", text) for text in (line, *lines[::-1]))
    numbers = [int(number) for text in said for number in _PORT.findall(text)]
    should = ", ".join(f"{name}={port}" for name, port in evidence.wanted.items())
    for port in numbers:
        if port in evidence.held and port not in evidence.wanted.values():
            return (
                f"it listens on port {port}, which Tarmac reserves; "
                f"change its port to {should}, or set `listen: fixed`"
            )
    for port in numbers:
        if port in evidence.wanted.values():
            return f"its port {port} is taken by {evidence.holder(port)}"
    for port in numbers:
        if (holder := evidence.holder(port)) != UNKNOWN:
            hint = f"; it should listen on {should}" if should else ""
            return f"port {port} is taken by {holder}{hint}"
    return "its port is taken by another process" + (f"; expected {should}" if should else "")


def _complaint(lines: Sequence[str], status: int | None) -> str:
    """Quote the latest line that looks like the reason, or the last one of what has failed."""
    said = (line.strip() for line in reversed(lines) if _ERROR.match(line))
    found = next((line for line in said if not _SAYS_NOTHING.search(line)), "")
    if not found and any(map(_USAGE.match, lines)):
        return (
            "it wants other arguments than it is given, and says which; add them to its `run`, or "
            "leave it out of the services if it is a tool that people start by hand"
        )
    if found or not status or status < 0:
        return f"it says: {found[:200]}" if found else ""
    last = (line.strip() for line in reversed(lines) if line.strip())
    end = _WRITTEN.sub("", next((line for line in last if not _SAYS_NOTHING.search(line)), ""))
    is_sentence = not end.startswith(("{", "at ")) and re.search(r"\w \w+ \w", end)
    return f"ended with exit status {status}, and said last: {end[:200]}" if is_sentence else ""


def _of_status(status: int | None, evidence: ProcessEvidence) -> str:
    if status == -signal.SIGKILL:
        return "it was killed (SIGKILL), by a user or by the kernel's out-of-memory killer"
    if status == -signal.SIGILL:
        return "it was terminated by SIGILL: it is built for a newer processor than this one"
    if status == -signal.SIGXFSZ:
        return "a file exceeds the size limit (ulimit -f)"
    if status is not None and status < 0:
        return f"it was terminated by {signal.Signals(-status).name}"
    if status == 127:
        return "a command in its script was not found"
    if status == 126:
        return "a command in its script is not executable"
    if status == 0 and evidence.wanted:
        places = " and ".join(map(str, evidence.wanted.values()))
        return (
            f"it exited without an error, and nothing of it stays at port {places}: a service must "
            "keep running; have its code start a server, or take `port` and the service out"
        )
    if status == 0:
        return (
            "it exited without an error; a service must keep running: what ends is a task "
            "(`tasks`) of the service that needs it"
        )
    return ""
