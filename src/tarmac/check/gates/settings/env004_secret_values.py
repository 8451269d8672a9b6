"""Values of Secrets are what programs compare: an end of line is not part of a password."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import kinds

#: Keys of single words; `tls.crt` and `id_rsa` are files, which end in a line feed.
_WORDS = re.compile(
    r"(?i).*(passw|token|secret|api-?_?key|user|login|url|uri|host|dsn|client-?_?id)[\w-]*"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield values of one word that end in a line feed, and values that are fetched once."""
    for artifact in filter(_is_fixed, files.objects("ExternalSecret")):
        what = f"{title(artifact)} has refreshInterval 0, so it is fetched once: a rotated value"
        where = artifact.at("spec", "refreshInterval")
        yield Finding(where, f"{what} never arrives; write 1h", warning=True)
    for artifact in files.objects("Secret"):
        for key in _ended(artifact):
            what = f"{title(artifact)} has an end of line in {key}, as `echo` adds it before base64"
            advice = "logins with it are refused; encode it by `printf %s`"
            yield Finding(artifact.at("data", key), f"{what}: {advice}", warning=True)


def _is_fixed(artifact: Artifact) -> bool:
    """Tell whether an ExternalSecret fetches its value once."""
    spec = fields(artifact.data, "spec")
    is_periodic = spec.get("refreshPolicy", "Periodic") == "Periodic"
    return (
        is_periodic and re.fullmatch(r"0[smh]?", str(spec.get("refreshInterval", ""))) is not None
    )


def _ended(artifact: Artifact) -> Iterator[str]:
    for key, value in fields(artifact.data, "data").items():
        if not isinstance(value, str) or not _WORDS.fullmatch(str(key)):
            continue
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            continue
        if text.endswith("\n") and text.strip() and len(text.split()) == 1:
            yield str(key)


GATE = Gate(
    id="ENV004",
    title="Values of Secrets have no end of line, and stay those of their source",
    phase="kubernetes",
    source="https://kubernetes.io/docs/tasks/configmap-secret/managing-secret-using-kubectl: "
    "`echo -n`",
    check=check,
    of_files=check,
    alone=True,
    scope=kinds("Secrets", "Secret", "ExternalSecret"),
    targets=("cluster",),
    reads="`data` of Secrets, where a key names a word (password, token, user, address) and its "
    "value is one; refreshInterval of ExternalSecrets.",
)
