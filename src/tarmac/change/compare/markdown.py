"""A comparison as Markdown for a pull request: counts first, the riskiest next, the rest folded."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.change.compare.change import Change, Comparison, Risk
from tarmac.change.compare.wording import code, listed

#: Lines of one risk: a forge refuses a comment of more than 65,536 characters.
MOST = 80
#: Subjects, names or places that one line names.
NAMED = 6
#: The most characters of a comment, below what forges take.
LONGEST = 60_000
TITLES = {Risk.HIGH: "High risk", Risk.MEDIUM: "Medium risk", Risk.LOW: "Low risk"}


def markdown(found: Comparison) -> str:
    """Write a comparison for a reviewer."""
    lines = list(_lines(found))
    written = "\n".join(lines) + "\n"
    if len(written) <= LONGEST:
        return written
    kept, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > LONGEST:
            break
        kept.append(line)
    if "<details>" in kept and "</details>" not in kept:
        kept += ["", "</details>"]
    return "\n".join([*kept, "", "Too long for a comment; `--json` has all of it."]) + "\n"


def _lines(found: Comparison) -> Iterator[str]:
    names = listed(code(name) for name in _with_changes(found) or found.systems)
    yield f"### What changes in {names}: {code(found.base)} -> {code(found.head)}"
    yield ""
    if not found.changes:
        yield "No rendered file changes."
    else:
        counts = [f"**{number} {risk}**" for risk, number in found.counts.items() if number]
        yield f"{', '.join(counts)} by risk. {_where(found)}".rstrip()
    for note in found.notes:
        yield ""
        yield f"Note: {note}."
    for risk in (Risk.HIGH, Risk.MEDIUM):
        if changes := found.of(risk):
            yield from ("", f"#### {TITLES[risk]}", "", *_items(changes, found))
    if changes := found.of(Risk.LOW):
        head = f"{TITLES[Risk.LOW]}: {len(changes)}"
        yield from ("", "<details>", f"<summary>{head}</summary>", "")
        yield from _items(changes, found)
        yield from ("", "</details>")


def _with_changes(found: Comparison) -> list[str]:
    return list(dict.fromkeys(sorted(change.system for change in found.changes)))


def _where(found: Comparison) -> str:
    """Return which environments were compared, of what changed."""
    systems = _with_changes(found)
    environments = [f"{listed(map(code, found.systems.get(name, ())))}" for name in systems]
    if len(systems) == 1:
        return f"Compared: {environments[0]}." if environments[0] else ""
    return (
        f"Compared: {'; '.join(f'{n}: {e}' for n, e in zip(systems, environments, strict=True))}."
    )


def _items(changes: tuple[Change, ...], found: Comparison) -> Iterator[str]:
    for change in changes[:MOST]:
        yield f"- {_item(change, found)}"
    if len(changes) > MOST:
        yield f"- and {len(changes) - MOST} more; `--json` has them all"


def _item(one: Change, found: Comparison) -> str:
    several = len(_with_changes(found)) > 1
    told = one.told
    system = f"{one.system} / " if several and one.subjects != (one.system,) else ""
    subjects = f"**{system}{_subjects(one, found)}**"
    said = f"{subjects}: {one.fact}"
    if one.what not in ("environment", "system"):
        said += _environments(one, found)
    if told.why:
        said += f": {told.why}"
    return f"{said}{_places(one)}"


def _subjects(one: Change, found: Comparison) -> str:
    every = found.services.get(one.system, frozenset())
    if len(every) < 3 or not every <= set(one.subjects):
        return listed(one.subjects, NAMED)
    rest = [subject for subject in one.subjects if subject not in every]
    return listed([f"all {len(every)} services", *rest], NAMED)


def _environments(one: Change, found: Comparison) -> str:
    every = found.systems.get(one.system, ())
    if len(every) > 1 and len(one.environments) == len(every):
        return f" in all environments ({listed(one.environments)})"
    return f" in {listed(one.environments)}"


def _places(one: Change) -> str:
    if one.verb == "removed" or not one.places:
        # What is gone has its place on the old side, where a reader of the new one finds nothing.
        return ""
    more = f" and {len(one.places) - 1} more" if len(one.places) > 1 else ""
    return f" ({code(one.places[0])}{more})"
