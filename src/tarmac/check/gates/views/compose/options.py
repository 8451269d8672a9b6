"""Options by which a Compose file starts a store's server, and its version no longer knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import Fault, is_rebuilt, is_server, words
from tarmac.check.gates.views.published import published

#: Above every number of a version.
_NEWEST = 9999


def refused(service: ComposeService) -> Iterator[Fault]:
    """Yield options that the store's version no longer has: it does not start with them."""
    of, _, own = str(service.image or "").rpartition("/")
    name, _, tag = own.partition(":")
    store = published("compose")["stores"].get(name)
    if store is None or is_rebuilt(of, name) or not is_server(service, store["programs"]):
        return
    numbers = [*map(int, re.findall(r"\d+", re.split(r"[-@]", tag)[0]))]
    # A version without a second number is the newest of its first, one without any the newest.
    version = [*numbers, *[_NEWEST] * 2][:2]
    told = {word.lstrip("-").partition("=")[0].replace("_", "-") for word in words(service)}
    for removed in store.get("removed", ()) if "$" not in tag else ():
        for option in removed["options"]:
            if option in told and version >= removed["from"]:
                since = ".".join(map(str, removed["from"]))
                what = (
                    f"starts {name}:{tag or 'latest'} with --{option}, which is gone since {since}"
                )
                yield (
                    ("command",),
                    f"{what}: it does not start; remove it, or name an older version",
                )
