"""Finds the files that a program has: its folder's, and those of the packages that it links.

Programs of a workspace read variables in packages beside them: `packages/database` has the address
of the database of each. The survey and `explain` ask; a file above is written with `../`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from tarmac.adopt.packages import go_beside
from tarmac.adopt.packages.node_packages import linked
from tarmac.adopt.survey.found import Folder, Service, own_files
from tarmac.adopt.variables import code, spring_settings

_PUT = re.compile(r"\|\| cp (\.\./\S+) ")
#: Files of packages, at most.
MOST_FILES = 200


def files_of(
    root: Folder, service: Service, places: frozenset[str], handed: Mapping[str, str]
) -> Folder:
    """Narrow the repository to what belongs to one service, with the packages that it links.

    Args:
        places: the folders of all services.
        handed: what a server of settings hands out, by the folder of the program.
    """
    folder = spring_settings.with_handed_out(own_files(root, service, places), handed)
    more = tuple(islice(_linked(folder, root, places), MOST_FILES))
    # Settings that are put in its place from elsewhere.
    more += tuple(_PUT.findall(service.tasks.get("settings", "")))
    return replace(folder, files=(*folder.files, *more)) if more else folder


def _linked(folder: Folder, root: Folder, places: frozenset[str]) -> Iterator[str]:
    for path in linked(folder):
        place = posixpath.normpath(posixpath.join(folder.path, path))
        package = root.below(place)
        if place not in places:
            yield from (f"{path}/{file}" for file in package.sources(*code.ENDINGS))
            yield f"{path}/package.json"
    yield from go_beside.imported(folder, root)
