"""Tells what a command of others would do beyond its program, before it runs at every start.

A `release` line was written for a container that is thrown away: here the folder is the user's own,
and so are its `.env`, its data and this machine. It knows what is common, and proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Scripts that run scripts, at most.
DEEPEST = 4
_RUNS = re.compile(r"\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?([\w:.-]+)")
#: A word that is a command: at the start, or behind what ends another one.
_COMMAND = r"(?:^|[;&|(]|\bsudo\b|\bthen\b|\bdo\b)\s*(?:\w+=\S*\s+)*"
_FORBIDDEN = (
    (
        r"(?<![&<=-])>{1,2}\|?\s*(?!&|\.tarmac/|/dev/(?:null|stdout|stderr)\b)[^\s>]",
        "it writes to a file",
    ),
    (
        rf"{_COMMAND}(?:tee|truncate|mv|cp|ln|dd|install)\s|\bsed\s+(?:-\w+\s+)*-i",
        "it writes files",
    ),
    (rf"{_COMMAND}(?:rm|rmdir|unlink|shred)\s|\bfind\b.*-delete\b|\brimraf\b", "it deletes files"),
    (
        (
            r"(?i)\bdrop\s+(?:table|database|schema)\b|\bdropdb\b|\bdb:(?:drop|reset|setup|schema:load)|"
            r"\bmigrat\w*:(?:fresh|reset|refresh|revert|rollback|down)|\bmigrate\s+(?:reset|down)\b|"
            r"\bschema:(?:drop|sync)|--force-reset|--accept-data-loss|\bflush(?:db|all)?\b|\btruncate\b"
        ),
        "it deletes data",
    ),
    (
        (
            rf"{_COMMAND}(?:sudo|apt|apt-get|apk|yum|dnf|brew|pipx|gem|snap)\s|"
            r"\bnpm\s+(?:i|install)\b[^;&|]*\s(?:-g|--global)\b|\byarn\s+global\b|"
            r"\bpnpm\s+add\b[^;&|]*\s(?:-g|--global)\b|\b(?:cargo|go)\s+install\b|"
            r"--break-system-packages"
        ),
        "it installs on this machine",
    ),
    (r"\b(?:curl|wget)\b[^;&]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b", "it runs downloaded code"),
    (rf"{_COMMAND}git\s+(?:clean|reset|checkout|commit|push|stash)\b", "it changes the repository"),
    (
        rf"{_COMMAND}(?:docker|podman|kubectl|helm|terraform|heroku|fly|flyctl|aws|gcloud|az|ssh)\s",
        "it changes remote systems",
    ),
)


def harm(line: str, scripts: Mapping[str, str], depth: int = DEEPEST) -> str:
    """Return what a line would do to the user's files, data or machine; "" where nothing shows.

    Args:
        scripts: those of its package.json, which it may run by their names.
    """
    for pattern, what in _FORBIDDEN:
        if re.search(pattern, line):
            return what
    for name in _RUNS.findall(line) if depth else ():
        if name in scripts and (what := harm(scripts[name], scripts, depth - 1)):
            return f"`{name}`: {what}" if "`" not in what else what
    return ""
