"""One request of one visitor: their cookies, their form, the API in their name, and the answer.

Made by endpoints for each request through `Site.visit`. Cookies that changed are written by
edge.py with whatever answer goes out, so that renewed tokens are not lost with an error page.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tarmac_kit import Problem
from tarmac_kit.addresses import client_address
from tarmac_web import session as sessions
from tarmac_web.api import Answer, Api, RefusedError
from tarmac_web.refresh import Refresher
from tarmac_web.render import Pages
from tarmac_web.session import Seal, Session
from tarmac_web.settings import WebSettings

#: The largest form that is read.
MOST_FORM_BYTES = 64 * 1024
#: Tokens are renewed this long before they end: a call must not begin with one that ends in it.
EARLY_S = 20.0
#: What the API answers to a refresh token that is over, or that can be none.
ENDS_LOGIN = frozenset({400, 401, 422})
Tone = Literal["good", "bad", "plain"]
#: How long a device is remembered; the API says what it is worth.
DEVICE_AGE_S = 180 * 86_400.0
#: Where the scope keeps the visit, for edge.py.
SCOPE_KEY = "tarmac_web_visit"


class LoginNeeded(Exception):
    """The page is for users, and the visitor is none (any more)."""

    def __init__(self, *, ended: bool) -> None:
        super().__init__("log in")
        self.ended = ended


class BadForm(Exception):
    """The form was not made for this visitor, or is no form; `status` says which."""

    def __init__(self, status: int) -> None:
        super().__init__(f"form refused with {status}")
        self.status = status


@dataclass(frozen=True)
class Site:
    """What all visits share."""

    settings: WebSettings
    api: Api
    pages: Pages
    refresher: Refresher
    session_seal: Seal
    cart_seal: Seal
    note_seal: Seal
    basket_seal: Seal
    device_seal: Seal

    def visit(self, request: Request) -> Visit:
        """Return the request's visit; the same one each time it is asked for."""
        found = request.scope.get(SCOPE_KEY)
        if found is None:
            found = Visit(self, request)
            request.scope[SCOPE_KEY] = found
        assert isinstance(found, Visit)  # noqa: S101 - nothing else writes the key
        return found

    def cookie_name(self, name: str) -> str:
        """Return a cookie's name; by https one that no other host can set."""
        return f"__Host-{name}" if self.settings.secure else name


class Visit:
    """A request with its visitor."""

    def __init__(self, site: Site, request: Request) -> None:
        self.site = site
        self.request = request
        # Read one by one: what another program of this host has set does not hide ours.
        self._received = request.cookies
        self._changed: dict[str, str] = {}
        age_s = site.settings.session_days * 86_400
        self._age_s = age_s
        opened = self._open("session", site.session_seal, age_s)
        self.session: Session = sessions.session_from(opened or {})
        cart = self._open("cart", site.cart_seal, age_s)
        self.cart: dict[str, int] = sessions.cart_from(cart)
        self._note = self._open("note", site.note_seal, 300.0)

    # Cookies.

    def _open(self, name: str, seal: Seal, max_age_s: float) -> Any:
        text = self._received.get(self.site.cookie_name(name), "")
        found = seal.open(text, max_age_s=max_age_s) if text else None
        if found is not None and seal.is_old(text):  # its secret is on its way out
            self._set(name, seal.close(found), max_age_s)
        return found

    def keep_session(self, session: Session) -> None:
        """Let the visitor be the user of `session` from now on."""
        self.session = session
        kept = sessions.session_to(session)
        self._set("session", self.site.session_seal.close(kept) if kept else "", self._age_s)

    def keep_cart(self, cart: Mapping[str, int]) -> None:
        """Keep the cart in the visitor's cookie."""
        self.cart = dict(cart)
        self._set("cart", self.site.cart_seal.close(self.cart) if cart else "", self._age_s)

    @property
    def device_token(self) -> str | None:
        """Return what the API gave this browser with its last login; it outlives a logout."""
        token = self._open("device", self.site.device_seal, DEVICE_AGE_S)
        return token if isinstance(token, str) else None

    def keep_device(self, token: str) -> None:
        """Let the API know this browser at its next login."""
        self._set("device", self.site.device_seal.close(token), DEVICE_AGE_S)

    def say(self, text: str, tone: Tone = "good") -> None:
        """Show a sentence on the next page."""
        self._set("note", self.site.note_seal.close({"text": text, "tone": tone}), 300.0)

    def note(self) -> Any:
        """Return what the last page left to say, once; None when it is nothing."""
        if self._note is not None and "note" not in self._changed:
            self._set("note", "", 0)
        return self._note

    def _set(self, name: str, value: str, max_age_s: float) -> None:
        secure = "; Secure" if self.site.settings.secure else ""
        age = f"; Max-Age={int(max_age_s) if value else 0}"
        line = f"{self.site.cookie_name(name)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"
        self._changed[name] = line

    def cookie_lines(self) -> list[str]:
        """Return the values of Set-Cookie for what changed."""
        return list(self._changed.values())

    # Forms.

    @property
    def csrf(self) -> str:
        """Return the value that the visitor's forms carry; a new visitor gets one."""
        if not self.session.csrf:
            self.keep_session(replace(self.session, csrf=sessions.begun().csrf))
        return self.session.csrf

    async def form(self) -> dict[str, str]:
        """Read the form; BadForm when it is too large, no form, or not made for this visitor."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/x-www-form-urlencoded":
            raise BadForm(415)
        body = b""
        async for chunk in self.request.stream():
            body += chunk
            if len(body) > MOST_FORM_BYTES:
                raise BadForm(413)
        try:
            read = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=200)
        except ValueError:
            raise BadForm(400) from None
        fields = {name: values[-1].replace("\x00", "") for name, values in read.items()}
        sent = fields.pop("csrf", "")
        foreign = self.request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ours = self.session.csrf
        if foreign or not ours or not hmac.compare_digest(sent.encode(), ours.encode()):
            raise BadForm(403)
        return fields

    # The API.

    @property
    def address(self) -> str | None:
        """Return the visitor's address: the peer's, or behind our proxies what they say it is."""
        client = self.request.client
        if client is None:
            return None
        return client_address(client.host, self.request.headers.raw, self.site.settings.proxies)

    async def shown_to_all(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET what does not depend on the visitor."""
        return await self.site.api.shown_to_all(path, params, visitor=self.address)

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """Call the API without a login; options as for `Api.call`."""
        return await self.site.api.call(method, path, visitor=self.address, **options)

    async def call_as_user(self, method: str, path: str, **options: Any) -> Answer:
        """Call the API as the logged in user; LoginNeeded without one."""
        if not self.session.logged_in:
            raise LoginNeeded(ended=False)
        if self.session.access_ends_at - time.time() < EARLY_S:
            await self._renew()
        try:
            return await self.call(method, path, token=self.session.access_token, **options)
        except RefusedError as refused:
            if refused.status != 401:
                raise
        # Withdrawn before its time, or a key was changed: a new one may do.
        await self._renew()
        try:
            return await self.call(method, path, token=self.session.access_token, **options)
        except RefusedError as refused:
            if refused.status == 401:
                raise self._ended() from None
            raise

    async def _renew(self) -> None:
        try:
            token = self.session.refresh_token
            tokens = await self.site.refresher.renew(token, visitor=self.address)
        except RefusedError as refused:
            if refused.status in ENDS_LOGIN:
                raise self._ended() from None
            # As of a proxy that does not reach the API: the login may be as good as ever.
            raise Problem(503, "not_renewed", "The login cannot be renewed now") from refused
        self.keep_session(self.session.with_tokens(tokens, now=time.time()))

    def _ended(self) -> LoginNeeded:
        self.keep_session(self.session.logged_out())
        return LoginNeeded(ended=True)

    # Answers.

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page; a visitor's own is kept by no cache."""
        html = self.site.pages.render(template, visit=self, note=self.note(), **values)
        return HTMLResponse(html, status, headers={"Cache-Control": "private, no-store"})

    def go(self, path: str) -> Response:
        """Send the visitor to `path`, by GET whatever they sent."""
        return RedirectResponse(path, 303)

    @property
    def here(self) -> str:
        """Return the path and query that was asked for."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    def login_path(self, following: str | None = None) -> str:
        """Return where to log in and come back to `following`, this page if None."""
        if following is None:
            here = self.here if self.request.method == "GET" else self._came_from()
            following = here
        return f"/login?next={quote(following, safe='/')}"

    def _came_from(self) -> str:
        """Return the page that a form was on, if it was one of ours."""
        referrer = self.request.headers.get("referer", "")
        base = f"{self.request.headers.get('host', '')}/"
        _, _, rest = referrer.partition("://")
        return safe_path("/" + rest.removeprefix(base)) if rest.startswith(base) else "/"


def safe_path(text: str) -> str:
    """Return `text` if it is a path here, else the first page: no link leads a login elsewhere."""
    plain = text.startswith("/") and not text.startswith(("//", "/\\"))
    # Browsers drop control characters and read \ as /: neither belongs into a path of ours.
    return text if plain and text.isprintable() and "\\" not in text else "/"
