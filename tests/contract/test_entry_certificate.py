"""The entry's own certificate is asked what visitors will ask it, before anything is deployed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import authority
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rendered import KINDS

from tarmac.base.errors import BadInput
from tarmac.plan.deploy import deploy
from tarmac.project.reading import load
from tarmac.run.compose.certificate import check_certificate

PEM = serialization.Encoding.PEM
MODEL = """tarmac: 1
system: shop
domain: shop.example.com
environments:
  compose: {entry: {certificate: shop.pem, key: shop.key}}
services:
  web: {run: [serve], port: 8000, public: {host: www}}
  api: {run: [serve], port: 8001, public: {host: api}}
"""
HOSTS = ("www.shop.example.com", "api.shop.example.com")


def write(folder: Path, key: ec.EllipticCurvePrivateKey, made: x509.Certificate) -> None:
    plain, kind = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    (folder / "shop.pem").write_bytes(made.public_bytes(PEM))
    (folder / "shop.key").write_bytes(key.private_bytes(PEM, kind, plain))


def of(*hosts: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key, root = authority.new_authority()
    return authority.of_hosts(hosts, key, root.subject)


def said(folder: Path) -> str:
    (folder / "tarmac.yaml").write_text(MODEL)
    system = load(str(folder / "tarmac.yaml"))
    try:
        check_certificate(system, deploy(system, "compose", KINDS))
    except BadInput as error:
        return str(error).replace(f"{folder}/", "")
    return ""


def without_key(folder: Path) -> None:
    (folder / "shop.key").unlink()


def other_key(folder: Path) -> None:
    kept = (folder / "shop.pem").read_bytes()
    write(folder, *of(*HOSTS))
    (folder / "shop.pem").write_bytes(kept)


def locked_key(folder: Path) -> None:
    key = serialization.load_pem_private_key((folder / "shop.key").read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"sesame")
    text = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, locked)
    (folder / "shop.key").write_bytes(text)


def swapped(folder: Path) -> None:
    (folder / "shop.pem").write_bytes((folder / "shop.key").read_bytes())


def binary(folder: Path) -> None:
    (folder / "shop.pem").write_bytes(b"\x30\x82\xff")


def of_one_host(folder: Path) -> None:
    write(folder, *of(HOSTS[0]))


def outdated(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop")])
    now = dt.datetime.now(dt.UTC)
    begun = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now - dt.timedelta(minutes=1))
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, HOSTS)]), critical=False)
    )
    write(folder, key, begun.sign(key, hashes.SHA256()))


def test_a_certificate_of_each_host_is_taken_whoever_is_its_authority(tmp_path):
    write(tmp_path, *of(*HOSTS))
    assert said(tmp_path) == ""
    write(tmp_path, *of("*.shop.example.com"))
    assert said(tmp_path) == ""


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (without_key, "tarmac.yaml:5:49: key 'shop.key' cannot be read (No such file or direc"),
        (other_key, "tarmac.yaml:5:49: key 'shop.key' is not the key of certificate 'shop.pem'"),
        (locked_key, "tarmac.yaml:5:49: key 'shop.key' is not the key of certificate 'shop.pem'"),
        (swapped, "tarmac.yaml:5:34: certificate 'shop.pem' has no certificate of PEM; it begins"),
        (binary, "tarmac.yaml:5:34: certificate 'shop.pem' is not of PEM; convert it"),
        (of_one_host, "tarmac.yaml:5:34: certificate 'shop.pem' is refused for api.shop.example."),
        (outdated, "certificate 'shop.pem' is refused for www.shop.example.com: certificate has e"),
    ],
)
def test_what_visitors_would_refuse_is_named(
    tmp_path: Path, spoil: Callable[[Path], None], expected
):
    write(tmp_path, *of(*HOSTS))
    spoil(tmp_path)
    assert expected in said(tmp_path)
