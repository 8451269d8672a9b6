"""Mail: a sink that takes every message, keeps it on disk and shows it on a page."""

from __future__ import annotations

from tarmac.launch import ExchangeProbe, File, Launch, Text, text
from tarmac.stores._dialogue import deletion
from tarmac.stores._kind import Module, Offer, Provider, StoreKind, User, View, outputs


def _url(view: View, user: User) -> Text:
    return text(f"smtp://{user.role}:", user.password, f"@{view.host}:{view.ports['smtp']}")


def _launch(view: View, offer: Offer, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    users = [text(f"{user.role}:", user.password, "\n") for user in view.users]
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
        files=(File("users", text(*users)),),
    )


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
    ),
    external={"smtp": 25, "smtps": 465},
    page=("http", "/"),
    reset=deletion("http", "/messages"),
)
