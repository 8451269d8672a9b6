"""By which events of a workflow a condition can be true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: One comparison of the event's name, and one of what it is about.
EVENT = re.compile(r"github\.event_name\s*(==|!=)\s*'([^']*)'")
REF = re.compile(
    r"startsWith\(\s*github\.ref\s*,\s*'(refs/\w+/)[^']*'\s*\)"
    r"|github\.ref\s*==\s*'(refs/\w+/)[^']*'|github\.(ref_type)\s*==\s*'tag'"
)
#: Expressions with these parts may be true by what is not known here.
_OPEN = re.compile(r"\|\||!\s*\(|always\(\)|failure\(\)|cancelled\(\)")
#: A part that is never true switches all off.
_OFF = re.compile(r"(?:^|&&|\$\{\{)\s*false\s*(?:&&|\}\}|$)", re.IGNORECASE)
#: Events whose ref is a branch, and never a tag.
_OF_BRANCHES = ("schedule", "pull_request_target", "issue_comment", "issues")


def is_open(condition: str, triggers: Mapping[str, Any]) -> bool:
    """Tell whether it is not known here by which events a condition is true."""
    # A workflow that others call has their events.
    unknown = "workflow_call" in triggers or not triggers
    return unknown or _OPEN.search(condition) is not None


def is_off(condition: str) -> bool:
    """Tell whether a condition has a part that is never true, and no other one will do."""
    return _OFF.search(condition) is not None and _OPEN.search(condition) is None


def by_name(condition: str, triggers: Mapping[str, Any]) -> set[str]:
    """List the events that a condition's comparisons of their names leave."""
    events = set(triggers)
    for sign, event in EVENT.findall(condition):
        events &= {event} if sign == "==" else events - {event}
    return events


def asked_refs(condition: str) -> list[str]:
    """List what a condition asks the ref to be: `tags`, `heads` or `pull`."""
    found = []
    for one in REF.findall(condition):
        asked = "tags" if "refs/tags/" in one or "ref_type" in one else "heads"
        found.append("pull" if "refs/pull/" in one else asked)
    return found


def possible(condition: str, triggers: Mapping[str, Any]) -> set[str]:
    """List the events by which a condition may be true; all where that is not known."""
    if is_open(condition, triggers):
        return set(triggers)
    if is_off(condition):
        return set()
    refs = asked_refs(condition)
    events = by_name(condition, triggers)
    return {one for one in events if all(has(ref, one, triggers[one]) for ref in refs)}


def has(asked: str, event: str, said: Any) -> bool:
    """Tell whether runs by an event may be of a branch, a tag or a pull request."""
    given = said if isinstance(said, Mapping) else {}
    if event == "push":
        only_branches = {"branches", "branches-ignore"} & given.keys() and "tags" not in given
        only_tags = {"tags", "tags-ignore"} & given.keys() and "branches" not in given
        return (asked == "tags" and not only_branches) or (asked == "heads" and not only_tags)
    if event.startswith("pull_request"):
        return asked == ("heads" if event == "pull_request_target" else "pull")
    if event == "release":
        return asked == "tags"
    return asked == "heads" if event in _OF_BRANCHES else asked != "pull"


def never(condition: str, triggers: Mapping[str, Any]) -> str:
    """Say why a condition is never true; "" where it may be."""
    if not condition or is_open(condition, triggers):
        return ""
    events = by_name(condition, triggers)
    if not events:
        there = ", ".join(sorted(triggers))
        return f"its `if` asks for other events than the workflow has ({there}); add one"
    for asked in asked_refs(condition):
        if not any(has(asked, event, triggers[event]) for event in events):
            there = ", ".join(sorted(events))
            kind = {"tags": "a tag", "heads": "a branch", "pull": "a pull request"}[asked]
            return f"its `if` asks for {kind}, which {there} here never brings; correct one of both"
    return ""
