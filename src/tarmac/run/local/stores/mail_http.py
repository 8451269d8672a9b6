"""The mail store's HTTP: which requests it serves, and what it answers to each.

    GET /                the page, 50 emails: ?before=ID and ?after=ID have the others
    GET /?token=TOKEN    the page's link: a cookie has the token from then on
    GET /messages        JSON, newest first: ?to=ADDRESS ?before=ID ?limit=50; Link has the next
    GET /messages/ID     one as JSON     GET /messages/ID/raw as it came       DELETE /messages
    GET /messages/ID/html    its HTML for a frame of the page    GET /messages/ID/text    its text

Reading needs the token: in the cookie, as `?token=` or as `Authorization: Bearer`. Called by the
store's program for each request. It opens nothing.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from tarmac.base.loopback import host_problem
from tarmac.run.local.stores import mail_page
from tarmac.run.local.stores.mailbox import PAGE_SIZE, Mailbox

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """The head of a request; header names are in lower case, a header's values in a list."""

    method: str
    target: str
    headers: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, head: bytes) -> Request:
        """Read a head. Raises ValueError for what is none."""
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers: dict[str, list[str]] = {}
        for line in filter(None, lines):
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(line)
            headers.setdefault(name.lower(), []).append(value.strip())
        return cls(method, target, headers)


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: What a browser may do with it: nothing of an email ever runs.
    policy: str = mail_page.PAGE_POLICY

    def written(self) -> bytes:
        """Write it as HTTP."""
        headers = {
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body)),
            "Content-Security-Policy": self.policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Connection": "close",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} .", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        return "\r\n".join(lines).encode() + self.body


@dataclass(frozen=True)
class Access:
    """Which requests are served."""

    #: Where the server listens: a name that it answers to besides those of loopback.
    host: str
    #: What a reader must have.
    token: str
    #: Told apart from those of other servers on this machine: a cookie is a host's, not a port's.
    cookie: str


def respond(mailbox: Mailbox, request: Request, access: Access) -> Answer:
    """Answer a request."""
    refused = _wrong_host(request, access.host) or _without_token(request, access)
    return refused or _routed(mailbox, request)


def _without_token(request: Request, access: Access) -> Answer | None:
    """Refuse to show an email without the token, and exchange the one of a link for a cookie."""
    if request.method != "GET":
        return None  # nothing is shown
    url = urlsplit(request.target)
    linked = dict(parse_qsl(url.query)).get("token", "")
    sent = [linked, *_sent_tokens(request, access)]
    wanted = access.token.encode()
    if not any(hmac.compare_digest(token.encode(), wanted) for token in sent):
        body = b"open the link that `tarmac up` prints: it has this page's token\n"
        return Answer(401, body=body, headers={"WWW-Authenticate": "Bearer"})
    if linked and url.path == "/":
        cookie = f"{access.cookie}={access.token}; HttpOnly; SameSite=Lax; Path=/"
        return Answer(303, headers={"Location": "/", "Set-Cookie": cookie})
    return None


def _sent_tokens(request: Request, access: Access) -> Iterator[str]:
    for value in request.headers.get("authorization", ()):
        kind, _, token = value.partition(" ")
        if kind.lower() == "bearer":
            yield token.strip()
    for value in request.headers.get("cookie", ()):
        with suppress(CookieError):
            found = SimpleCookie(value).get(access.cookie)
            yield found.value if found else ""


def _wrong_host(request: Request, own: str) -> Answer | None:
    """Refuse what is sent to another name: a page elsewhere may have made that name lead here."""
    problem = host_problem(request.headers.get("host", []), own=own)
    return None if problem is None else Answer(problem[0], body=f"{problem[1]}\n".encode())


def _routed(mailbox: Mailbox, request: Request) -> Answer:
    url = urlsplit(request.target)
    query = dict(parse_qsl(url.query))
    match request.method, [step for step in url.path.split("/") if step]:
        case "DELETE", ["messages"] | ["api", "v1", "messages"]:
            mailbox.clear()
            return Answer(204)
        case "GET", []:
            return _page(mailbox, query)
        case "GET", ["messages"]:
            return _list(mailbox, query)
        case "GET", ["messages", name, *view] if len(view) < 2:
            return _email(mailbox, name, *view)
        case "GET", _:
            return Answer(404, body=b"no such page\n")
    return Answer(405, body=b"GET or DELETE\n", headers={"Allow": "GET, DELETE"})


def _page(mailbox: Mailbox, query: Mapping[str, str]) -> Answer:
    shown = mailbox.listed(before=query.get("before", ""), after=query.get("after", ""))
    newer = older = ""
    if shown:
        newer = shown[0]["id"] if mailbox.listed(after=shown[0]["id"], limit=1) else ""
        older = shown[-1]["id"] if mailbox.listed(before=shown[-1]["id"], limit=1) else ""
    page = mail_page.page(shown, count=mailbox.count(), newer=newer, older=older)
    return Answer(200, HTML, page.encode())


def _list(mailbox: Mailbox, query: Mapping[str, str]) -> Answer:
    limit = query.get("limit", str(PAGE_SIZE))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6):
        return Answer(400, body=b"limit: a whole number, as ?limit=50\n")
    to = query.get("to", "")
    shown = mailbox.listed(before=query.get("before", ""), to=to, limit=int(limit))
    headers = {}
    if shown and mailbox.listed(before=shown[-1]["id"], to=to, limit=1):
        following = {"to": to, "limit": limit, "before": shown[-1]["id"]}
        link = urlencode({name: value for name, value in following.items() if value})
        headers["Link"] = f'</messages?{link}>; rel="next"'
    return Answer(200, "application/json", json.dumps(shown).encode(), headers)


def _email(mailbox: Mailbox, name: str, view: str = "") -> Answer:
    message = mailbox.summary(name)
    if message is None:
        return Answer(404, body=b"no such email\n")
    match view:
        case "":
            return Answer(200, "application/json", json.dumps(message).encode())
        case "raw":
            return Answer(200, body=mailbox.raw(name) or b"")
        case "html" if message["html"]:
            content = mail_page.document(message).encode()
            return Answer(200, HTML, content, policy=mail_page.MESSAGE_POLICY)
        case "html" | "text":
            return Answer(200, HTML, mail_page.text_page(message).encode())
    return Answer(404, body=b"no such page\n")
