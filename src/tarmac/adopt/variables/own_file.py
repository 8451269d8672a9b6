"""Tells whether a program reads the variables of a `.env` in its own folder by itself.

`variables` asks: what such a file has need not be given, and what is generated would replace it.
"""

from __future__ import annotations

import re

from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables import code

_READS = re.compile(
    r"\b(?:load_dotenv|find_dotenv|read_env|read_envfile|AutoConfig)\(|"
    r"\benv_file\s*=|\bfrom decouple import|\bgodotenv\.|\bdotenvy?::"
)
_PACKAGES = re.compile(r"\"(?:next|nuxt|vite|dotenv|dotenv-cli|react-scripts|@nestjs/config)\"\s*:")


def reads_its_file(folder: Folder) -> bool:
    """Tell whether its code, or a library that it has, reads the file without being told to."""
    if _PACKAGES.search(folder.read("package.json")):
        return True
    return any(_READS.search(text) for _, text in code.texts(folder))
