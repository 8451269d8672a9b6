"""How far apart the samples of a Prometheus are that loads some rules, as far as files say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items, numbered, string, texts
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.once import once

#: What Prometheus itself, and its operator, take where nothing is said.
_PLAIN_S, _OPERATOR_S = 60.0, 30.0


class Scrapes(NamedTuple):
    """The scrapes of one Prometheus."""

    #: The names of the files of rules that it loads, as patterns; none: those of all objects.
    rules: tuple[str, ...]
    #: How far apart they are in seconds, by their job.
    jobs: Mapping[str, float]
    #: Whether each job that it has is known.
    is_whole: bool

    def load(self, artifact: Artifact) -> bool:
        """Tell whether it loads a file of rules."""
        if not self.rules or artifact.is_object:
            return not self.rules and artifact.is_object
        name = artifact.held_as or artifact.path.rpartition("/")[2]
        return any(fnmatchcase(name, pattern) for pattern in self.rules)


@once
def scrapes(files: Files) -> Iterator[Scrapes]:
    """Yield the scrapes of each Prometheus whose configuration is here."""
    for artifact in files.artifacts:
        data = artifact.data
        jobs = numbered(data, "scrape_configs")
        if artifact.is_object or not jobs or data.get("scrape_config_files"):
            continue
        every = duration_s(dig(data, "global", "scrape_interval")) or _PLAIN_S
        found = {
            string(job, "job_name"): duration_s(job.get("scrape_interval")) or every
            for _, job in jobs
        }
        rules = tuple(path.rpartition("/")[2] for path in texts(data.get("rule_files")))
        if rules:
            yield Scrapes(rules, found, is_whole=True)
    ends = [
        duration_s(end.get("interval"))
        for artifact in files.objects("ServiceMonitor", "PodMonitor")
        for key in ("endpoints", "podMetricsEndpoints")
        for _, end in numbered(artifact.data, "spec", key)
    ]
    for artifact in files.objects("Prometheus"):
        every = duration_s(dig(artifact.data, "spec", "scrapeInterval")) or _OPERATOR_S
        if ends and not items(artifact.data, "spec", "additionalScrapeConfigs"):
            least = min(end or every for end in ends)
            yield Scrapes((), {"": least}, is_whole=False)


def apart_s(files: Files, artifact: Artifact, job: str) -> tuple[float, bool] | None:
    """Find how far apart samples are at least, and whether that is sure; None: not known."""
    loading = [one for one in scrapes(files) if one.load(artifact)]
    known = [
        one.jobs[job] if job in one.jobs else min(one.jobs.values()) for one in loading if one.jobs
    ]
    return (min(known), all(one.is_whole for one in loading)) if known else None
