"""Regular expressions take time in proportion to what they read: files of others may be long."""

from __future__ import annotations

import re

#: With MULTILINE it begins at every line, and reads all empty lines behind each of them.
BLANK_LINES = re.compile(r"(?<!\[)\^\\s[*+]")


def test_no_pattern_reads_empty_lines_from_every_line(sources):
    found = [
        f"{source.name}:{number}"
        for source in sources
        if source.name.startswith(("src/", "kit/src/"))
        for number, line in enumerate(source.text.splitlines(), 1)
        if BLANK_LINES.search(line)
    ]
    assert found == [], r"write ^[ \t]* for ^\s*"
