"""The commit message rule: `type(scope): subject`, types and scopes from two closed lists.

Called by the commit-msg hook with the message's file, and by `make check` with `--history`.
Standard library only and no syntax newer than Python 3.9, because the hook runs before anything is
installed. It never edits a message.

conventional-pre-commit was tried first: it names only the first part that is missing, takes any
spelling of a type (`FEAT`), and always allows `feat` and `fix`. The rule here needs none of that.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

TYPES = ("feat", "fix", "docs", "style", "refactor", "perf", "test", "build", "ci", "chore")

#: What is this repository's own, in a file beside this one: `scopes`, the closed list; and
#: `short_since`, the second before which commits are held to the earlier limit.
OWN = json.loads(Path(__file__).with_name("rule.json").read_text(encoding="utf-8"))
SCOPES = tuple(OWN["scopes"])

HEADER_LIMIT = 72  # characters; `git log --oneline` and every forge cut longer ones
SHORT_SINCE = int(OWN.get("short_since", 0))
EARLIER_LIMIT = 100

_HEADER = re.compile(
    r"^(?P<type>[^\s():!]*)(?:\((?P<scope>[^()]*)\))?!?:(?:\s+(?P<subject>.*\S))?\s*$"
)
_SCISSORS = re.compile(r"^# -{24} >8 -{24}$.*", re.MULTILINE | re.DOTALL)
#: git writes the first two itself, and `rebase --autosquash` takes the other three away again.
_WRITTEN_BY_GIT = re.compile(r"^(Merge |Revert \"|fixup! |squash! |amend! )")


def problems(message: str, limit: int = HEADER_LIMIT) -> list[str]:
    """Return what is wrong with one commit message, a sentence each; empty means good."""
    lines = _without_comments(message).splitlines()
    header = lines[0] if lines else ""
    match = _HEADER.match(header)
    kind, scope, subject = match.group("type", "scope", "subject") if match else ("", None, None)
    found = []
    if not kind:
        found.append(f"type is empty; use one of {', '.join(TYPES)}")
    elif kind not in TYPES:
        found.append(f"type is unknown ({kind}); use one of {', '.join(TYPES)}")
    if match and not scope:
        found.append(f"scope is empty; use one of {', '.join(SCOPES)}")
    elif scope and scope not in SCOPES:
        found.append(f"scope is unknown ({scope}); use one of {', '.join(SCOPES)}")
    if not subject:
        found.append("subject is empty; write what the commit changes after `type(scope): `")
    if len(header) > limit:
        found.append(f"first line is too long ({len(header)}); shorten it to {limit} characters")
    if len(lines) > 1 and lines[1].strip():
        found.append("second line is not empty; separate the body with a blank line")
    return found


def _without_comments(message: str) -> str:
    text = _SCISSORS.sub("", message)
    return "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()


def _check_file(path: Path) -> int:
    message = path.read_text(encoding="utf-8")
    if _WRITTEN_BY_GIT.match(message):
        return 0
    found = problems(message)
    header = (_without_comments(message).splitlines() or [""])[0]
    for problem in found:
        print(f"commit message: {problem}", file=sys.stderr)
    if found:
        print(
            f"refused: {header!r}; write for example: fix(orders): keep the price of a line",
            file=sys.stderr,
        )
    return 1 if found else 0


def _check_history(revisions: str) -> int:
    """Check every commit of `revisions` that is not a merge; name those that break the rule.

    The author's date decides which limit holds, because a rebase keeps it.
    """
    git = ["git", "log", "--no-merges", "-z", "--format=%h %at%n%B", revisions]
    log = subprocess.run(git, capture_output=True, text=True, check=False)
    if log.returncode != 0:
        print(f"{' '.join(git)}: {log.stderr.strip()}; run it inside a git clone", file=sys.stderr)
        return 2
    commits = [entry.split("\n", 1) for entry in log.stdout.split("\0") if entry.strip()]
    bad = 0
    for head, message in commits:
        commit, written_at = head.split()
        limit = HEADER_LIMIT if int(written_at) >= SHORT_SINCE else EARLIER_LIMIT
        for problem in problems(message, limit):
            bad += 1
            print(f"commit {commit}: {problem}", file=sys.stderr)
    print(f"commit messages: {len(commits)} checked, {bad} problems")
    return 1 if bad else 0


def main(arguments: list[str]) -> int:
    """Check one message's file, or with `--history [REVISIONS]` the branch's commits."""
    if arguments[:1] == ["--history"]:
        return _check_history(arguments[1] if len(arguments) > 1 else "HEAD")
    if len(arguments) != 1:
        print("usage: commit_message.py FILE | --history [REVISIONS]", file=sys.stderr)
        return 2
    return _check_file(Path(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
