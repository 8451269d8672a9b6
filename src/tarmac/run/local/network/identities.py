"""Issues a certificate for each service, by an authority that lives as long as the supervisor.

Used by `mutual_tls.py`. The identity is a SPIFFE id of the same form as Istio's in a cluster, in a
trust domain of its own. The authority's key is never written; a service's key and certificate are
one file, readable by its owner alone and replaced at once, so that a reader sees a pair.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tarmac.run.local.state.files import write_atomically

TRUST_DOMAIN = "tarmac.local"
#: As long as caller tokens live.
LIFE_S = 600.0
AUTHORITY_LIFE_S = 365 * 86_400.0
#: Two clocks, and one that is set back a little.
LEEWAY_S = 60.0
AUTHORITY = "authority.pem"


class Identities:
    """The certificates of one namespace. Times are in Unix seconds."""

    def __init__(
        self,
        folder: Path,
        *,
        life_s: float = LIFE_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._life_s = life_s
        self._now = now
        self._namespace = ""
        self._authority: tuple[ec.EllipticCurvePrivateKey, x509.Name] | None = None
        #: When each certificate was issued.
        self._issued: dict[str, float] = {}

    @property
    def authority(self) -> Path:
        """Where the certificate of the authority is."""
        return self._folder / AUTHORITY

    def id_of(self, service: str) -> str:
        """Return the SPIFFE id of a service, a store, or the world."""
        return f"spiffe://{TRUST_DOMAIN}/ns/{self._namespace}/sa/{service}"

    def file_of(self, service: str) -> Path:
        """Return the file with the key and the certificate of a service."""
        return self._folder / f"{service}.pem"

    def begin(self, namespace: str) -> None:
        """Make an authority, and forget what an earlier one issued. Raises OSError."""
        self._namespace = namespace
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        key, certificate = _authority(self._now())
        self._authority = (key, certificate.subject)
        write_atomically(self.authority, _pem(certificate))

    def hand_out(self, services: Iterable[str]) -> None:
        """Give these services certificates, and delete those of all others. Raises OSError."""
        wanted = set(services)
        for service in self._issued.keys() - wanted:
            self.file_of(service).unlink(missing_ok=True)
        self._issued = {service: self._issued.get(service, 0.0) for service in wanted}
        self.renew()

    def renew(self) -> bool:
        """Replace each certificate that has lived half its life; tell whether there was one.

        Raises OSError; what is not written is due at the next call.
        """
        now, renewed = self._now(), False
        for service, issued_at in self._issued.items():
            if not 0 <= now - issued_at < self._life_s / 2:  # a clock may be set back
                write_atomically(self.file_of(service), self._certificate(service, now))
                self._issued[service] = now
                renewed = True
        return renewed

    def end(self) -> None:
        """Delete all certificates: without the authority nothing takes them. Raises OSError."""
        if self._folder.exists():
            shutil.rmtree(self._folder)

    def _certificate(self, service: str, now: float) -> str:
        assert self._authority is not None  # noqa: S101 - begin comes first
        signing, issuer = self._authority
        key = ec.generate_private_key(ec.SECP256R1())
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        names = [x509.UniformResourceIdentifier(self.id_of(service))]
        # A SPIFFE id is the name; the subject stays empty, so the extension is critical.
        certificate = (
            _builder(x509.Name([]), issuer, key, now, self._life_s)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(_issued_by(signing), critical=False)
            .sign(signing, hashes.SHA256())
        )
        return _key_pem(key) + _pem(certificate)


def _authority(now: float) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, TRUST_DOMAIN)])
    trusted = x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}")
    certificate = (
        _builder(name, name, key, now, AUTHORITY_LIFE_S)
        .add_extension(x509.SubjectAlternativeName([trusted]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(_issued_by(key), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: float,
    life_s: float,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(now - LEEWAY_S))
        .not_valid_after(_time(now + life_s))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issued_by(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _time(at: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, dt.UTC)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
