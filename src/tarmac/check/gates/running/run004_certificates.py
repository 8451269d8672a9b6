"""Certificates: those that the entry reads in the cluster are for its hosts, for some time yet."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.live import LiveCertificate, LiveSystem
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.certificates import covers
from tarmac.check.gates.views.scope import counted

#: As the alerts CertificateExpires and CertificateNotRenewed have them: cert-manager renews 30 days
#: before the end.
LEAST_DAYS, RENEWED_DAYS = 7, 21


def check(subject: Subject) -> Iterator[Finding]:
    """Yield certificates that are not there, lack a host, or end soon.

    Raises Skip where one may not be read, and nothing is wrong with the others.
    """
    certificates = subject.given(LiveSystem).certificates
    found = [finding for one in certificates for finding in _findings(subject, one)]
    unread = [one for one in certificates if one.unread]
    if unread and all(finding.warning for finding in found):
        what = f"Secret {unread[0].secret} of {unread[0].namespace}: {unread[0].unread}"
        raise Skip(f"{what}; use a context that may read Secrets there")
    yield from found


def _findings(subject: Subject, one: LiveCertificate) -> Iterator[Finding]:
    where = f"Secret {one.secret} of {one.namespace}, which {one.reader} reads"
    if one.unread:
        return
    if one.ends is None:
        what = f"{where}, holds no certificate in {subject.given(LiveSystem).context}"
        yield Finding(one.where, f"{what}; see `kubectl describe certificate`, or create it")
        return
    if lacking := sorted(host for host in one.hosts if not covers(one.names, host)):
        what = f"the certificate in {where}, is not for {', '.join(lacking)}"
        yield Finding(one.where, f"{what}; issue it for these hosts, too")
    days = (one.ends - subject.today).days
    if days < RENEWED_DAYS:
        verb = "ended" if days < 0 else "ends"
        what = f"the certificate in {where}, {verb} on {one.ends}"
        remedy = "renew it, or see by `kubectl describe certificate` why that failed"
        yield Finding(one.where, f"{what}; {remedy}", warning=days >= LEAST_DAYS)


GATE = Gate(
    id="RUN004",
    title="The ingress certificates in the cluster are for its hosts, and valid for weeks",
    phase="security",
    source="an expired certificate stops all ingress traffic, on a day that is known in advance",
    check=check,
    scope=counted("certificates", lambda subject: subject.given(LiveSystem).certificates),
    reads="tls.crt of the Secrets that Ingress and Gateway objects of the tree read; never a key. "
    "Fewer than 21 days are a warning, fewer than 7 an error. Whether clients trust the "
    "issuer is not checked.",
    level=Level.OBSERVED,
    targets=("cluster",),
    observes=True,
)
