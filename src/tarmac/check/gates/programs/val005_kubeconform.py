"""The written files satisfy their schemas as a second reader sees them: kubeconform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.programs import find, objects, objects_of, read, run, tree
from tarmac.check.gates.views.scope import counted
from tarmac.check.schemas import check as asking
from tarmac.check.schemas import lock


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what kubeconform says of the objects' files, with the schemas that VAL001 has."""
    folder, program = tree(subject), find("kubeconform")
    schemas = asking.load(lock.read())
    own = asking.unpacked(schemas, lock.read())
    # A kind that the tree brings itself is in no folder; VAL001 knows it, and finds all others.
    paths = [
        artifact.path
        for artifact in objects(subject, folder)
        if f"{artifact.data['apiVersion']} {artifact.data['kind']}" in schemas.index
    ]
    if not paths:
        return
    name = "{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json"
    places = (f"{own}/{name}", f"{own}/{{{{ .Group }}}}/{name}")
    options = ["-strict", "-output", "json"]
    options += [option for place in places for option in ("-schema-location", place)]
    for resource in read(run([program, *options, *paths], folder, reads=paths))["resources"]:
        where = Path(resource["filename"]).as_posix()
        yield Finding(where, f"{resource['kind']} {resource['name']}: {resource['msg']}", GATE.id)


GATE = Gate(
    id="VAL005",
    title="kubeconform accepts every object's file",
    phase="kubernetes",
    source="https://github.com/yannh/kubeconform: reads the files themselves, with a validator and "
    "a reader of YAML that are not Tarmac's.",
    check=check,
    program="kubeconform",
    scope=counted("objects", objects_of),
    level=Level.VALID,
)
