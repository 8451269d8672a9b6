"""The store kind `kv`: keys and values over HTTP, a password for each service, kept on disk."""

from __future__ import annotations

from tarmac.extend import (
    ExchangeProbe,
    File,
    Launch,
    Module,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    Text,
    User,
    outputs,
    text,
)


def _url(context: StoreContext, user: User) -> Text:
    return text(f"http://{user.role}:", user.password, f"@{context.host}:{context.ports['main']}")


def _launch(context: StoreContext, offer: ProviderCandidate, fast: bool) -> Launch:  # noqa: ARG001
    users = [text(user.role, ":", user.password, "\n") for user in context.users]
    return Launch(
        argv=(
            *offer.programs["server"],
            *("--host", context.host),
            *("--port", str(context.ports["main"])),
            *("--users", "{folder}/users"),
            *("--data", "{folder}/data"),
        ),
        ready=ExchangeProbe(context.ports["main"], b" 401 ", b"GET / HTTP/1.0\r\n\r\n"),
        files=(File("users", text(*users)),),
    )


STORE = StoreKind(
    id="kv",
    title="Key-value store",
    ports={"main": None},
    clients="main",
    outputs=outputs(_url, port="main"),
    providers=(
        Provider(
            "embedded", {"server": Module("tarmac_example.server", "tarmac-example")}, _launch
        ),
    ),
    external={"kv": 80},
    check="kv",
)
