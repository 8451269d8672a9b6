"""A program that speaks TLS itself gets no second one from the mesh."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, items, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import kinds

_ADDED = ("SIMPLE", "MUTUAL")
_ADDRESS = re.compile(r"\bhttps://([\w.-]+)")


def check(files: Files) -> Iterator[Finding]:
    """Yield rules that put TLS around what is TLS already."""
    asked: dict[str, str] = {}
    for own in pods(files):
        for container in own.containers:
            for name, given in own.variables.of(container).items():
                for host in _ADDRESS.findall(given.text):
                    asked.setdefault(host, f"{title(own.artifact)} ({name})")
    for rule in files.objects("DestinationRule"):
        host = string(rule.data, "spec", "host")
        mode = string(rule.data, "spec", "trafficPolicy", "tls", "mode")
        if mode in _ADDED and host in asked and not _is_opened(files, host):
            what = (
                f"{title(rule)} adds TLS ({mode}) to calls of {host}, and {asked[host]} calls it by"
            )
            advice = "https already: each handshake fails; remove tls, or call it by http"
            where = rule.at("spec", "trafficPolicy", "tls", "mode")
            yield Finding(where, f"{what} {advice}")


def _is_opened(files: Files, host: str) -> bool:
    """Tell whether a port of the host takes plain requests, for which the rule may be."""
    for entry in files.objects("ServiceEntry"):
        if host in texts(fields(entry.data, "spec").get("hosts")):
            ports = items(entry.data, "spec", "ports")
            if any(string(one, "protocol").upper() in ("HTTP", "HTTP2", "GRPC") for one in ports):
                return True
    return False


GATE = Gate(
    id="MSH009",
    title="A program that speaks TLS itself gets no second one from the mesh",
    phase="mesh",
    source="https://istio.io/latest/docs/ops/common-problems/network-issues/#double-tls: requests "
    "to an address by https are encrypted twice where a rule originates TLS, too",
    check=check,
    of_files=check,
    scope=kinds("DestinationRules", "DestinationRule"),
    reads="DestinationRules with TLS of their own beside addresses by https in variables of pods. "
    "A host with a port for plain requests is not judged.",
)
