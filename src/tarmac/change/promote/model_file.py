"""Promotes in a model's file: reads it, compares what it was with what it becomes, writes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tarmac import render
from tarmac.base import registry, writing
from tarmac.base.errors import TarmacError
from tarmac.base.foreign import files
from tarmac.base.report import count_open
from tarmac.catalog import stores
from tarmac.change.compare.change import Comparison
from tarmac.change.compare.change import as_data as compared_data
from tarmac.change.compare.comparing import compare
from tarmac.change.compare.revisions import Revision
from tarmac.check.verify.verify import VerifyOptions, verify
from tarmac.model.image_pins import stores_of
from tarmac.model.promotion import ImageVersions, amended, current, promoted
from tarmac.model.system import System
from tarmac.project.reading import load
from tarmac.render.collect import artifacts, saying
from tarmac.render.tree import history


@dataclass(frozen=True)
class PromotionResult:
    """What became of a promotion."""

    file: Path
    system: str
    to: str
    #: Service or store -> its tag or digest before and after; only those that differ.
    images: Mapping[str, tuple[str, str]]
    #: None where nothing differs.
    comparison: Comparison | None
    written: bool
    #: Why the checklist does not let it in; empty where it does, or is not asked.
    unready: str = ""


def promote(
    file: Path, source: str | None, to: str, images: Mapping[str, str], today: date, *, write: bool
) -> PromotionResult:
    """Write what an environment is to run into a model's file.

    Args:
        today: the day for which the checklist is judged, where the environment asks for it.
        write: without, it is only compared.

    Raises:
        BadInput: the model, its checklist, an environment, a service or a tag is wrong.
        TarmacError: the file has changes that are not committed; an item of the checklist is open.
    """
    path = Path(os.path.abspath(file))  # noqa: PTH100 - a link may be the known path
    is_named = path.parent.parent.name == "systems"
    root = path.parents[2] if is_named else path.parent
    label = path.relative_to(root).as_posix()
    system = load(str(file))
    raw = files.content(path)
    before, after = current(system, to), promoted(system, source, to, images)
    changed = {
        name: (before.of(name), after.of(name))
        for name in system.file.services
        if before.of(name) != after.of(name)
    } | {
        name: (before.images.get(name, "its tag"), after.images.get(name, "its tag"))
        for name in stores_of(system.file)
        if before.images.get(name) != after.images.get(name)
    }
    name = system.file.system
    if _said(before) == _said(after):
        return PromotionResult(file, name, to, changed, None, written=False)
    if write and history.is_changed(path):
        raise TarmacError(
            f"{file}: has changes that are not committed; commit or stash them, so that the "
            "promotion is a commit of its own"
        )
    unready = _unready(file, system, to, today)
    if write and unready:
        raise TarmacError(f"{unready}\nnothing is written")
    made = amended(raw.decode(), str(file), to, before, after).encode()

    def promoted_read(asked: str) -> bytes:
        return made if asked == label else files.content(root / asked)

    renderers = saying(registry.load(render, "RENDERER"))
    comparison = compare(
        Revision("current", (label,), lambda asked: files.content(root / asked)),
        Revision("promoted", (label,), promoted_read),
        kinds=registry.load(stores, "STORE"),
        render=lambda plan: artifacts(plan, renderers),
        environment=to,
    )
    if write:
        with writing.opened(root) as opened:
            writing.write(opened, label, made)
    return PromotionResult(file, name, to, changed, comparison, written=write, unready=unready)


def _unready(file: Path, system: System, to: str, today: date) -> str:
    """Return why an environment waits for its checklist, item by item; empty where it does not."""
    if not system.file.environments[to].checklist:
        return ""
    report = verify(VerifyOptions(file, today, ready=True))
    if report.passed(strict=False):
        return ""
    what = count_open(report) if report.open else "there are findings outside its checklist"
    place = system.locate(("environments", to, "checklist"))
    first = f"{place}: {to} requires a complete checklist, and {what}; "
    lines = [f"{first}`tarmac verify {report.system} --ready` shows details", *report.unready]
    return "\n  ".join(map(str, lines))


def _said(versions: ImageVersions) -> tuple[str, dict[str, str]]:
    return versions.version, dict(versions.images)


def as_data(done: PromotionResult) -> dict[str, Any]:
    """Write what became of a promotion as plain data, for --json."""
    return {
        "system": done.system,
        "file": str(done.file),
        "environment": done.to,
        "written": done.written,
        "unready": done.unready,
        "images": {n: {"before": was, "after": now} for n, (was, now) in done.images.items()},
        "diff": compared_data(done.comparison) if done.comparison else None,
    }
