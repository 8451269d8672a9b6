"""Why a node failed, from everything that can be seen of it: its output, its ports, its program.

Called by the lives of nodes once something has gone wrong; it looks and changes nothing.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tarmac.base.launch import redact
from tarmac.model import conventions
from tarmac.plan.plan import Node
from tarmac.run.local.diagnostics import programs
from tarmac.run.local.diagnostics.causes import ProcessEvidence, likely_cause, wrong_ports
from tarmac.run.local.host import kernel, listeners
from tarmac.run.local.state.logs import SHOWN_LINES, LogFile

ENDED = "ended"
#: How the guard says that a program could not be executed, or its folder not entered.
NOT_RUN = ("cannot be run (", "[Errno 2] No such file or directory", "[Errno 20] Not a directory")


@dataclass(frozen=True)
class Failure:
    """Why a try to start failed."""

    detail: str
    cause: str
    last_lines: tuple[str, ...] = ()


def explain(
    node: Node, host: str, failure: str, status: int | None, log: LogFile, seen: str
) -> Failure:
    """Return why a try failed, without a secret; `seen` is where it listened instead, if it did."""
    lines = tuple(line for line in log.tail if not line.startswith("[tarmac]"))
    why = cause(node, host, failure, status, lines, seen)
    return Failure(log.redact(failure), log.redact(why), lines[-SHOWN_LINES:])


def ending(status: int) -> str:
    """Return how a process ended, from its exit status; a negative one is a signal."""
    if status < 0:
        return f"by {signal.Signals(-status).name}"
    return f"with exit status {status}"


def evidence_of(node: Node, host: str) -> ProcessEvidence:
    """Collect what is known of a node, without its output."""
    wanted: dict[str, int] = {}
    for name, port in node.ports.items():
        variable = conventions.PORT
        if wanted:
            variable = f"{conventions.env_prefix(name)}_{conventions.PORT}"
        wanted[variable] = port
    public = urlsplit(node.url).port if node.url else None
    return ProcessEvidence(
        given=tuple(node.launch.env),
        wanted=wanted,
        held=(public,) if public and public not in wanted.values() else (),
        host=host,
        program=node.launch.argv[0],
        holder=listeners.holder,
    )


def wrong_port(node: Node, pid: int, host: str) -> str:
    """Return where a process listens instead of where it should; empty if that is not known."""
    if node.launch.in_container or not kernel.sockets(kernel.LISTEN):
        return ""
    return wrong_ports(listeners.of_program(pid), evidence_of(node, host))


def probed_port(node: Node) -> int | None:
    """Return the port by which it is ready; None where no port tells."""
    return getattr(node.launch.ready, "port", None)


def is_about(seen: str, port: int | None) -> bool:
    """Tell whether what was seen of a process's ports is about one of them; any is meant by None.

    Another port of it may be one that it opens later, or that only some settings switch on.
    """
    return port is None or bool(re.search(rf"(?<!\d){port}(?!\d)", seen))


def cause(
    node: Node, host: str, failure: str, status: int | None, lines: Sequence[str], seen: str = ""
) -> str:
    """Name the likely cause of a failure in one sentence; the failure itself if none is known.

    Args:
        failure: what happened, in our words: how it ended, or why it was ended.
        seen: where it listened at the time, from `wrong_port`.
    """
    evidence = evidence_of(node, host)
    said = ""
    if any(words in failure for words in NOT_RUN):
        path = redact(node.launch.env.get("PATH", ()))
        # Without a `cwd` of the model it works in its own folder, which is made before each start.
        cwd = "/" if node.launch.cwd.startswith("{folder}") else node.launch.cwd
        said = programs.why_not(node.launch.argv, Path(cwd), path)
    elif failure.startswith(ENDED):
        said = likely_cause(status, lines, evidence)
    elif _is_elsewhere(seen, node, evidence):
        nowhere = seen.startswith("it listens on no port")
        said = (likely_cause(None, lines, evidence) or waits(lines)) if nowhere else ""
        said = said or seen
    else:
        said = likely_cause(None, lines, evidence)
        if not said and not failure.startswith("not "):
            said = likely_cause(None, failure.splitlines(), evidence)
    return in_a_folder_above(said, Path(node.launch.cwd)) or said or failure


#: How programs say that they wait for another one; for work they wait as they should.
_WAITS = re.compile(
    r"(?i)\W{0,6}(?:still )?wait(?:s|ing)? (?:for|on) (?:the )?"
    r"(?!(?:new )?(?:message|connection|request|job|task|event|change|file|client|work)s?\b)"
    r"([\w-]{2,40})"
)


def waits(lines: Sequence[str]) -> str:
    """Say what a program waits for by its last line; "" where that says nothing of it."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    match = _WAITS.match(last.strip())
    if match is None:
        return ""
    return (
        f"its last line says that it waits for {match[1]}: have it look for that where a variable "
        "says, not where its code does"
    )


#: So many folders above that of a program are asked for a module, up to the repository's own.
_MOST_ABOVE = 4
_NOT_INSTALLED = re.compile(r"module ([\w.]+) is not installed")
_OF_A_REPOSITORY = ("tarmac.yaml", ".git")


def in_a_folder_above(said: str, cwd: Path) -> str:
    """Say which folder above has a module that was looked for among packages; "" if none has."""
    match = _NOT_INSTALLED.match(said)
    if match is None or not cwd.is_absolute():
        return ""
    name, above = match[1].partition(".")[0], cwd
    for _ in range(_MOST_ABOVE):
        if any((above / mark).exists() for mark in _OF_A_REPOSITORY):
            return ""
        above = above.parent
        if (above / f"{name}.py").is_file() or any((above / name).glob("*.py")):
            return (
                f"module {name} is not found from {cwd}; it is in {above}: give the program that "
                "folder as its `cwd`, or as PYTHONPATH"
            )
    return ""


def _is_elsewhere(seen: str, node: Node, evidence: ProcessEvidence) -> bool:
    """Tell whether a program listens elsewhere: not where its probe asks, or at none of its own."""
    asked = probed_port(node)
    if asked in evidence.wanted.values():
        return bool(seen) and is_about(seen, asked)
    return bool(seen) and any(is_about(seen, port) for port in evidence.wanted.values())
