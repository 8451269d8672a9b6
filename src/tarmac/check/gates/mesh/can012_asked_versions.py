"""A new version is asked while it is judged: by something that runs, or by a load test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, mappings, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of, space_of, title
from tarmac.check.gates.views.objects.references import target_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_API = "flagger.app"
#: A name, and the namespace behind it.
_HOST = re.compile(r"(?<![\w.-])([a-z0-9][a-z0-9-]*)(?:\.([a-z0-9][a-z0-9-]*))?(?![\w-])")
#: What runs now and then, and not all the while that a version is judged.
_AT_TIMES = ("CronJob", "Job")
#: What says how requests come in, and from where.
_ENTRANCES = ("hosts", "ingressRef", "gatewayRefs", "delegation")


class AskedVersion(NamedTuple):
    """A Canary by the requests that it gets."""

    artifact: Artifact
    name: str
    #: Names of what is its own.
    own: frozenset[str | None]


def check(files: Files) -> Iterator[Finding]:
    """Yield Canaries whose only callers here are jobs."""
    judged = list(_asked(files))
    named = _named(files, {one.name for one in judged}) if judged else {}
    for one in judged:
        spaces = ("", space_of(one.artifact))
        found = [caller for caller, space in named.get(one.name, ()) if space in spaces]
        callers = [caller for caller in found if _is_other(caller, one)]
        if callers and all(kind_of(caller) in _AT_TIMES for caller in callers):
            names = " and ".join(sorted({title(caller) for caller in callers})[:2])
            what = f"{title(one.artifact)} judges {one.name} by its requests, makes none itself,"
            why = f"and here only {names} calls it: without any it has no figures, and each"
            said = f"{what} {why} release is rolled back; add a webhook that makes load"
            yield Finding(one.artifact.at("spec", "analysis"), said, warning=True)


def _is_other(caller: Artifact, one: AskedVersion) -> bool:
    is_own = name_of(caller) in one.own and kind_of(caller) not in _AT_TIMES
    return caller is not one.artifact and not is_own


@once
def _asked(files: Files) -> Iterator[AskedVersion]:
    """Yield Canaries of a Service without an entrance of its own and without a load test."""
    for artifact in files.objects("Canary"):
        spec = fields(artifact.data, "spec")
        analysis, service = fields(spec, "analysis"), fields(spec, "service")
        hooks = mappings(items(analysis, "webhooks"))
        has_load = any(hook.get("type", "rollout") == "rollout" for hook in hooks)
        is_open = any(key in service or key in spec for key in _ENTRANCES)
        if group_of(artifact) == _API and items(analysis, "metrics") and not has_load | is_open:
            target = target_of(artifact).name
            if name := string(service, "name") or target or "":
                yield AskedVersion(artifact, name, frozenset({name, target}))


def _named(files: Files, names: set[str]) -> dict[str, list[tuple[Artifact, str]]]:
    """Find the objects that have a name in a text, with the namespace that they give it."""
    found: dict[str, list[tuple[Artifact, str]]] = {}
    for artifact in files.objects():
        texts = [text for path, text in places(artifact.data) if path[0] != "metadata"]
        said = {one for text in texts for one in _HOST.findall(text) if one[0] in names}
        for name, space in said:
            found.setdefault(name, []).append((artifact, space if space != "svc" else ""))
    return found


GATE = Gate(
    id="CAN012",
    title="A new version is asked while it is judged",
    phase="mesh",
    source="https://docs.flagger.app/usage/webhooks#load-testing: without requests there are no "
    "metrics, and an analysis without metrics halts until it is rolled back",
    check=check,
    of_files=check,
    scope=counted_in_files("Canaries without a load test", _asked),
    targets=("cluster",),
    reads="Canaries of Flagger whose Service has no entrance, and all objects here that name it.",
)
