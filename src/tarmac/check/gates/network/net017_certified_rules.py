"""The hosts of an Ingress's certificate are hosts of its rules."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.nginx_class import NGINX, is_of_nginx
from tarmac.check.gates.views.objects.certificates import covers
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: By these nginx serves hosts that no rule names.
_ALIASES = (f"{NGINX}server-alias", f"{NGINX}from-to-www-redirect")


def check(files: Files) -> Iterator[Finding]:
    """Yield certificates of an Ingress that are shown for none of its hosts."""
    for ingress, number, tls in _judged(files):
        hosts = [str(one) for one in items(tls, "hosts")]
        served = {string(rule, "host") for _, rule in numbered(ingress.data, "spec", "rules")}
        named = served - {""}
        if any(covers({host}, one) or covers({one}, host) for host in hosts for one in named):
            continue
        where = ingress.at("spec", "tls", number)
        what = f"{title(ingress)} has a certificate for {hosts[0]} and no rule of that host"
        if named and "" not in served:
            advice = f"there are: {', '.join(sorted(named))}"
            yield Finding(where, f"{what}, so it is shown for none; {advice}", warning=True)
        elif not named and is_of_nginx(ingress):
            said = f"{what}: ingress-nginx shows its own certificate, which no browser trusts;"
            yield Finding(where, f"{said} write the host in a rule")


@once
def _judged(files: Files) -> Iterator[tuple[Artifact, int, Fields]]:
    """Yield the certificates of Ingresses, all of whose hosts are known."""
    for ingress in files.objects("Ingress"):
        noted = metadata(ingress).annotations
        if any(key in noted for key in _ALIASES):
            continue
        for number, tls in numbered(ingress.data, "spec", "tls"):
            hosts = items(tls, "hosts")
            written = f"{hosts}{items(ingress.data, 'spec', 'rules')}"
            # A chart whose host is given later has an empty one.
            is_given = hosts and all(hosts) and string(tls, "secretName")
            if is_given and "$" not in written and "{{" not in written:
                yield ingress, number, tls


GATE = Gate(
    id="NET017",
    title="The hosts of an Ingress's certificate are hosts of its rules",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/ingress/#tls: hosts in the tls "
    "section need to match the host in the rules; TLS does not work on the default rule",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("certificates of Ingresses", _judged),
    targets=("cluster",),
    reads="hosts of `tls` beside those of `rules`, but for annotations by which nginx serves "
    "others.",
)
