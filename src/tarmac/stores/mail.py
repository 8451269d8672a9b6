"""Mail: a sink that takes every message, keeps it on disk and shows it on a page."""

from __future__ import annotations

from dataclasses import replace

from tarmac.launch import ExchangeProbe, File, HttpProbe, Launch, Text, text
from tarmac.stores._dialogue import deletion
from tarmac.stores._docker import in_docker
from tarmac.stores._kind import (
    Container,
    Image,
    Module,
    Offer,
    Provider,
    StoreKind,
    User,
    View,
    outputs,
)


def _url(view: View, user: User) -> Text:
    return text(f"smtp://{user.role}:", user.password, f"@{view.host}:{view.ports['smtp']}")


def _users(view: View) -> File:
    return File("users", text(*(text(f"{u.role}:", u.password, "\n") for u in view.users)))


def _launch(view: View, offer: Offer, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    return Launch(
        argv=(
            *offer.programs["sink"],
            *("--host", view.host),
            *("--smtp-port", str(view.ports["smtp"])),
            *("--http-port", str(view.ports["http"])),
            *("--users", "{folder}/users"),
            *("--messages", "{folder}/messages"),
            *(("--passwordless",) if view.passwordless else ()),
        ),
        ready=ExchangeProbe(view.ports["smtp"], expect=b"220 "),
        files=(_users(view),),
    )


def _container(view: View, offer: Offer, fast: bool) -> Container:  # noqa: ARG001 - as above
    """Run Mailpit, which does the same in an image of its own."""
    argv = (
        *("--smtp", "0.0.0.0:1025", "--listen", "0.0.0.0:8025"),
        *("--database", "/tarmac/data/mailpit.db"),
        # There is no certificate: who may connect at all is said around it.
        *("--smtp-auth-file", "/tarmac/users", "--smtp-auth-allow-insecure"),
    )
    server = Launch(
        argv,
        ready=ExchangeProbe(view.ports["smtp"], expect=b"220 "),
        files=(_users(view),),
    )
    ports = {"smtp": 1025, "http": 8025}
    return Container(
        server, ports, mounts={".": "/tarmac"}, user=65534, ready=HttpProbe(8025, "/readyz")
    )


def _note(offer: Offer) -> str:  # noqa: ARG001 - as above
    return "Mailpit answers: its page lists letters at /api/v1/messages"


STORE = StoreKind(
    id="mail",
    title="Mail sink",
    passwordless=True,
    ports={"smtp": None, "http": 8025},
    clients="smtp",
    outputs={
        **outputs(_url, port="smtp"),
        "page_url": lambda view, user: text(f"http://{view.host}:{view.ports['http']}"),
    },
    providers=(
        Provider("embedded", {"sink": Module("tarmac.local.data.mailsink", "aiosmtpd")}, _launch),
        # On a laptop only for who asks: what reads letters there asks the sink of its own.
        replace(in_docker(Image("axllent/mailpit", "v1.28"), _container, _note), on_request=True),
    ),
    external={"smtp": 25, "smtps": 465},
    page=("http", "/"),
    reset=deletion("http", "/api/v1/messages"),  # where both servers take it
    check="mail",
)
