"""Alertmanager's configuration: its routes, receivers and inhibitions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, mappings
from tarmac.check.gates.subject import Files

FILE = "observability/alertmanager.yaml"
_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*')


class Inhibition:
    """A rule by which one alert mutes others."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def has_equal(self) -> bool:
        """Whether both must have some labels with the same values."""
        return bool(self.data.get("equal"))

    def values(self, side: str, label: str) -> list[str]:
        """List the values of a label that one side, `source` or `target`, names."""
        return [
            value
            for name, how, given in _matchers(self.data.get(f"{side}_matchers"))
            if name == label and how in ("=", "=~")
            for value in given.split("|")
        ]


class Notification(NamedTuple):
    """One way in which a receiver notifies."""

    #: `slack_configs`.
    kind: str
    data: Fields

    @property
    def sends_resolved(self) -> bool:
        """Whether it says, too, when an alert has ended."""
        return self.data.get("send_resolved") is True


class Alertmanager:
    """The file of Alertmanager's configuration."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def inhibitions(self) -> tuple[Inhibition, ...]:
        """Which alerts mute others."""
        return tuple(map(Inhibition, items(self.artifact.data, "inhibit_rules")))

    @property
    def receivers(self) -> dict[str, list[Notification]]:
        """How each receiver notifies, by its name."""
        listed = items(self.artifact.data, "receivers")
        return {str(receiver.get("name")): _notified(receiver) for receiver in listed}

    def receiver(self, labels: Mapping[str, str]) -> str:
        """Find the receiver of an alert with these labels."""
        return _receiver(fields(self.artifact.data, "route"), labels)


def alertmanager(files: Files) -> Alertmanager | None:
    """Find Alertmanager's configuration."""
    found = (artifact for artifact in files.artifacts if artifact.path == FILE)
    return next(map(Alertmanager, found), None)


def _notified(receiver: Fields) -> list[Notification]:
    return [
        Notification(kind, config)
        for kind, configs in sorted(receiver.items())
        if kind.endswith("_configs")
        for config in mappings(configs)
    ]


def _matchers(written: Any) -> list[tuple[str, str, str]]:
    """Read matchers: the label, how it is compared, and with what."""
    items = written if isinstance(written, list | tuple) else ()
    found = (_MATCHER.fullmatch(str(item)) for item in items)
    return [(match[1], match[2], match[3]) for match in found if match]


def _matches(written: Any, labels: Mapping[str, str]) -> bool:
    """Tell whether all matchers take these labels; a label that is not there is empty."""
    for label, how, value in _matchers(written):
        given = labels.get(label, "")
        same = given == value if "~" not in how else re.fullmatch(value, given) is not None
        if same == how.startswith("!"):
            return False
    return True


def _receiver(route: Fields, labels: Mapping[str, str]) -> str:
    """Find the receiver of an alert with these labels: the first route that matches, and so on."""
    for below in mappings(route.get("routes")):
        if _matches(below.get("matchers"), labels):
            return _receiver({"receiver": route.get("receiver"), **below}, labels)
    return str(route.get("receiver") or "")
