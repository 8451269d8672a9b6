"""A program in an empty image has the certificates by which it knows others."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.foreign.files import text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_CALLS = re.compile(r"\.(Get|Post|Do|NewRequest\w*|get|post)\([^)\n]*[\"'`]https://(?!localhost)")
_CERTIFICATES = re.compile(r"ca-cert|/certs|\.crt\b|\.pem\b|cacert|ssl|rootfs|--from=\S+ / /")
#: So many files of a program are looked at, without tests.
_MOST = 300


def check(files: Files) -> Iterator[Finding]:
    """Yield images without root certificates whose program calls others by https."""
    for path, stage in _empty(files):
        copied = " ".join(one.rest for one in stage.instructions if one.word in ("COPY", "ADD"))
        where = None if _CERTIFICATES.search(copied) else _calling(files, path)
        if where is not None:
            what = f"starts from scratch without root certificates, and {where} calls https: each"
            line = stage.instructions[0].line
            advice = "call fails; copy /etc/ssl/certs/ca-certificates.crt"
            yield Finding(f"{path}:{line}", f"{what} {advice}", warning=True)


@once
def _empty(files: Files) -> Iterator[tuple[str, Stage]]:
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        if len(found) > 1 and found[-1].image == "scratch":
            yield dockerfile.path, found[-1]


def _calling(files: Files, path: str) -> str | None:
    """Find a file of Go or Rust beside a Dockerfile that calls an address by https."""
    folder = posixpath.dirname(path)
    if files.folder is None or (place := on_disk(files, folder)) is None:
        return None
    sources = (one for end in ("*.go", "*.rs") for one in sorted(place.rglob(end))[:_MOST])
    for source in sources:
        is_test = source.name.endswith("_test.go") or "test" in source.parts
        if source.is_file() and not is_test and _CALLS.search(text(source, root=files.folder)):
            return posixpath.join(folder, source.relative_to(place).as_posix())
    return None


GATE = Gate(
    id="IMG034",
    title="A program in an empty image has root certificates where it calls others",
    phase="containers",
    source="https://pkg.go.dev/crypto/x509#SystemCertPool: without files of the system no "
    "certificate is trusted",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("images from scratch", _empty),
    reads="the last stage of Dockerfiles that is `scratch`, beside calls of addresses by https in "
    "files of Go and Rust below its folder.",
)
