"""Traefiks in a cluster: what their arguments, variables and the values of their chart say."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, texts
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.traefik import SETTINGS, version_in
from tarmac.check.gates.views.monitoring.given_values import GivenValues, given_values
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods

#: Folders of what is shown or tried: a Traefik and a route in them need not be for each other.
_SHOWN = re.compile(r"(?:^|/)(?:docs?|examples?|tests?|samples?|fixtures?|demos?)(?:/|$)")
#: By these more values come from elsewhere.
_MORE = ("valuesFrom", "values", "valueFiles", "parameters")


class Traefik(NamedTuple):
    """One Traefik."""

    artifact: Artifact
    #: Where the values of its chart are; None: its pods are here.
    path: Path | None
    values: Fields
    #: Its arguments and variables, each as `name=value`.
    told: tuple[str, ...]
    #: Whether a file that is not read may tell it more.
    is_open: bool


def traefiks(files: Files) -> Iterator[Traefik]:
    """Yield all that pods run, and those that a chart makes."""
    for own in pods(files, *SERVING):
        if not is_shown(own.artifact):
            yield from _of_pods(own)
    yield from map(_of_chart, given_values(files, frozenset({"traefik"})))


def is_shown(artifact: Artifact) -> bool:
    """Tell whether an object is in a folder of what is shown or tried."""
    return _SHOWN.search(posixpath.dirname(artifact.path)) is not None


def _of_pods(own: Pods) -> Iterator[Traefik]:
    for one in own.main_containers:
        if version_in(one.image) is None:
            continue
        told = (
            *one.words,
            *(f"{name}={text.text}" for name, text in own.variables.of(one).items()),
        )
        mounted = [text for mount in one.mounts for text in texts(list(mount.data.values()))]
        is_open = any(map(SETTINGS.search, [*told, *mounted])) or not own.variables.are_known(one)
        yield Traefik(own.artifact, None, {}, told, is_open)


def _of_chart(given: GivenValues) -> Traefik:
    *above, last = given.path
    beside = fields(given.artifact.data, *above)
    values = fields(given.artifact.data, *given.path)
    told = tuple(str(one) for one in items(values, "additionalArguments"))
    is_given = last in beside and not any(key in beside for key in _MORE if key != last)
    is_open = not is_given or any(map(SETTINGS.search, told))
    return Traefik(given.artifact, given.path, values, told, is_open)
