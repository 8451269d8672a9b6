"""What an ExternalSecret takes out of an entry is in what Terraform writes there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import blocks

_SECRET, _VERSION = "aws_secretsmanager_secret", "aws_secretsmanager_secret_version"
_NAME = re.compile(r'(?m)^[ \t]*name\s*=\s*"([^"$]+)"')
_OF = re.compile(rf"(?m)^[ \t]*secret_id\s*=\s*{_SECRET}\.(\w+)\b")
#: A text that is not JSON: a password that a resource has made.
_BARE = re.compile(
    r"(?m)^[ \t]*secret_string(?:_wo)?\s*=\s*(?:ephemeral\.)?random_password\.\w+\.result\s*$"
)
_JSON = re.compile(r"(?ms)^[ \t]*secret_string(?:_wo)?\s*=\s*jsonencode\(\s*\{(.*?)\}\s*\)")
_KEY = re.compile(r'(?m)(?:^|[,{])\s*"?([\w-]+)"?\s*[=:](?!=)')


class EntryUse(NamedTuple):
    """A part of an entry that an ExternalSecret takes; an empty name: all of its parts."""

    external: Artifact
    path: Path
    key: str
    part: str


def check(files: Files) -> Iterator[Finding]:
    """Yield parts of entries that hold one text, or other parts."""
    written = dict(_written(files))
    for use in _uses(files):
        keys = written.get(use.key)
        if keys is None:
            continue
        what = f"{title(use.external)} takes {use.part or 'each part'} of {use.key}"
        where = use.external.at(*use.path)
        if not keys:
            said = f"{what}, into which Terraform writes a password alone, and no JSON: nothing is"
            yield Finding(where, f"{said} fetched; write remoteRef without a property, or JSON")
        elif use.part and use.part not in keys:
            said = f"{what}, and Terraform writes no such part: nothing is fetched"
            yield Finding(where, f"{said}; {did_you_mean(use.part, keys)}")


@once
def _written(files: Files) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield entries by name with the parts that Terraform writes; none of a bare password."""
    found = [one for one in blocks(files) if one.names[:1] == ("resource",) and len(one.names) > 2]
    names = {
        one.names[2]: name[1]
        for one in found
        if one.names[1] == _SECRET and (name := _NAME.search(one.text))
    }
    for one in found:
        of = _OF.search(one.text) if one.names[1] == _VERSION else None
        if of is None or of[1] not in names:
            continue
        if _BARE.search(one.text):
            yield names[of[1]], frozenset()
        elif (parts := _JSON.search(one.text)) and not {"{", "("} & set(parts[1]):
            yield names[of[1]], frozenset(_KEY.findall(parts[1]))


@once
def _uses(files: Files) -> Iterator[EntryUse]:
    for one in files.objects("ExternalSecret"):
        spec = fields(one.data, "spec")
        for number, entry in numbered(spec, "data"):
            key, part = (string(entry, "remoteRef", name) for name in ("key", "property"))
            if key and part and "." not in part:
                yield EntryUse(one, ("spec", "data", number), key, part)
        for number, entry in numbered(spec, "dataFrom"):
            if key := string(entry, "extract", "key"):
                part = string(entry, "extract", "property")
                yield EntryUse(one, ("spec", "dataFrom", number), key, part)


GATE = Gate(
    id="INF029",
    title="What is taken out of an entry is in it",
    phase="infrastructure",
    source="https://external-secrets.io/latest/guides/all-keys-one-secret: a property, and all "
    "parts by dataFrom, are read from JSON",
    check=check,
    of_files=check,
    scope=counted_in_files("parts of entries", _uses),
    targets=(),
    reads="ExternalSecrets beside entries of Secrets Manager that Terraform writes as one password "
    "or as JSON. Judges files without a plan only.",
)
