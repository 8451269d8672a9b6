"""Which version of an action a step runs: by its tag, or by the comment beside its commit."""

from __future__ import annotations

import re

from tarmac.base import versions
from tarmac.check.gates.views.pipelines.workflows import Workflow

_TAG = re.compile(r"v?(\d+(?:\.\d+)*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: What updaters and people write there: `v4.6.2`, `tag=v4`, `pin@v4`, `ratchet:actions/cache@v4`.
_REMARK = r"""['"]?[ \t]*#[ \t]*(?:[\w./:=-]*[@=:])?v?(\d+(?:\.\d+)*)\b"""


def version_of(workflow: Workflow, uses: str) -> tuple[int, ...]:
    """Read the numbers of an action's version, as `(4, 6, 2)`; none where it is not known."""
    name, _, revision = uses.partition("@")
    if not _COMMIT.fullmatch(revision):
        tag = _TAG.fullmatch(revision)
        return _numbers(tag[1]) if tag else ()
    known = versions.read().actions.get(name)
    if known and known.digest == revision:
        return _numbers(known.version.removeprefix("v"))
    found = re.search(re.escape(uses) + _REMARK, workflow.text)
    return _numbers(found[1]) if found else ()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
