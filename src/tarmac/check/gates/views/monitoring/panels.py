"""Panels of dashboards, and what they ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, dig, fields, items

_VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}|\[\[(\w+)[^\]]*\]\]|\$([A-Za-z_]\w*)")
#: What Grafana fills in itself: `$__interval`, and the timeFilter of older panels.
_OWN = re.compile(r"__\w+|timeFilter|interval|DS_\w+")
#: Datasources that are not server: other panels, several, Grafana's own.
_NO_SERVER = re.compile(r"-- .* --|grafana|__expr__|-100")


class Panel:
    """What draws something on a dashboard."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def title(self) -> str:
        """What it is called, or else its number."""
        return str(self.data.get("title") or self.data.get("id"))

    @property
    def has_title(self) -> bool:
        """Whether it is called anything."""
        return bool(self.data.get("title"))

    @property
    def is_text(self) -> bool:
        """Whether it is a text, which asks nothing."""
        return bool(self.data.get("type") == "text")

    @property
    def has_unit(self) -> bool:
        """Whether its numbers have a unit."""
        return bool(dig(self.data, "fieldConfig", "defaults", "unit"))

    @property
    def queries(self) -> tuple[str, ...]:
        """What it asks; empty texts where a target asks nothing."""
        return tuple(str(target.get("expr") or "") for target in items(self.data, "targets"))

    @property
    def sources(self) -> Iterator[Any]:
        """The uids of the datasources of it and its targets."""
        for holder in (self.data, *items(self.data, "targets")):
            source = holder.get("datasource")
            yield source.get("uid") if isinstance(source, Mapping) else source

    def asks_prometheus(self, target: Fields) -> bool:
        """Tell whether one of its targets is asked of Prometheus, as far as it says so."""
        holders = (fields(target, "datasource"), fields(self.data, "datasource"))
        kinds = [str(holder["type"]) for holder in holders if holder.get("type")]
        return bool(kinds) and kinds[0] == "prometheus"

    @property
    def has_server(self) -> bool:
        """Whether it asks a server, not other panels or Grafana itself."""
        named = [str(source) for source in self.sources if source]
        return not any(_NO_SERVER.fullmatch(source) for source in named)


def asked_names(text: str) -> set[str]:
    """Find the variables that a text reads, without Grafana's own."""
    found = (next(filter(None, match)) for match in _VARIABLE.findall(text))
    return {name for name in found if not _OWN.fullmatch(name)}
