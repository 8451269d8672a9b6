"""Lists that pydantic's settings read as JSON, where an example separates them by commas."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tarmac.adopt.survey.found import Folder

#: A field of a list: `cors_origins: list[str] = []`.
_FIELD = re.compile(
    r"(?m)^[ \t]+(\w+)[ \t]*:[ \t]*(?:Optional\[)?"
    r"(?:list|List|set|Set|tuple|Tuple|frozenset|Sequence)\[(?:str|int|AnyHttpUrl|HttpUrl|AnyUrl)\b"
)
#: The library hands a program the text as it is.
_LEAVES = re.compile(r"\bNoDecode\b|\benable_decoding\s*=\s*False|\bparse_env_var\b")
#: Before JSON of any kind.
_JSON = re.compile(r"\s*[\[{\"]")


def as_read(env: Mapping[str, str], folder: Folder) -> dict[str, str]:
    """Write values with commas as the lists that a program's settings take."""
    plain = {name.lower(): name for name, value in env.items() if not _JSON.match(value)}
    found = dict(env)
    for file in folder.sources(".py") if plain else ():
        text = folder.read(file)
        if "BaseSettings" not in text or _LEAVES.search(text):
            continue
        for field in _FIELD.findall(text):
            if name := plain.get(field.lower()):
                parts = [part.strip() for part in env[name].split(",")]
                found[name] = json.dumps([part for part in parts if part])
    return found
