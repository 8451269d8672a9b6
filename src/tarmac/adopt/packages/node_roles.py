"""Programs that a package.json has beside the one that `dev` or `start` runs: an API, a worker.

`node` asks. Each is a script of its own that runs a file: `"worker": "tsx watch src/worker.ts"`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tarmac.adopt.survey.found import Folder

_MODES = r"(?:dev|start|watch|run)"
#: A script's name with what it is in it, before or behind how it is run.
_ROLE = re.compile(
    rf"(?:{_MODES}[:-])?(?P<role>(?:[a-z]{{1,20}}[:-])?(?:workers?|consumers?|scheduler|api|server)|"
    rf"(?:workers?|consumers?)[:-](?P<which>[a-z]{{2,20}}))(?:[:-]{_MODES})?"
)
#: It runs a file of the repository, and no more.
_RUNS = re.compile(
    r"(?:(?:npx|cross-env|dotenv(?: -e \S+)? --)\s+|\w+=\S+\s+)*"
    r"(?:tsx|ts-node|ts-node-dev|nodemon|node)(?:\s+watch)?"
    r"(?:\s+(?:-r|--require|--import|--env-file|--loader|--exec)[= ]\S+|\s+-\S+)*"
    r"\s+(?:\./)?(?P<file>[\w./-]+\.[cm]?[jt]sx?)"
)
_LISTENS = re.compile(r"\.listen\(|createServer\(|\bserve\(|startStandaloneServer\(")
#: The same by any library.
_MAY_LISTEN = re.compile(
    r"\blisten\(|[cC]reateServer|\bserve\(|NestFactory|startStandaloneServer|"
    r"(?:\bfrom|\brequire\(|\bimport\()\s*['\"](?:express|fastify|koa|hono|restify|next|@hapi/hapi|"
    r"@apollo/server)['\"]"
)
_OF_PAGES = re.compile(
    r"(?:\bfrom|\brequire\(|\bimport\()\s*['\"](?:next|nuxt|vite|@sveltejs/kit)['\"]"
)
#: It stays for as long as it is not ended, without listening.
_STAYS = re.compile(
    r"\bset(?:Interval|Timeout)\(|\bwhile\s*\(\s*(?:true|!|this|running)|\bfor\s*\(;;\)|\.on\(|"
    r"new (?:Worker|Consumer)\(|\.(?:subscribe|consume|process|login|launch|connect)\(|\bcron\b"
)
_IMPORTS = re.compile(r"(?:\bfrom|\bimport|\brequire\()\s*['\"](\.{1,2}/[^'\"\n]+)['\"]")
#: Files that one program is looked at, at most.
MOST_FILES = 60


class Role(NamedTuple):
    """A program of a package.json beside its main one."""

    name: str
    script: str
    listens: bool
    #: It serves a framework's pages, as the framework's own command does.
    is_of_pages: bool = False


def roles(folder: Folder, scripts: Mapping[str, str], main: str) -> list[Role]:
    """List the programs of scripts that are named by what they are, each with a file of its own.

    Args:
        main: the script that is started anyway.
    """
    taken = {file_of(scripts.get(main, ""), folder)}
    found: dict[str, Role] = {}
    for name in sorted(scripts, key=lambda name: (":dev" not in f":{name}", name)):
        match = _ROLE.fullmatch(name)
        # The word behind its file says which of several it is: `ts-node src/work.ts mail`.
        word = f" {match['which']}" if match and match["which"] else ""
        script = scripts[name].strip().removesuffix(word) if word else scripts[name]
        file = file_of(script, folder)
        is_told = script != scripts[name]
        if match is None or name == main or not file or (file in taken and not is_told):
            continue
        texts = [*_closure(file, folder)]
        listens = any(map(_LISTENS.search, texts))
        if listens or any(map(_STAYS.search, texts)):
            taken |= set() if is_told else {file}
            role = match["role"].replace(":", "-")
            is_of_pages = any(map(_OF_PAGES.search, texts))
            found.setdefault(role, Role(role, name, listens, is_of_pages))
    return [*found.values()]


def ends(folder: Folder, script: str) -> bool:
    """Tell whether a script's program does one thing and ends: it neither listens nor stays."""
    file = file_of(script, folder)
    texts = [*_closure(file, folder)] if file else []
    return bool(texts) and not any(_LISTENS.search(t) or _STAYS.search(t) for t in texts)


def listens_nowhere(folder: Folder, scripts: Iterable[str]) -> bool:
    """Tell whether a script runs a file of the folder that stays, and nothing of it listens."""
    files = filter(None, (file_of(script, folder) for script in scripts))
    texts = [text for file in files for text in _closure(file, folder)]
    return any(map(_STAYS.search, texts)) and not any(map(_MAY_LISTEN.search, texts))


def file_of(script: str, folder: Folder) -> str:
    """Return the file of the folder that a script runs, and no more; "" for another script."""
    match = _RUNS.fullmatch(script.strip())
    file = posixpath.normpath(match["file"]) if match else ""
    return file if file in folder.files else ""


def _closure(file: str, folder: Folder) -> Iterator[str]:
    """Yield the texts of a file and of those of the folder that it imports, one by the other."""
    wanted, seen = [file], {file}
    while wanted and len(seen) <= MOST_FILES:
        place = wanted.pop()
        text = folder.read(place)
        yield text
        for path in _IMPORTS.findall(text):
            plain = posixpath.normpath(posixpath.join(posixpath.dirname(place), path))
            stem = re.sub(r"\.[cm]?js$", "", plain)
            ends_with = (".ts", ".js", ".mts", ".mjs", ".tsx", "/index.ts", "/index.js")
            likely = (plain, *(f"{stem}{end}" for end in ends_with))
            there = next((one for one in likely if one in folder.files), "")
            if there and there not in seen:
                seen.add(there)
                wanted.append(there)
