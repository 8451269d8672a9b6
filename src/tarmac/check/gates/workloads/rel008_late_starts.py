"""Probes speak what a port speaks, and wait as long as a program says that it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

PROBES = ("startup", "liveness", "readiness")
#: A port that speaks TLS by its name; 443 and 8443 do by their numbers.
_TLS = re.compile(r"(?i)https(-.*)?|.*-https|tls|ssl")
_NUMBERS = (443, 8443, 9443, 6443, 10250)
#: A variable by which a program is told how long it takes before it answers.
_WARM_UP = re.compile(
    r"(\w+_)?(WARM_?UP|START_?UP|START|INIT|BOOT)_?(DELAY|WAIT|TIME|SLEEP|DURATION)?_?(S|SEC|SECS|SECONDS)"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield probes that are refused, and such that end a program before it has started."""
    for own, container in _probed(files):
        yield from _plain(own, container)
        yield from _early(own, container)


def _plain(own: Pods, container: Container) -> Iterator[Finding]:
    """Yield probes by HTTP of a port that speaks HTTPS."""
    names = {port.name: port.number for port in container.ports if port.name}
    for name in PROBES:
        probe = container.probe(name)
        http = fields(probe.data, "httpGet") if probe else {}
        asked = http.get("port")
        number = names.get(str(asked), asked)
        called = next((one for one, port in names.items() if port == number), "")
        is_tls = _TLS.fullmatch(str(called or asked)) or (not called and number in _NUMBERS)
        if http and is_tls and not str(http.get("scheme") or ""):
            said = f"port {asked}" if called in ("", str(asked)) else f"port {asked} ({called})"
            what = f"{name}Probe of {title(own.artifact)} asks {said} by plain HTTP, which a server"
            where = container.at(f"{name}Probe", "httpGet", "port")
            yield Finding(
                where, f"{what} of HTTPS answers with 400; write scheme: HTTPS", warning=True
            )


def _early(own: Pods, container: Container) -> Iterator[Finding]:
    live = container.probe("liveness")
    if live is None or container.probe("startup") is not None:
        return
    for name, value in own.variables.of(container).items():
        text = str(value.text)
        if _WARM_UP.fullmatch(name) and text.isdecimal() and int(text) > live.ends_s:
            what = f"{title(own.artifact)} starts for {text} s ({name}), and its livenessProbe has"
            said = f"{what} failed after {live.ends_s:g} s: it is killed while it starts, for ever"
            yield Finding(
                container.at("livenessProbe"), f"{said}; add a startupProbe", warning=True
            )


@once
def _probed(files: Files) -> Iterator[tuple[Pods, Container]]:
    for own in pods(files, *SERVING):
        for container in own.main_containers:
            if any(container.probe(name) for name in PROBES):
                yield own, container


GATE = Gate(
    id="REL008",
    title="Probes speak what their port speaks, and wait for a slow start",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes: "
    "scheme is HTTP by default; a startup probe holds the others back",
    check=check,
    of_files=check,
    scope=counted_in_files("containers with probes", _probed),
    targets=("cluster",),
    reads="the names and numbers of ports that httpGet asks, and variables such as "
    "WARMUP_SECONDS beside the time after which a livenessProbe has failed.",
)
