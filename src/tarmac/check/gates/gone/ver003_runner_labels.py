"""The runners that jobs ask for are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import Path, dig, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.gone import gone
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files

_OF_MATRIX = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")


def check(files: Files) -> Iterator[Finding]:
    """Yield labels of runners that GitHub has taken away."""
    known = gone("runners")["labels"]
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for path, label in _labels(job):
                one = known.get(label)
                if one and one["since"] <= files.today:
                    what = f"job {name} asks for {label}, which GitHub has no more"
                    told = f"{what} since {one['since']}: it never starts; take {one['instead']}"
                    yield Finding(workflow.at("jobs", name, *path), told)


def _labels(job: Job) -> Iterator[tuple[Path, str]]:
    """Yield the labels of runners that a job may get, those of its matrix among them."""
    asked = job.data.get("runs-on")
    if isinstance(asked, Mapping):  # of a group, which an organisation names
        return
    labels = (asked,) if isinstance(asked, str) else tuple(texts(asked))
    for label in labels if "self-hosted" not in labels else ():
        found = _OF_MATRIX.fullmatch(label)
        if found is None:
            yield ("runs-on",), label
            continue
        matrix: Path = ("strategy", "matrix")
        values = dig(job.data, *matrix, found[1])
        for number, value in enumerate(values if isinstance(values, list) else ()):
            yield (*matrix, found[1], number), str(value)
        more = dig(job.data, *matrix, "include")
        for number, entry in enumerate(more if isinstance(more, list) else ()):
            if isinstance(entry, Mapping) and found[1] in entry:
                yield (*matrix, "include", number, found[1]), str(entry[found[1]])


GATE = Gate(
    id="VER003",
    title="The runners that jobs ask for are there",
    phase="delivery",
    source="https://github.com/actions/runner-images, the issues with the label Announcement",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs of workflows", jobs),
    targets=("repository",),
    reads="`runs-on` and the values of a matrix that it names, beside assets/gone.yaml; not those "
    "of a group, nor of a runner of one's own. By the day that is judged for.",
)
