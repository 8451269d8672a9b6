"""Settings are mounted beside what a server's folder has already, and not over it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import is_renamed
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.pods.volumes import Mount
from tarmac.check.gates.views.scope import counted_in_files

_NGINX = re.compile(r"(.*/)?(nginx|nginx-unprivileged)(:.*|@.*)?")
_PHP = re.compile(r"(docker\.io/)?(library/)?(php|wordpress|nextcloud|drupal)(:.*|@.*)?")
_SETTINGS = frozenset({"configMap", "secret", "projected"})
#: A pattern of files may match none.
_INCLUDE = re.compile(r"^[ \t]*[^#\n]*?\binclude\s+[\"']?([^\s;\"'*?$]+)[\"']?\s*;", re.MULTILINE)
_BUNDLES = ("ca-certificates.crt", "ca-bundle.crt", "cert.pem", "tls-ca-bundle.pem")
_CERTIFICATES = "/etc/ssl/certs"
_EXTENSIONS = "/usr/local/etc/php/conf.d"
#: What a folder of Python's or Go's programs reads by another path.
_OWN_BUNDLE = re.compile(r"SSL_CERT_FILE|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS|CURL_CA_BUNDLE")


class MountedSettings(NamedTuple):
    """A folder of a container that has the keys of an object alone."""

    own: Pods
    container: Container
    number: int
    mount: Mount
    folder: str


def check(files: Files) -> Iterator[Finding]:
    """Yield folders of servers in which a mount leaves nothing of what they read."""
    for one in _judged(files):
        where = one.container.at("volumeMounts", one.number)
        texts = mounted_texts(files, one.own)
        name = (
            f"{title(one.own.artifact)}: {one.container.name} has {one.mount.volume} mounted over"
        )
        if one.folder == "/etc/nginx" and _NGINX.fullmatch(one.container.image):
            if lost := _unread(texts):
                said = f"{name} /etc/nginx, where {lost} is no more: nginx does not start"
                yield Finding(where, f"{said}; mount the one file by subPath")
        elif one.folder == _CERTIFICATES:
            keys = [path for path in texts if path.startswith(f"{_CERTIFICATES}/")]
            given = one.own.variables.names(one.container)
            has_bundle = any(posixpath.basename(path) in _BUNDLES for path in keys)
            if keys and not has_bundle and not any(map(_OWN_BUNDLE.search, given)):
                said = f"{name} {_CERTIFICATES}, which hides the authorities of the image: TLS to"
                advice = "others fails; mount the one file by subPath"
                yield Finding(where, f"{said} {advice}", warning=True)
        elif one.folder == _EXTENSIONS and _PHP.fullmatch(one.container.image):
            said = f"{name} {_EXTENSIONS}, which hides what turns the image's extensions on"
            yield Finding(where, f"{said}; mount the one file by subPath", warning=True)


def _unread(texts: Mapping[str, str]) -> str:
    """Name what nginx reads of its folder and does not find there; "" where all is there."""
    own = {path: text for path, text in texts.items() if path.startswith("/etc/nginx/")}
    if not own:
        return ""
    begun = own.get("/etc/nginx/nginx.conf")
    if begun is None:
        return "nginx.conf"
    for text in own.values():
        for asked in _INCLUDE.findall(text):
            path = posixpath.normpath(posixpath.join("/etc/nginx", asked))
            is_beside = path.startswith("/etc/nginx/") and path.count("/") == 3
            if is_beside and path not in own:
                return posixpath.basename(path)
    return ""


@once
def _judged(files: Files) -> Iterator[MountedSettings]:
    """Yield whole volumes of settings over a folder that an image has."""
    for own in pods(files):
        kinds = {volume.name: volume.kinds for volume in own.spec.volumes}
        for container in own.containers:
            folders = [mount.path.rstrip("/") for mount in container.mounts]
            for number, mount in enumerate(container.mounts):
                folder = mount.path.rstrip("/")
                is_settings = bool(kinds.get(mount.volume, frozenset()) & _SETTINGS)
                known = folder in ("/etc/nginx", _CERTIFICATES, _EXTENSIONS)
                known = known and not is_renamed(files, container.image)
                # Another mount below it may bring what is lost.
                is_alone = not any(one.startswith(f"{folder}/") for one in folders)
                if known and is_settings and is_alone and not mount.sub_path:
                    yield MountedSettings(own, container, number, mount, folder)


GATE = Gate(
    id="OBJ052",
    title="Settings are mounted beside what a server's folder has already",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath: a volume takes the "
    "place of the folder that it is mounted on",
    check=check,
    of_files=check,
    scope=counted_in_files("settings over a folder of an image", _judged),
    targets=("cluster",),
    reads="ConfigMaps and Secrets mounted as the folders /etc/nginx, /etc/ssl/certs and PHP's "
    "conf.d, and what nginx' texts include.",
)
