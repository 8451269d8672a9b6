"""Where TypeScript's compiler puts a program, which its image may look for elsewhere.

`node` asks. With nothing that says which files are the program's, the compiler takes those beside
`src/` as well, so that `src/main.ts` becomes `dist/src/main.js`.
"""

from __future__ import annotations

import posixpath
import re

from tarmac.adopt.survey.found import Folder
from tarmac.base.foreign.data import from_json

_BUILT = re.compile(r"dist/((?:[\w.-]+/)*)(main|index|server|app)(\.js)?")
#: What says which files are compiled, or where the first of their folders is.
_NARROWS = re.compile(r"\"(?:rootDir|include|files|extends)\"\s*:")
_FROM_THE_TOP = re.compile(r"\"rootDir\"\s*:\s*\"\./?\"")
#: Files of others, or without code.
_ASIDE = re.compile(r"(?:^|/)(?:node_modules|dist|build|coverage)/|\.d\.ts$|^\.\./")


def place(word: str, folder: Folder) -> str:
    """Say where a compiled file that a command names is; the word itself for every other one."""
    match = _BUILT.fullmatch(word)
    if match is None or not _is_plain(folder):
        return word
    below, name, end = match.group(1, 2, 3)
    if f"{below}src/{name}.ts" not in folder.files or f"{below}{name}.ts" in folder.files:
        return word
    if _FROM_THE_TOP.search(folder.read("tsconfig.json")):
        return posixpath.join("dist", f"{below}src", f"{name}{end or ''}")
    code = [file for file in folder.files if file.endswith(".ts") and not _ASIDE.search(file)]
    is_wide = any(not file.startswith("src/") for file in code)
    return posixpath.join("dist", f"{below}src", f"{name}{end or ''}") if is_wide else word


def _is_plain(folder: Folder) -> bool:
    """Tell whether the compiler alone builds it, of all files that there are."""
    package = folder.mapping("package.json", from_json) or {}
    scripts = package.get("scripts")
    build = str(scripts.get("build", "")) if isinstance(scripts, dict) else ""
    by_it = re.fullmatch(r"(?:(?:npx )?rimraf dist && )?(?:npx )?(?:nest build|tsc)", build.strip())
    settings = folder.read("tsconfig.json")
    is_top = _FROM_THE_TOP.search(settings)
    told = folder.has("tsconfig.build.json") or (_NARROWS.search(settings) and not is_top)
    bundles = re.search(r"webpack|swc|monorepo|projects", folder.read("nest-cli.json"))
    return bool(by_it) and not told and not bundles
