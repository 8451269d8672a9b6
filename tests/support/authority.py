"""Certificates of the tests' own authorities, which live as long as a test."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: What an authority's key is for; Python 3.13 trusts none that does not say so.
_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def new_authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Make an authority's key, and the certificate by which clients trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    own = x509.BasicConstraints(ca=True, path_length=0)
    signed = certificate(name, name, key.public_key(), key).add_extension(own, critical=True)
    return key, signed.add_extension(_SIGNS, critical=True).sign(key, hashes.SHA256())


def of_hosts(
    hosts: Sequence[str], authority: ec.EllipticCurvePrivateKey, issuer: x509.Name
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Make a key for hosts, which may be addresses, and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([_name(host) for host in hosts])
    made = certificate(x509.Name([]), issuer, key.public_key(), authority)
    return key, made.add_extension(names, critical=True).sign(authority, hashes.SHA256())


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    authority: ec.EllipticCurvePrivateKey,
) -> x509.CertificateBuilder:
    """Begin a certificate of a public key, for a day; its uses are the caller's to add."""
    now = dt.datetime.now(dt.UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(identifier, critical=False)
    )
