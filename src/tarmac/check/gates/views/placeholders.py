"""Texts that stand for a value that is still to be given: one list for all gates."""

from __future__ import annotations

import re

#: Where a word of a name in camel case begins, and what else is between words.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[\W_]+")
#: Words in small letters, with a dash between them.
_STANDS_FOR = re.compile(
    r"(?:^|-)(?:"
    r"(?:change|replace|override|overwrite|overridden|update|fill|set|insert|enter|edit|define)"
    r"-?(?:me|this|it|in|by)"
    r"|to-?(?:be-)?(?:replaced?|overridden|override|changed?|filled|fill|set|defined?)"
    r"|(?:your|dummy|placeholder|deprecated|todo|tbd|fixme|redacted|obsolete|x{3,})"
    r")(?:-|$)"
)


def is_placeholder(text: str) -> bool:
    """Tell whether a text asks to be replaced, or says that it is not in use.

    `override_me-app`, `TO_REPLACE`, `dummyRequired`, `deprecated`.
    """
    words = _BETWEEN.sub("-", _HUMP.sub("-", text)).strip("-").lower()
    return _STANDS_FOR.search(words) is not None
