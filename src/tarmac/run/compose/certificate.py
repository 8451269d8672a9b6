"""Asks the entry's own certificate what visitors will ask it, before it is deployed.

Called by `tarmac deploy`. Whether a visitor trusts its authority is not known here.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.model.entry import Entry
from tarmac.model.system import System
from tarmac.plan.cluster import ClusterPlan


def check_certificate(system: System, plan: ClusterPlan) -> None:
    """Refuse a certificate of the environment's entry that visitors would not take.

    Raises:
        BadInput: a file is not there, is something else, or the two do not belong together; the
            certificate is of other hosts, or of another time.
    """
    entry = plan.settings.entry
    if entry is None or entry.certificate is None:
        return

    def at(key: str) -> str:
        return str(system.locate(("environments", plan.environment, "entry", key)))

    found = _wrong(entry, Path(system.folder), plan.public_hosts)
    problems = [Problem(at(key), what) for key, what in found]
    if problems:
        raise BadInput(problems)


def _wrong(entry: Entry, folder: Path, hosts: Iterable[str]) -> Iterator[tuple[str, str]]:
    given = {"certificate": entry.certificate or "", "key": entry.key or ""}
    texts = {}
    for key, path in given.items():
        try:
            texts[key] = (folder / path).read_text(encoding="ascii")
        except OSError as error:
            yield key, f"{key} '{path}' cannot be read ({error.strerror}); put the file there"
        except UnicodeDecodeError:
            yield key, f"{key} '{path}' is not of PEM; convert it: openssl pkcs12 or x509"
    if len(texts) != len(given):
        return
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asks = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asks.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # its authority may be anyone
    try:
        asks.load_verify_locations(cadata=texts["certificate"])
    except ssl.SSLError:
        what = f"certificate '{entry.certificate}' has no certificate of PEM"
        yield "certificate", f"{what}; it begins with -----BEGIN CERTIFICATE-----"
        return
    try:
        shows.load_cert_chain(folder / given["certificate"], folder / given["key"], password="")
    except (ssl.SSLError, ValueError):
        what = f"key '{entry.key}' is not the key of certificate '{entry.certificate}', or has a"
        yield "key", f"{what} passphrase; give the one that belongs to it, without"
        return
    for host in hosts:
        if refused := _refused(shows, asks, host):
            what = f"certificate '{entry.certificate}' is refused for {host}: {refused}"
            yield "certificate", f"{what}; give one that is valid now, for each public host"


def _refused(shows: ssl.SSLContext, asks: ssl.SSLContext, host: str) -> str:
    """Let a visitor of a host meet the certificate, in memory; returns why it is refused."""
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = shows.wrap_bio(one, other, server_side=True)
    client = asks.wrap_bio(other, one, server_hostname=host)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message.rstrip(".")
    return ""
