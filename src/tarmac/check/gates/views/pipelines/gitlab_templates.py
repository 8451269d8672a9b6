"""Jobs of GitLab with what they take from the templates that they extend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, texts
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline
from tarmac.check.gates.views.pipelines.gitlab_joined import merged

#: So many templates may be in a row, as GitLab allows.
_MOST = 11


def templates(pipeline: GitlabPipeline, job: Fields) -> dict[str, Fields] | None:
    """Find the templates of a job in the order in which each replaces those before it.

    None: one of them is not in this file, or they go round.
    """
    return _templates(pipeline, job, _MOST)


def _templates(pipeline: GitlabPipeline, job: Fields, left: int) -> dict[str, Fields] | None:
    found: dict[str, Fields] = {}
    for name in texts(job.get("extends")):
        one = pipeline.artifact.data.get(name)
        if not isinstance(one, Mapping) or not left:
            return None
        above = _templates(pipeline, one, left - 1)
        if above is None:
            return None
        found |= above | {name: one}
    return found


def whole(pipeline: GitlabPipeline, job: Fields) -> Fields | None:
    """Merge a job into its templates, as GitLab does: mappings into each other, lists replaced.

    None: what it has of elsewhere is not known.
    """
    if "extends" not in job:
        return job
    above = templates(pipeline, job)
    if above is None:
        return None
    found: dict[str, Any] = {}
    for one in (*above.values(), job):
        found = merged(found, one)
    return {key: value for key, value in found.items() if key != "extends"}
