"""Signing up, logging in and out, and the own profile.

Built by endpoints.py. A password goes from the form to the API and nowhere else.
"""

from __future__ import annotations

import contextlib
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tarmac_kit import Problem
from tarmac_web import carts, session
from tarmac_web.api import RefusedError
from tarmac_web.visit import LoginNeeded, Site, Visit, safe_path

Next = Annotated[str, Query(alias="next", max_length=2000)]


def build_router(site: Site) -> APIRouter:  # noqa: PLR0915 - a list of routes
    """Build the routes over `site`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def show_login(request: Request, following: Next = "/") -> Response:
        visit = site.visit(request)
        if visit.session.logged_in:
            return visit.go(safe_path(following))
        return visit.page("login.html", following=safe_path(following), given={}, errors={})

    @router.post("/login")
    async def log_in(request: Request) -> Response:
        visit = site.visit(request)
        form = await visit.form()
        following = safe_path(form.get("next", "/"))
        try:
            await _begin(visit, form.get("email", ""), form.get("password", ""))
        except (RefusedError, Problem) as refused:
            if refused.status >= 500:
                raise
            page = visit.page(
                "login.html",
                following=following,
                given={"email": form.get("email", "")},
                errors=_login_errors(refused),
                status=refused.status if refused.status in (401, 429) else 422,
            )
            return _with_pause(page, refused)
        return visit.go(following)

    @router.get("/signup")
    async def show_signup(request: Request, following: Next = "/") -> Response:
        visit = site.visit(request)
        if visit.session.logged_in:
            return visit.go(safe_path(following))
        return visit.page("signup.html", following=safe_path(following), given={}, errors={})

    @router.post("/signup")
    async def sign_up(request: Request) -> Response:
        visit = site.visit(request)
        form = await visit.form()
        following = safe_path(form.get("next", "/"))
        body = {name: form.get(name, "") for name in ("name", "email", "password")}
        try:
            await visit.call("POST", "/users/register", json=body)
        except (RefusedError, Problem) as refused:
            if refused.status >= 500:
                raise
            page = visit.page(
                "signup.html",
                following=following,
                given={"email": body["email"], "name": body["name"]},
                errors=_signup_errors(refused),
                status=refused.status,
            )
            return _with_pause(page, refused)
        await _begin(visit, body["email"], body["password"])
        visit.say(f"Welcome, {visit.session.name}. Your account is ready.")
        return visit.go(following)

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        visit = site.visit(request)
        await visit.form()
        token = visit.session.refresh_token
        if token:
            # The cookie goes in any case, and the token ends by itself.
            with contextlib.suppress(RefusedError, Problem):
                await visit.call("POST", "/users/logout", json={"refresh_token": token})
        visit.keep_session(visit.session.logged_out())
        if site.settings.cart == "api":
            visit.keep_cart({})
        visit.say("You are logged out.", "plain")
        return visit.go("/")

    @router.get("/account")
    async def show_account(request: Request) -> Response:
        visit = site.visit(request)
        me = (await visit.call_as_user("GET", "/users/me")).data
        return visit.page("account.html", me=me, errors={}, given={"name": me["name"]})

    @router.post("/account")
    async def rename(request: Request) -> Response:
        visit = site.visit(request)
        form = await visit.form()
        name = form.get("name", "")
        try:
            me = (await visit.call_as_user("PATCH", "/users/me", json={"name": name})).data
        except RefusedError as refused:
            me = (await visit.call_as_user("GET", "/users/me")).data
            errors = {"name": _sentence("The name", refused.fields.get("name", "is wrong"))}
            return visit.page("account.html", me=me, errors=errors, given=form, status=422)
        visit.keep_session(_named(visit.session, me))
        visit.say("Your name is changed.")
        return visit.go("/account")

    return router


async def _begin(visit: Visit, email: str, password: str) -> None:
    """Log in with a fresh session; raise RefusedError when the API does not let them."""
    body = {"email": email, "password": password}
    if visit.device_token:
        body["device_token"] = visit.device_token
    tokens = (await visit.call("POST", "/users/login", json=body)).data
    if tokens.get("device_token"):
        visit.keep_device(str(tokens["device_token"]))
    # A new value for forms too: a user who put a cookie into this browser before knows none.
    visit.keep_session(session.begun().with_tokens(tokens, now=time.time()))
    try:
        me = (await visit.call_as_user("GET", "/users/me")).data
        visit.keep_session(_named(visit.session, me))
        await carts.move_to_api(visit)
    except (Problem, LoginNeeded):  # the login holds; the name and the cart come later
        return


def _named(known: session.Session, me: dict[str, Any]) -> session.Session:
    return session.Session(
        csrf=known.csrf,
        access_token=known.access_token,
        refresh_token=known.refresh_token,
        access_ends_at=known.access_ends_at,
        name=str(me["name"])[:100],
        email=str(me["email"]),
    )


def _login_errors(refused: RefusedError | Problem) -> dict[str, str]:
    if isinstance(refused, Problem):
        return _pause_errors(refused)
    if refused.status == 401:
        return {
            "form": "E-mail address or password is wrong. After several wrong attempts you have to "
            "wait before the next one, each time longer."
        }
    return {"form": "Type your e-mail address and your password."}


def _pause_errors(limited: Problem) -> dict[str, str]:
    seconds = limited.headers.get("Retry-After", "5")
    return {"form": f"Too many attempts. Wait {seconds} seconds, then try again."}


def _with_pause(page: Response, refused: RefusedError | Problem) -> Response:
    if isinstance(refused, Problem) and "Retry-After" in refused.headers:
        page.headers["Retry-After"] = refused.headers["Retry-After"]
    return page


def _signup_errors(refused: RefusedError | Problem) -> dict[str, str]:
    if isinstance(refused, Problem):
        return _pause_errors(refused)
    if refused.code == "email_taken":
        return {"email": "This address has an account already. Log in, or use another address."}
    labels = {"email": "The e-mail address", "password": "The password", "name": "The name"}
    errors = {
        name: _sentence(labels[name], text)
        for name, text in refused.fields.items()
        if name in labels
    }
    if "email" in errors:  # the API says it in a mail server's words
        errors["email"] = "Type an e-mail address such as ada@example.com."
    return errors or {"form": refused.title}


def _sentence(label: str, complaint: str) -> str:
    """Return the API's complaint about a value as a sentence."""
    text = complaint.strip()
    if not text.startswith(("is ", "must ", "has ")):
        text = f"is wrong: {text[:1].lower()}{text[1:]}"
    return f"{label} {text}" + ("" if text.endswith((".", "!", "?")) else ".")
