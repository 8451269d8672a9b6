"""A template of nginx keeps nginx's own variables when a program fills it in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import basename
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.started import started
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files

#: Without a list of names before the file.
_FILLS = re.compile(r"\benvsubst\s*<\s*[\"']?([\w./${}-]+)")
_OWN = re.compile(
    r"\$(host|http_\w+|remote_addr|uri|request_uri|scheme|proxy_add_x_forwarded_for|args|is_args"
    r"|document_root|fastcgi_script_name|server_name|server_port|request_method|query_string)\b"
)
_MOST = 200_000


class FilledFile(NamedTuple):
    """A file that envsubst fills in with every variable."""

    where: str
    name: str


class CopiedFile(NamedTuple):
    """A file of the repository that a Dockerfile copies, and the folder of that."""

    folder: str
    path: str


def check(files: Files) -> Iterator[Finding]:
    """Yield templates that lose what nginx is to fill in itself."""
    filled = list(_filled(files))
    copied = _copied(files) if filled else {}
    for one in filled:
        for path in _sources(copied, one):
            if found := _OWN.search(text_on_disk(files, path, _MOST) or ""):
                what = f"fills in {path} with every variable, and nginx's own {found[0]} is none of"
                advice = "the shell's: it becomes nothing; name yours, as envsubst '$API_URL'"
                yield Finding(one.where, f"{what} {advice}")
                break


@once
def _filled(files: Files) -> Iterator[FilledFile]:
    for command in commands(files):
        for name in _FILLS.findall(command.text):
            yield FilledFile(command.where, name)
    for beside in compose_files(files):
        for service in beside.services:
            mounted = {inside: outside for outside, inside in mounted_files(service, beside)}
            for key in ("entrypoint", "command"):
                for name in _FILLS.findall(" ".join(words(service, key))):
                    yield FilledFile(service.at(key), mounted.get(name, name))
    for program in started(files):
        for name in _FILLS.findall(program.line):
            yield FilledFile(program.where, name)


def _sources(copied: Mapping[str, list[CopiedFile]], filled: FilledFile) -> Iterator[str]:
    """Yield files of the repository that an image has under a name, or that are called so."""
    yield filled.name.removeprefix("./")
    own = PurePosixPath(filled.where.partition(":")[0]).parent
    for key in dict.fromkeys((filled.name, basename(filled.name))):
        for one in copied.get(key, ()):
            if own.is_relative_to(one.folder) or PurePosixPath(one.folder).is_relative_to(own):
                yield one.path


def _copied(files: Files) -> dict[str, list[CopiedFile]]:
    """List the files that Dockerfiles copy, by their names and by where they are put."""
    found: dict[str, list[CopiedFile]] = {}
    for dockerfile in dockerfiles(files):
        folder = dockerfile.path.rpartition("/")[0]
        for stage in stages(str(dockerfile.content)):
            for one in stage.instructions:
                words = one.operands
                if one.copies_context and len(words) > 1:
                    for source in words[:-1]:
                        path = f"{folder}/{source}".removeprefix("/").replace("/./", "/")
                        for key in {basename(source), words[-1]}:
                            found.setdefault(key, []).append(CopiedFile(folder, path))
    return found


GATE = Gate(
    id="SRV048",
    title="A template of nginx keeps nginx's own variables when it is filled in",
    phase="containers",
    source="https://www.gnu.org/software/gettext/manual/html_node/envsubst-Invocation.html: "
    "without a list of names each variable is replaced, one that is not set by nothing",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files that envsubst fills in with every variable", _filled),
    targets=("compose", "cluster"),
    reads="envsubst without a list of names in scripts and commands, beside the file that it "
    "reads: by its own name, where Compose mounts it, or where a Dockerfile copies it.",
)
