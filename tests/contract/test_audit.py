"""The audit of locked packages, against an index's recorded answers and against the real one."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import tomllib
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import advisories
import audit
import image_packages
import pytest
import yaml
from rendered import ROOT

TODAY = date(2026, 11, 21)
#: What the index of Python's packages answered for a package that gets no fixes.
PYCRYPTO = json.loads((Path(__file__).parent / "audit/pycrypto.json").read_text())
WITHOUT_FINDING = {"info": {"version": "1.0"}, "vulnerabilities": []}
RECORD = """\
id: PYSEC-2099-1
aliases: [CVE-2099-1]
modified: '{modified}'
severity: [{{type: CVSS_V3, score: '{vector}'}}]
affected:
- package: {{name: Some_Package, ecosystem: PyPI}}
  ranges: [{{type: ECOSYSTEM, events: [{{introduced: '1.2'}}, {{fixed: '1.10'}}]}}]
"""
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
MEDIUM = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:L"


class Index:
    """A package index on loopback, with the JSON answers that a test puts into `answers`."""

    def __init__(self) -> None:
        self.answers = answers = {}

        class Handler(BaseHTTPRequestHandler):
            known: ClassVar = answers

            def do_GET(self):
                found = self.known.get(self.path.removeprefix("/pypi/").removesuffix("/json"))
                body = json.dumps(found).encode()
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple"


@pytest.fixture
def index():
    started = Index()
    thread = threading.Thread(target=started.server.serve_forever, args=(0.01,))
    thread.start()
    yield started
    started.server.shutdown()
    thread.join()
    started.server.server_close()


@pytest.fixture
def run(index, tmp_path, capsys):
    """Return a function that audits these packages and returns the exit code and the output."""

    def audited(packages, *arguments, suppressions=(), index_url=index.url, today=TODAY, own=()):
        lock, chosen = tmp_path / "uv.lock", tmp_path / "audit.yaml"
        made_here = "".join(
            f'[[package]]\nname = "{name}"\nversion = "1"\nsource = {{ editable = "." }}\n'
            for name in own
        )
        lock.write_text(lock_text(packages) + made_here)
        chosen.write_text(yaml.safe_dump({"suppressions": list(suppressions)}))
        options = ("--lock", str(lock), "--settings", str(chosen), *arguments)
        code = audit.audit(options, {"UV_INDEX_URL": index_url}, today)
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return audited


def lock_text(packages):
    registry = 'source = { registry = "https://index.invalid/simple" }'
    return "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n{registry}\n'
        for name, version in packages.items()
    )


def suppression(until=date(2026, 12, 31), **other):
    return {
        "package": "pycrypto",
        "id": "CVE-2018-6594",
        "reason": "no ElGamal here",
        "until": until,
    } | other


def test_a_planted_vulnerable_package_is_found_and_fails(index, run):
    index.answers["pycrypto/2.6.1"] = PYCRYPTO
    index.answers["sound/1.0"] = WITHOUT_FINDING
    code, shown = run({"pycrypto": "2.6.1", "sound": "1.0"})
    assert code == 1
    # PYSEC and GitHub each list the same two; the index gives no severity.
    rows = [line for line in shown.splitlines() if line.startswith("pycrypto")]
    assert len(rows) == 2
    assert all("UNKNOWN (as HIGH)" in row and row.endswith("FAIL") for row in rows)
    assert any("PYSEC-2018-97" in row and "GHSA-6528-wvf6-f6qg" in row for row in rows)
    assert "2 packages: 2 looked up, 0 skipped; 2 known vulnerabilities, 2 of them fail" in shown


def test_without_a_known_vulnerability_it_passes(index, run):
    index.answers["sound/1.0"] = WITHOUT_FINDING
    code, shown = run({"sound": "1.0"}, "--complete")
    assert (code, shown) == (
        0,
        "1 packages: 1 looked up, 0 skipped; 0 known vulnerabilities, 0 of them fail\n",
    )


def test_a_withdrawn_advisory_is_none(index, run):
    withdrawn = [entry | {"withdrawn": "2026-01-01"} for entry in PYCRYPTO["vulnerabilities"]]
    index.answers["pycrypto/2.6.1"] = PYCRYPTO | {"vulnerabilities": withdrawn}
    assert run({"pycrypto": "2.6.1"})[0] == 0


def test_an_index_that_knows_the_newest_release_alone_answers_for_that_one(index, run):
    index.answers["pycrypto"] = PYCRYPTO
    assert run({"pycrypto": "2.6.1"})[0] == 1
    code, shown = run({"pycrypto": "2.6.0"})
    assert code == 0
    assert "SKIPPED pycrypto 2.6.0: the index gives advisories of the newest release" in shown
    assert "1 packages: 0 looked up, 1 skipped" in shown
    assert run({"pycrypto": "2.6.0"}, "--complete")[0] == 3, "a release needs every answer"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "the index has no JSON of this package (404)"),
        ({"info": {"version": "1.0"}}, "127.0.0.1 answers without advisories"),
    ],
)
def test_what_the_index_does_not_say_is_skipped_and_never_passes(index, run, answer, reason):
    index.answers["sound/1.0"] = answer
    code, shown = run({"sound": "1.0"}, "--complete")
    assert code == 3
    assert f"SKIPPED sound 1.0: {reason}" in shown


def test_an_index_that_cannot_be_reached_is_skipped_and_its_password_not_shown(run):
    code, shown = run(
        {"sound": "1.0"}, "--complete", index_url="http://me:pass-word@127.0.0.1:9/simple/"
    )
    assert code == 3
    assert "SKIPPED sound 1.0: 127.0.0.1 does not answer" in shown
    assert "pass-word" not in shown


def test_a_suppression_holds_for_its_advisory_until_its_last_day(index, run):
    index.answers["pycrypto/2.6.1"] = PYCRYPTO | {
        "vulnerabilities": [v for v in PYCRYPTO["vulnerabilities"] if "2018-6594" in str(v)]
    }
    given = (suppression(TODAY),)
    code, shown = run({"pycrypto": "2.6.1"}, suppressions=given)
    assert code == 0
    assert "suppressed until 2026-11-21: no ElGamal here" in shown
    code, shown = run({"pycrypto": "2.6.1"}, suppressions=given, today=date(2026, 11, 22))
    assert code == 1
    assert "FAIL (the suppression ended 2026-11-21)" in shown


def test_a_suppression_of_nothing_is_named(index, run):
    index.answers["sound/1.0"] = WITHOUT_FINDING
    code, shown = run({"sound": "1.0"}, suppressions=(suppression(),))
    assert code == 0
    assert "UNUSED suppression of CVE-2018-6594 for pycrypto; remove it" in shown


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (suppression(reason=" "), "a suppression has package, id, reason and until"),
        ({"package": "a", "id": "b", "reason": "c"}, "it has id, package, reason"),
        (suppression(until="for ever"), "CVE-2018-6594: until is no date"),
    ],
)
def test_a_suppression_without_reason_or_end_is_refused(run, given, problem):
    code, shown = run({"sound": "1.0"}, suppressions=(given,))
    assert code == 2
    assert problem in shown


def test_a_file_that_is_no_lock_is_refused(run, tmp_path):
    (tmp_path / "other.lock").write_text("[[package]]\nname = 1\n")
    code, shown = run({}, "--lock", str(tmp_path / "other.lock"))
    assert code == 2
    assert "not a uv.lock" in shown


@pytest.mark.parametrize(
    ("version", "vector", "code", "severity"),
    [
        ("1.9", HIGH, 1, "HIGH"),
        ("1.9", MEDIUM, 0, "MEDIUM"),
        ("1.10", HIGH, 0, None),
        ("1.1", HIGH, 0, None),
    ],
)
def test_a_folder_of_records_answers_for_a_release_that_the_index_does_not(
    run, tmp_path, version, vector, code, severity
):
    folder = tmp_path / "database/vulns/some-package"
    folder.mkdir(parents=True)
    (folder / "PYSEC-2099-1.yaml").write_text(RECORD.format(modified="2026-11-20", vector=vector))
    got, shown = run({"some-package": version}, "--complete", "--advisories", str(tmp_path))
    assert got == code
    assert (f" {severity} " in shown) is (severity is not None)
    assert "1 looked up, 0 skipped" in shown


def test_old_records_find_what_they_know_and_answer_for_nothing_else(run, tmp_path):
    (tmp_path / "record.yaml").write_text(RECORD.format(modified="2024-10-10", vector=HIGH))
    code, shown = run({"some-package": "1.2"}, "--advisories", str(tmp_path))
    assert code == 1
    code, shown = run({"some-package": "2.0"}, "--complete", "--advisories", str(tmp_path))
    assert code == 3
    assert "the records end 2024-10-10" in shown


@pytest.mark.parametrize(
    ("score", "word"),
    [(0.0, "NONE"), (3.9, "LOW"), (4.0, "MEDIUM"), (7.0, "HIGH"), (8.9, "HIGH"), (9.0, "CRITICAL")],
)
def test_a_score_has_the_word_of_the_cvss_specification(score, word):
    assert advisories.rating(score) == word


def test_advisories_that_share_an_id_are_one_with_the_severity_that_is_known():
    first, second, third = (
        advisories.Advisory(("PYSEC-1",), "HIGH"),
        advisories.Advisory(("GHSA-1",), fixed_in=("2",)),
        advisories.Advisory(("CVE-1", "PYSEC-1", "GHSA-1"), "LOW"),
    )
    (one,) = advisories.merged([first, second, third])
    assert set(one.ids) == {"PYSEC-1", "GHSA-1", "CVE-1"}
    assert (one.severity, one.fixed_in) == ("HIGH", ("2",))


def layer(files):
    """Return a layer of an image as bytes."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as opened:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            opened.addfile(info, io.BytesIO(text.encode()))
    return written.getvalue()


def status(package, version):
    return f"Package: {package}\nStatus: install ok installed\nVersion: {version}\n"


def metadata(name, version):
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nAbout: it\n"


BASE = {
    "./usr/lib/os-release": "ID=debian\nVERSION_CODENAME=trixie\n",
    "./var/lib/dpkg/status.d/libssl3t64": status("libssl3t64", "3.5.0-1"),
    "./var/lib/dpkg/status.d/libssl3t64.md5sums": "0 usr/lib/libssl.so.3\n",
    "./var/lib/dpkg/status.d/tzdata": status("tzdata", "2099a-0"),
    "./app/lib/gone-1.0.dist-info/METADATA": metadata("gone", "1.0"),
}
OWN = {
    "app/lib/pycrypto-2.6.1.dist-info/METADATA": metadata("PyCrypto", "2.6.1"),
    "app/lib/.wh.gone-1.0.dist-info": "",
    "app/own/tarmac_kit-0.1.0.dist-info/METADATA": metadata("tarmac-kit", "0.1.0"),
}


@pytest.fixture(params=["docker", "oci"])
def image(request, tmp_path):
    """Give an image in a file of both forms, with an old libssl and a planted Python package."""
    layers = {f"{n}" * 8: layer(files) for n, files in enumerate((BASE, OWN))}
    files = {f"blobs/sha256/{name}": content for name, content in layers.items()}
    if request.param == "docker":
        manifest = [{"Layers": [f"blobs/sha256/{name}" for name in layers]}]
        files["manifest.json"] = json.dumps(manifest).encode()
    else:
        told = {"layers": [{"digest": f"sha256:{name}"} for name in layers]}
        files["blobs/sha256/image"] = json.dumps(told).encode()
        attestation = {"vnd.docker.reference.type": "attestation-manifest"}
        manifests = [
            {"digest": "sha256:other", "annotations": attestation},
            {"digest": "sha256:image"},
        ]
        files["index.json"] = json.dumps({"manifests": manifests}).encode()
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_an_image_is_read_with_what_its_upper_layers_hide(image):
    found = image_packages.read(image)
    assert found.debian == {"libssl3t64": "3.5.0-1", "tzdata": "2099a-0"}
    assert found.python == {"PyCrypto": "2.6.1", "tarmac-kit": "0.1.0"}
    assert found.codename == "trixie"


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg compares versions, and is not here")
def test_planted_packages_of_an_image_are_found_both_debians_and_pythons(
    index, run, image, monkeypatch
):
    index.answers["pycrypto/2.6.1"] = PYCRYPTO
    suite = {"libssl3t64": "3.5.7-1~deb13u3", "tzdata": "2026a-0+deb13u1", "bash": "9"}
    monkeypatch.setattr(image_packages, "security_suite", lambda _codename: suite)
    code, shown = run({"sound": "1.0"}, "--complete", "--image", str(image), own=["tarmac-kit"])
    assert code == 1
    rows = [line.split() for line in shown.splitlines() if line.endswith("FAIL")]
    assert [row[0] for row in rows] == ["pycrypto", "pycrypto", "libssl3t64"]
    assert "trixie-security" in rows[2]
    assert "3.5.7-1~deb13u3" in rows[2]
    assert "sound" not in shown, "of the image, and not of the lock"
    assert "SKIPPED" not in shown


def test_without_debians_suite_its_packages_are_skipped_and_never_pass(
    index, run, image, monkeypatch
):
    index.answers["pycrypto/2.6.1"] = PYCRYPTO | {"vulnerabilities": []}

    def unavailable(_codename):
        raise image_packages.SuiteUnavailable("this machine has no apt-get")

    monkeypatch.setattr(image_packages, "security_suite", unavailable)
    code, shown = run({"sound": "1.0"}, "--complete", "--image", str(image), own=["tarmac-kit"])
    assert code == 3
    assert "SKIPPED Debian packages of image.tar (2): this machine has no apt-get" in shown


def test_a_file_that_is_no_image_is_refused(run, tmp_path):
    (tmp_path / "image.tar").write_text("no archive")
    code, shown = run({"sound": "1.0"}, "--image", str(tmp_path / "image.tar"))
    assert code == 2
    assert "not an image" in shown


def test_debians_real_suite_finds_an_old_library(image):
    found = image_packages.read(image)
    try:
        newest = image_packages.security_suite(found.codename)
    except image_packages.SuiteUnavailable as error:
        pytest.skip(str(error))
    assert "libssl3t64" in image_packages.updates(found.debian, newest)


def test_the_release_stops_before_it_builds_where_the_audit_fails(index, tmp_path):
    index.answers["pycrypto/2.6.1"] = PYCRYPTO
    lock, started = tmp_path / "uv.lock", tmp_path / "started"
    lock.write_text(lock_text({"pycrypto": "2.6.1"}))
    (tmp_path / "uv").write_text(f'#!/bin/sh\necho "$@" >>{started}\n')
    (tmp_path / "uv").chmod(0o755)
    environ = {**os.environ, "UV_INDEX_URL": index.url, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    release = ("make", "--no-print-directory", "-o", "sync", "release", f"ARGS=--lock {lock}")

    def released():
        return subprocess.run(
            release, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
        )

    assert "PYSEC-2018-97" in (refused := released()).stdout
    assert refused.returncode == 2, "make's own code for a command that failed"
    assert not started.exists()
    index.answers["pycrypto/2.6.1"] = PYCRYPTO | {"vulnerabilities": []}
    released()  # a program that only notes how it was called makes no wheel
    first = started.read_text().splitlines()[0]
    assert first == "build --quiet --wheel --package tarmac --out-dir dist"


def test_the_bill_of_materials_has_every_package_that_the_wheel_needs(tmp_path):
    file = tmp_path / "tarmac.cdx.json"
    own = ROOT / ".uv/bin/uv"
    argv = [str(own) if own.exists() else "uv", "export", "--quiet", "--frozen", "--no-dev"]
    subprocess.run([*argv, "--format", "cyclonedx1.5", "-o", str(file)], cwd=ROOT, check=True)
    listed = json.loads(file.read_text())
    found = {part["name"]: part["version"] for part in listed["components"]}
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    versions = {package["name"]: package.get("version") for package in packages}
    (tarmac,) = [package for package in packages if package["name"] == "tarmac"]
    needed = {part["name"] for part in tarmac["dependencies"] if "source" not in part}
    assert needed <= found.keys()
    assert {name: versions[name] for name in needed} == {name: found[name] for name in needed}


def test_every_package_of_the_lock_is_pinned_with_its_hashes():
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
        assert files or not package["source"].keys() & {"registry", "url"}, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]


def test_no_locked_package_has_a_known_vulnerability_that_fails_the_audit():
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci/audit.py")], capture_output=True, text=True, check=False
    )
    if "SKIPPED" in done.stdout and " 0 looked up" in done.stdout:
        pytest.skip("no package index answers")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_real_index_finds_a_planted_package(tmp_path):
    """pycrypto's newest release has known vulnerabilities, and nothing newer will come."""
    lock = tmp_path / "uv.lock"
    lock.write_text(
        lock_text({"pycrypto": "2.6.1"}).replace("https://index.invalid", "https://pypi.org")
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci/audit.py"), "--lock", str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "SKIPPED" in done.stdout:
        pytest.skip(done.stdout)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "PYSEC-2018-97" in done.stdout
