"""A Job of a chart can be sent again with the next release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.places import chart_places
from tarmac.check.gates.views.charts.texts import chart_texts
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_KIND = re.compile(r"^kind:[ \t]*Job[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"^[ ]{2}name:[ \t]*(\S.*)$", re.MULTILINE)
#: What makes the name of each release another one.
_CHANGES = re.compile(
    r"(?i)revision|version|now|date|rand|sha|checksum|uuid|\btag\b|generateName|hash|timestamp"
)
#: What deletes or replaces the one before.
_REPLACED = re.compile(
    r"helm\.sh/hook|ttlSecondsAfterFinished|argocd\.argoproj\.io/|Replace=true"
    # What a template writes there is not known.
    r"|annotations:[ \t]*(?:\n[ \t]*)?\{\{"
)
#: An image that is another one with each release.
_IMAGE = re.compile(
    r"^[ \t]*(?:- )?image:[^\n]*(\.Chart\.AppVersion|\.Values\.[\w.]*[tT]ag\b)", re.MULTILINE
)


class ChartJob(NamedTuple):
    """A Job in a template of a chart."""

    where: str
    name: str
    text: str


def check(files: Files) -> Iterator[Finding]:
    """Yield Jobs of one name whose image changes with the release."""
    for one in _jobs(files):
        image = _IMAGE.search(one.text)
        if image is None or _CHANGES.search(one.name) or _REPLACED.search(one.text):
            continue
        what = f"the Job {one.name} has one name in all releases, and its image has {image[1]}: its"
        said = f"{what} template cannot be changed, so an upgrade with another one is refused;"
        yield Finding(one.where, f"{said} make it a hook, or write .Release.Revision in its name")


@once
def _jobs(files: Files) -> Iterator[ChartJob]:
    for chart in chart_places(files):
        for path, text in chart_texts(files, chart.folder):
            line = 1
            for document in re.split(r"^---[ \t]*$", text, flags=re.MULTILINE):
                name = _NAME.search(document)
                if name is not None and _KIND.search(document):
                    at = line + document.count("\n", 0, name.start())
                    yield ChartJob(f"{path}:{at}", name[1].strip(), document)
                line += document.count("\n")


GATE = Gate(
    id="OBJ061",
    title="A Job of a chart can be sent again with the next release",
    phase="kubernetes",
    source="https://helm.sh/docs/topics/charts_hooks and "
    "https://kubernetes.io/docs/concepts/workloads/controllers/job: the template of a Job is "
    "immutable, so that another image needs another Job",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("Jobs in templates of charts", _jobs),
    targets=("cluster",),
    reads="templates of charts with `kind: Job`: their name, and images by a tag of the values or "
    "the version of the chart's program. Hooks, and Jobs that end by themselves, are left out.",
)
