"""What holds for a server of nginx beyond its own block: what is above it, and its image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.servers.nginx import (
    Configuration,
    Directive,
    configurations,
    directives,
)

_FROM = re.compile(r"^FROM[ \t]+(?:--\S+[ \t]+)?(\S+)", re.MULTILINE | re.IGNORECASE)
_LIKE = re.compile(r"nginx|openresty|swag|tengine|angie", re.IGNORECASE)
#: Images whose own configuration is known to say nothing more.
_PLAIN = re.compile(
    r"(docker\.io/)?((library/)?nginx|nginxinc/nginx-unprivileged|openresty/openresty)([:@].*)?"
)
#: Files of every installation, which set no limits and no resolvers.
_KNOWN = re.compile(
    r"(.*/)?(fastcgi_params|fastcgi\.conf|uwsgi_params|scgi_params|proxy_params|mime\.types)"
)


def is_open(block: Directive) -> bool:
    """Tell whether a block includes a file that may say more."""
    return any(
        one.words[:1] == ("include",) and not _KNOWN.fullmatch(one.words[-1]) for one in block.body
    )


def for_all(files: Files, name: str) -> tuple[Directive, ...]:
    """List the directives of a name that hold for all servers of some configuration here."""
    return tuple(one for one in _above_servers(files) if one.words[:1] == (name,))


@once
def _above_servers(files: Files) -> Iterator[Directive]:
    for own in configurations(files):
        for one in directives(own.text):
            yield from one.body if one.words[:1] == ("http",) else (one,)


def whole(found: tuple[Directive, ...]) -> tuple[Directive, ...]:
    """Leave out locations without a server: what is around them is in another file."""
    return tuple(one for one in found if one.words[:1] != ("location",))


def is_plain(files: Files) -> bool:
    """Tell whether all images of nginx that are named here add nothing to its configuration."""
    images = _images(files)
    return bool(images) and all(map(_PLAIN.fullmatch, images)) and not any(_replaced(files))


@once
def _replaced(files: Files) -> Iterator[bool]:
    """Yield whether the main configuration of an image is replaced by one that is not here."""
    texts = [str(one.data) for one in compose_services(files)]
    texts += [str(one.content) for one in dockerfiles(files)]
    texts += [str(one.data) for own in pods(files) for one in own.main_containers]
    if any("nginx.conf" in text for text in texts):
        tops = (one for own in configurations(files) for one in directives(own.text))
        yield not any(one.words[:1] == ("http",) for one in tops)


@once
def _images(files: Files) -> Iterator[str]:
    found = [one.image or "" for one in compose_services(files)]
    found += [name for one in dockerfiles(files) for name in _FROM.findall(str(one.content))]
    found += [one.image for own in pods(files) for one in own.main_containers]
    yield from (one for one in found if _LIKE.search(one))


def secure_servers(own: Configuration) -> Iterator[Directive]:
    """Yield the servers of a configuration that end TLS."""
    todo = [*directives(own.text)]
    while todo:
        block = todo.pop()
        todo += block.body
        listens = (one.words for one in block.body if one.words[:1] == ("listen",))
        if block.words[:1] == ("server",) and any("ssl" in words for words in listens):
            yield block
