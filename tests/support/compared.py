"""Two states of a system compared in memory: what `tarmac diff` does, without git or a disk."""

from __future__ import annotations

import errno
from collections.abc import Callable

from demo_system import FILE, files
from rendered import KINDS, RENDERERS, ROOT

from tarmac.base.artifact import Artifact
from tarmac.change.compare.change import Change, Comparison
from tarmac.change.compare.comparing import Price, compare
from tarmac.change.compare.revisions import Revision
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.collect import artifacts, saying

#: What the small system lacks of a cluster.
ENVIRONMENTS = """
    environments:
      production:
        servers: {rds: [orders-db]}
        replicas: {min: 3, max: 9, cpu: 70}
        zones: 3
      kind: {}
    """

Render = Callable[[ClusterPlan], tuple[Artifact, ...]]


def render(plan: ClusterPlan) -> tuple[Artifact, ...]:
    """Render with every renderer that ships."""
    return artifacts(plan, saying(RENDERERS))


def side(label: str, content: dict[str, bytes], *, disk: bool = False) -> Revision:
    """Make one side of files in memory; the rest is read from the repository where `disk` is."""

    def read(path: str) -> bytes:
        if path in content:
            return content[path]
        if disk:
            return (ROOT / path).read_bytes()
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    systems = tuple(sorted(path for path in content if path.endswith("tarmac.yaml")))
    return Revision(label, systems, read, f"{label}:")


def comparison(
    old: dict[str, bytes],
    new: dict[str, bytes],
    *,
    disk: bool = False,
    render: Render = render,
    price: Price = lambda _: None,
) -> Comparison:
    """Compare two trees."""
    sides = side("main", old, disk=disk), side("working tree", new, disk=disk)
    return compare(*sides, kinds=KINDS, render=render, price=price)


def compared(old: str, new: str, render: Render = render) -> tuple[Change, ...]:
    """Compare two texts of the small system's file."""
    return comparison(files(old), files(new), render=render).changes


def edited(text: str, *edits: tuple[str, str]) -> str:
    """Edit a text; each must be there."""
    for old, new in edits:
        if old not in text:
            raise ValueError(f"{old!r} is not there any more; correct the test")
        text = text.replace(old, new, 1)
    return text


def said(changes: tuple[Change, ...]) -> list[str]:
    """Write each change on one short line: `high edge web: may now ...`."""
    return [
        f"{change.told.risk.word} {change.what} {','.join(change.subjects)}: {change.fact}"
        for change in changes
    ]


__all__ = ["FILE"]
