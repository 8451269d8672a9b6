"""Mail: a sink that takes every message, keeps it on disk and shows it on a page."""

from __future__ import annotations

from dataclasses import replace

from tarmac.base.launch import (
    ExchangeProbe,
    File,
    HttpProbe,
    Launch,
    Secret,
    StoreSecret,
    Text,
    text,
)
from tarmac.catalog.stores.kind import (
    Container,
    Fingerprint,
    Image,
    Module,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    StoreSnapshot,
    User,
    outputs,
)
from tarmac.catalog.stores.protocols.dialogue import deletion
from tarmac.catalog.stores.setup.docker import in_docker


def _url(context: StoreContext, user: User) -> Text:
    return text(f"smtp://{user.role}:", user.password, f"@{context.host}:{context.ports['smtp']}")


def _users(context: StoreContext) -> File:
    return File("users", text(*(text(f"{u.role}:", u.password, "\n") for u in context.users)))


def _page_secret(context: StoreContext) -> Secret:
    """Name what a reader of the page proves: short, since the link is printed in a terminal."""
    return Secret.of(StoreSecret(context.name, "page"), size_bytes=8)


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    return Launch(
        argv=(
            *candidate.programs["sink"],
            *("--host", context.host),
            *("--smtp-port", str(context.ports["smtp"])),
            *("--http-port", str(context.ports["http"])),
            *("--users", "{folder}/users"),
            *("--token", "{folder}/token"),
            *("--messages", "{folder}/messages"),
            *(("--passwordless",) if context.passwordless else ()),
        ),
        ready=ExchangeProbe(context.ports["smtp"], expect=b"220 "),
        files=(_users(context), File("token", text(_page_secret(context)))),
    )


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - as above
    """Run Mailpit, which does the same in an image of its own."""
    argv = (
        *("--smtp", "0.0.0.0:1025", "--listen", "0.0.0.0:8025"),
        *("--database", "/tarmac/data/mailpit.db"),
        # There is no certificate: its network decides which clients may connect.
        *("--smtp-auth-file", "/tarmac/users", "--smtp-auth-allow-insecure"),
    )
    server = Launch(
        argv,
        ready=ExchangeProbe(context.ports["smtp"], expect=b"220 "),
        files=(_users(context),),
    )
    ports = {"smtp": 1025, "http": 8025}
    return Container(
        server, ports, mounts={".": "/tarmac"}, user=65534, ready=HttpProbe(8025, "/readyz")
    )


def _note(candidate: ProviderCandidate) -> str:  # noqa: ARG001 - as above
    return "Mailpit answers: its page lists emails at /api/v1/messages"


STORE = StoreKind(
    id="mail",
    title="Mail sink",
    passwordless="everywhere",
    ports={"smtp": None, "http": 8025},
    clients="smtp",
    outputs={
        **outputs(_url, port="smtp"),
        "page_url": lambda context, user: text(f"http://{context.host}:{context.ports['http']}"),
    },
    providers=(
        Provider(
            "embedded",
            {"sink": Module("tarmac.run.local.stores.mailsink", "aiosmtpd")},
            _launch,
            page_secret=_page_secret,
        ),
        # On a laptop only on request: programs that read emails there ask the embedded sink.
        replace(in_docker(Image("axllent/mailpit", "v1.28"), _container, _note), on_request=True),
    ),
    external={"smtp": 25, "smtps": 465},
    page=("http", "/"),
    reset=deletion("http", "/api/v1/messages"),  # where both servers take it
    snapshot=StoreSnapshot(("messages", "data")),
    check="mail",
    fingerprint=Fingerprint(
        images=("mailhog", "mailpit", "maildev", "smtp4dev", "mailcatcher"),
        schemes=("smtp",),
        port=1025,
        clients=r"nodemailer|smtplib|net/smtp|lettre|flask.mail|spring-boot-starter-mail",
        stems=("SMTP", "MAIL", "EMAIL"),
    ),
)
