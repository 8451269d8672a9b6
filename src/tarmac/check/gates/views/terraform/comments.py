"""Comments of Terraform that are of several lines."""

from __future__ import annotations

import re

#: A comment of several lines; what looks so in a text or in another comment is none.
_SPAN = re.compile(r'"(?:[^"\\\n]|\\.)*"|(?:#|//)[^\n]*|(/\*.*?\*/)', re.DOTALL)


def uncommented(text: str) -> str:
    """Leave out comments between /* and */, but for their lines."""
    if "/*" not in text or "*/" not in text:
        return text
    return _SPAN.sub(lambda found: "\n" * found[0].count("\n") if found[1] else found[0], text)
