"""What is renewed in a Secret reaches the pods that read it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: What starts pods again when a Secret changes.
_RELOADS = (
    "reloader.stakater.com/",
    "secret.reloader.stakater.com/",
    "configmap.reloader.",
    "wave.pusher.com/",
)


class RenewedFile(NamedTuple):
    """A file of a Secret in which cert-manager renews a certificate."""

    own: Pods
    where: str
    container: str
    certificate: str
    secret: str
    sub_path: str


def check(files: Files) -> Iterator[Finding]:
    """Yield single files of certificates, which a container keeps as they were at its start."""
    told = set[tuple[str, str]]()
    for one in _renewed(files):
        key = (title(one.own.artifact), one.secret)
        if one.sub_path and not _is_reloaded(one.own) and key not in told:
            told.add(key)
            what = f"{one.container} of {key[0]} mounts {one.sub_path} of Secret {one.secret} by"
            said = f"{what} subPath, which is never updated: {one.certificate} is renewed, and the"
            advice = "pods go on with the one of their start until it ends; mount the whole Secret"
            yield Finding(one.where, f"{said} {advice}")


@once
def _renewed(files: Files) -> Iterator[RenewedFile]:
    made = {
        (*place_of(one), string(one.data, "spec", "secretName")): title(one)
        for one in files.objects("Certificate")
    }
    for own in pods(files, *SERVING) if made else ():
        secrets = {
            volume.name: source.name
            for volume in own.spec.volumes
            for source in volume.sources
            if source.kind == "Secret"
        }
        for container in own.main_containers:
            for number, mount in enumerate(container.mounts):
                secret = secrets.get(mount.volume, "")
                if certificate := made.get((*place_of(own.artifact), secret)):
                    where = container.at("volumeMounts", number)
                    name, sub_path = str(container.name), mount.sub_path
                    yield RenewedFile(own, where, name, certificate, secret, sub_path)


def _is_reloaded(own: Pods) -> bool:
    noted = (*metadata(own.artifact).annotations, *own.metadata.annotations)
    return any(str(key).startswith(_RELOADS) for key in noted)


GATE = Gate(
    id="OBJ083",
    title="A certificate that is renewed reaches the pods that serve it",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-"
    "a-pod: a container that mounts a Secret by subPath gets no updates of it",
    check=check,
    of_files=check,
    scope=counted_in_files("mounts of Secrets with a certificate", _renewed),
    targets=("cluster",),
    reads="volumeMounts with subPath of Secrets that a Certificate of cert-manager makes in the "
    "same namespace, where nothing starts the pods again.",
)
