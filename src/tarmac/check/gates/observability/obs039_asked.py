"""Jobs that ask another program, or read files, are told which."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_left_open
from tarmac.check.gates.views.monitoring.configurations import configurations
from tarmac.check.gates.views.scope import counted_in_files

_URL = re.compile(r"https?://[^${]+")
#: What a job of Promtail may read files of; of other sources it needs no path.
_OF_FILES = ("kubernetes_sd_configs", "static_configs")
_MORE = (
    "journal", "syslog", "loki_push_api", "gcplog", "windows_events", "kafka", "cloudflare",
    "heroku_drain", "gelf", "azure_event_hubs", "docker_sd_configs", "file_sd_configs",
    "consul_sd_configs", "consulagent_sd_configs", "journal_config", "http_sd_configs",
)  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield probes that no prober is asked for, and jobs of Promtail without files."""
    for artifact, at, data in configurations(files):
        is_promtail = _sends(data)
        for number, job in numbered(data, "scrape_configs"):
            path: Path = ("scrape_configs", number)
            path = (*path, "relabel_configs") if "relabel_configs" in job else path
            where = artifact.at(*at, *(() if at else path))
            yield from _without_files(where, job) if is_promtail else _unprobed(where, job)


def _sends(data: Fields) -> bool:
    """Tell whether a configuration is one of Promtail, which sends to Loki."""
    return bool({"clients", "client"} & data.keys()) and "rule_files" not in data


def _unprobed(where: str, job: Fields) -> Iterator[Finding]:
    """Yield a job whose targets are what a prober is to ask, and that asks these themselves."""
    rules = [one for _, one in numbered(job, "relabel_configs")]
    asks = any(
        string(one, "target_label") == "__param_target"
        and items(one, "source_labels") == ("__address__",)
        for one in rules
    )
    if not asks or job.get("proxy_url") or any(map(_may_set_address, rules)):
        return
    targets = [
        one for group in items(job, "static_configs") for one in texts(dig(group, "targets"))
    ]
    url = next((one for one in targets if _URL.fullmatch(one)), "")
    what = f"job {string(job, 'job_name')} hands each target on as __param_target, and no rule sets"
    ends = f"{url}, which is not a host and port" if url else "the target instead of the prober"
    advice = "write target_label: __address__ with the prober's host and port as its replacement"
    yield Finding(where, f"{what} __address__, so it asks {ends}; {advice}", warning=not url)


def _may_set_address(rule: Fields) -> bool:
    """Tell whether a rule gives the address, or a label that is not known."""
    label, action = string(rule, "target_label"), string(rule, "action")
    return label == "__address__" or _is_open(label) or action == "labelmap"


def _is_open(label: str) -> bool:
    return "$" in label or "{" in label or is_left_open(label)


def _without_files(where: str, job: Fields) -> Iterator[Finding]:
    """Yield a job of Promtail that no rule gives the files of its targets."""
    kinds = [key for key in _OF_FILES if items(job, key)]
    if not kinds or any(key in job for key in _MORE) or any(map(_may_set_path, _rules(job))):
        return
    groups = [fields(one, "labels") for one in items(job, "static_configs")]
    if any("__path__" in labels for labels in groups):
        return
    what = f"job {string(job, 'job_name')} gives its targets no label __path__, so Promtail reads"
    place = "a rule with target_label: __path__" if "static_configs" not in kinds else "it there"
    yield Finding(where, f"{what} no file and sends nothing; write {place}")


def _rules(job: Fields) -> Iterator[Fields]:
    yield from (one for _, one in numbered(job, "relabel_configs"))


def _may_set_path(rule: Fields) -> bool:
    """Tell whether a rule gives the files, or a label that is not known."""
    label = string(rule, "target_label")
    is_mapped = string(rule, "action") == "labelmap" and "path" in str(dict(rule))
    return label == "__path__" or _is_open(label) or is_mapped


def _judged(files: Files) -> Iterator[tuple[Artifact, int]]:
    for artifact, _, data in configurations(files):
        yield from ((artifact, number) for number, _ in numbered(data, "scrape_configs"))


GATE = Gate(
    id="OBS039",
    title="Jobs that ask a prober, or read files, are told which",
    phase="observability",
    source="https://github.com/prometheus/blackbox_exporter#prometheus-configuration: the address "
    "is replaced by that of the exporter; https://grafana.com/docs/loki/latest/send-data/promtail/"
    "scraping: the label __path__ names the files",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("jobs of Prometheus and Promtail", _judged),
    targets=(),
    reads="scrape_configs of files and ConfigMaps: rules that hand the address on to a prober, and "
    "the label __path__ of Promtail's targets of Kubernetes or that are written down. "
    "Judges files without a plan only.",
)
