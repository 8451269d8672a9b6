"""Certificates are trusted, and renewed in time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.objects.metadata import group_of, name_of, title
from tarmac.check.gates.views.scope import kinds

API = "cert-manager.io"
_STAGING = re.compile(r"(?i)stag|test|dev|sandbox|dry")
_LONGEST = 64
#: cert-manager issues for 90 days where nothing is said.
_USUAL_S = 90 * 86400.0


def check(files: Files) -> Iterator[Finding]:
    """Yield issuers that nothing trusts, and certificates whose renewal comes before them."""
    for issuer in files.objects("ClusterIssuer", "Issuer"):
        server = string(issuer.data, "spec", "acme", "server")
        is_meant = _STAGING.search(name_of(issuer)) or _STAGING.search(issuer.path)
        if "acme-staging" in server and not is_meant:
            what = f"{title(issuer)} asks Let's Encrypt's staging server, whose certificates no"
            yield Finding(
                issuer.at("spec", "acme", "server"),
                f"{what} browser trusts; write https://acme-v02.api.letsencrypt.org/directory",
                warning=True,
            )
    for one in files.objects("Certificate"):
        if group_of(one) != API:
            continue
        name = string(one.data, "spec", "commonName")
        if len(name.encode()) > _LONGEST and not {"{", "$"} & set(name):
            what = f"{title(one)} has a commonName of {len(name)} characters, and X.509 takes"
            where = one.at("spec", "commonName")
            yield Finding(where, f"{what} {_LONGEST}: cert-manager refuses it; use dnsNames alone")
        lasts = duration_s(string(one.data, "spec", "duration")) or _USUAL_S
        before = duration_s(string(one.data, "spec", "renewBefore"))
        if before is not None and before >= lasts:
            what = (
                f"{title(one)} lasts {lasts / 3600:g} h, and is to be renewed {before / 3600:g} h"
            )
            yield Finding(
                one.at("spec", "renewBefore"),
                f"{what} before its end: cert-manager refuses it; write a third of it",
            )


GATE = Gate(
    id="NET011",
    title="Certificates are trusted, and renewed in time",
    phase="kubernetes",
    source="https://letsencrypt.org/docs/staging-environment and "
    "https://cert-manager.io/docs/usage/certificate/#renewal",
    check=check,
    of_files=check,
    alone=True,
    scope=kinds("issuers and Certificates", "ClusterIssuer", "Issuer", "Certificate"),
    targets=("cluster",),
    reads="the server of ACME issuers whose name and folder do not say staging or test, and "
    "duration beside renewBefore.",
)
