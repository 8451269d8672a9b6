"""What is an error where a plan says how it is meant, and a warning in files without one.

Only errors fail `verify`. A team's own files may know better about what is merely unusual, or what
another repository or a controller provides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files


def lenient(
    check: Callable[[Files], Iterable[Finding]], *patterns: str
) -> Callable[[Files], Iterator[Finding]]:
    """Return the check of files whose findings are warnings where one of the patterns is found."""
    unusual = re.compile("|".join(patterns))

    def of_files(files: Files) -> Iterator[Finding]:
        for finding in check(files):
            yield replace(finding, warning=True) if unusual.search(finding.what) else finding

    return of_files
