"""What ends TLS before a program, and hands its requests on by HTTP."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import items
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.servers.nginx import Directive, configurations
from tarmac.check.gates.views.servers.nginx_settings import secure_servers

_TLS = ("certificate-arn", "ssl-redirect", "managed-certificates", "pre-shared-cert")


def tls_ends(files: Files) -> Iterator[str]:
    """Yield each, by its title."""
    for artifact in files.objects("Ingress"):
        notes = metadata(artifact).annotations
        if items(artifact.data, "spec", "tls") or any(one in key for key in notes for one in _TLS):
            yield title(artifact)
    for own in configurations(files):
        if any(_tells(block) for block in secure_servers(own)):
            yield own.name


def _tells(server: Directive) -> bool:
    """Tell whether a server hands a scheme on to a program by HTTP."""
    words = [inner.words for one in server.body for inner in (one, *one.body)]
    passes = any(w[:1] == ("proxy_pass",) and w[-1].startswith("http://") for w in words)
    told = any(
        w[:1] == ("proxy_set_header",) and "x-forwarded-proto" in w[1].lower() for w in words
    )
    return passes and told
