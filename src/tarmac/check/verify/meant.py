"""What is as it is on purpose: a comment right above says what comes of it.

`certainty` asks this of a finding and the lines of its file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tarmac.base.report import Finding

#: What a comment speaks of that knows what a gate would tell.
_TOLD = {"SCL005": re.compile(r"\b(drain(s|ed|ing)?|evict(s|ed|ions?)?)\b", re.IGNORECASE)}
#: A comment for a chart's page, which says what a value is for, whatever it is.
_FOR_A_PAGE = "# -- "
#: How far above a finding such a comment ends.
_NEAR = 4


def is_meant(finding: Finding, lines: Sequence[str]) -> bool:
    """Tell whether a comment above a finding says what comes of it.

    Args:
        lines: all those of the file that the finding is in.
    """
    told, number = _TOLD.get(finding.gate), finding.position[1]
    if told is None or not number:
        return False
    near = [line.lstrip() for line in lines[:number]]
    last = next((n for n, line in enumerate(reversed(near)) if line.startswith("#")), len(near))
    if last >= _NEAR:
        return False
    block = near[: len(near) - last]
    while block and block[-1].startswith("#"):
        line = block.pop()
        if told.search(line) and not line.startswith(_FOR_A_PAGE):
            return True
    return False
