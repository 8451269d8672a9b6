"""Finds the extensions of a database that a repository's migrations create or use.

Called by `settle` when the stores are known: an extension that the embedded server lacks asks for
one that is installed, so that `up` names what is missing before anything starts.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, Store

#: Files that are read, at most.
MOST_FILES = 500
#: Where databases are described: SQL, and code in the folders of migrations.
_DESCRIBES = re.compile(
    r"\.sql$|(^|/)[\w-]*migrat[\w-]*/.+\.(py|ts|js|mjs|rb|go|php|exs?|java|kt|xml|ya?ml)$|"
    r"(^|/)db/schema\.rb$|"
    # What TypeORM makes tables of.
    r"\.(?:entity|model)\.[jt]s$|(^|/)(?:entit(?:y|ies)|models?)/.+\.ts$"
)
#: A key that TypeORM has the database make by a function of an extension.
_BY_TYPEORM = re.compile(
    r"@(?:PrimaryGeneratedColumn|Generated)\(\s*['\"]uuid['\"]|"
    r"@Column\(\s*\{[^{}]{0,300}generated:\s*['\"]uuid['\"]"
)
_OF_TYPEORM = "uuid-ossp"
_CREATES = re.compile(
    r"(?i)(?:\bcreate\s+extension\s+(?:if\s+not\s+exists\s+)?|"
    r"\benable_extension\s*\(?\s*|\bCreateExtension\(\s*)[\\\"'`]*([\w-]+)"
)


def provided(stores: tuple[Store, ...], root: Folder) -> tuple[Store, ...]:
    """Ask for an installed server where the embedded one lacks an extension that is used."""
    if not any(servers.of_kind(store.kind).shows.lacks for store in stores):
        return stores
    files = [file for file in root.files if _DESCRIBES.search(file)][:MOST_FILES]
    texts = {file: root.read(file) for file in files}
    return tuple(_provided(store, texts) for store in stores)


def _provided(store: Store, texts: dict[str, str]) -> Store:
    lacks = servers.of_kind(store.kind).shows.lacks
    for file, text in texts.items():
        created = {name.lower() for name in _CREATES.findall(text)}
        created |= {_OF_TYPEORM} if _BY_TYPEORM.search(text) else set()
        for name, shows in lacks.items():
            if name in created or re.search(shows, text):
                note = f"{file} uses the extension {name}: a server that is installed here has it"
                return replace(store, provider="binary", remarks=(*store.remarks, note))
    return store
