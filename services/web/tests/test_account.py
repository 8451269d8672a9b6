"""Signing up, logging in and out, and how long a visitor stays logged in."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from visiting import ME, PAGE, problem, shop_api, tokens

from tarmac_kit import Cache
from tarmac_kit.client import Response, TransportError
from tarmac_kit_testing import FakeRedis, json_response


async def test_a_new_customer_is_logged_in_and_welcomed(browse):
    browser = await browse()
    fields = {"name": "Ada Lovelace", "email": "ada@example.com", "password": "correct horse"}
    done = await browser.submit("/signup?next=/cart", "/signup", **fields)
    assert (done.status, done.place) == (303, "/cart")
    shown = await browser.get("/cart")
    assert "Welcome, Ada Lovelace" in shown.text
    assert "Welcome" not in (await browser.get("/cart")).text, "said once"


async def test_what_is_wrong_with_an_account_stands_beside_its_field(browse):
    api = shop_api()
    api.answers["POST /api/users/register"] = problem(
        422,
        "invalid_request",
        errors=[
            {"loc": ["body", "password"], "msg": "Value error, must have at least 10 characters"},
            {"loc": ["body", "email"], "msg": "Value error, is no e-mail address: no @"},
        ],
    )
    browser = await browse(api)
    shown = await browser.submit("/signup", "/signup", name="Ada", email="x", password="hunter22")
    assert shown.status == 422
    assert "The password must have at least 10 characters." in shown.text
    assert "Type an e-mail address such as" in shown.text
    assert 'aria-invalid="true"' in shown.text
    assert 'value="Ada"' in shown.text
    assert "hunter22" not in shown.text, "a password is never shown again"


async def test_an_address_with_an_account_is_told_to_log_in(browse):
    api = shop_api()
    api.answers["POST /api/users/register"] = problem(409, "email_taken")
    shown = await (await browse(api)).submit("/signup", "/signup", email="a@b.c", name="x")
    assert shown.status == 409
    assert "This address has an account already" in shown.text


async def test_a_wrong_password_is_said_without_saying_which_is_wrong(browse):
    api = shop_api()
    api.answers["POST /api/users/login"] = problem(401, "invalid_credentials")
    shown = await (await browse(api)).submit("/login", "/login", email="a@b.c", password="no")
    assert shown.status == 401
    assert "E-mail address or password is wrong" in shown.text
    assert 'role="alert"' in shown.text


@pytest.mark.parametrize("form", ["login", "signup"])
async def test_too_many_attempts_are_told_to_wait_beside_the_form(browse, form):
    api = shop_api()
    place = {"login": "login", "signup": "register"}[form]
    refused = problem(429, "login_delayed")
    api.answers[f"POST /api/users/{place}"] = replace(
        refused, headers={**refused.headers, "retry-after": "16"}
    )
    browser = await browse(api)
    shown = await browser.submit(f"/{form}", f"/{form}", email="a@b.c", password="no", name="A")
    assert (shown.status, shown.header("retry-after")) == (429, "16")
    assert "Wait 16 seconds, then try again." in shown.text
    assert 'value="a@b.c"' in shown.text


async def test_a_browser_that_has_logged_in_shows_its_device_token_at_the_next_login(browse):
    device = "the-token-of-a-known-device"  # longer than what a sealed cookie holds by chance
    api = shop_api()
    api.answers["POST /api/users/login"] = json_response(200, {**tokens(), "device_token": device})
    browser = await browse(api)
    for _ in range(2):
        await browser.submit("/login", "/login", email="ada@example.com", password="x")
        await browser.submit("/", "/logout")
    first, second = browser.asked("POST", "/api/users/login")
    assert "device_token" not in json.loads(first.body)
    assert json.loads(second.body)["device_token"] == device
    assert device not in browser.cookies["device"]


async def test_a_login_leads_back_to_where_it_was_asked_for(browse):
    browser = await browse()
    sent = await browser.get("/orders?cursor=abc")
    assert (sent.status, sent.place) == (303, "/login?next=/orders%3Fcursor%3Dabc")
    done = await browser.submit(sent.place, "/login", email="ada@example.com", password="x")
    assert done.place == "/orders?cursor=abc"


@pytest.mark.parametrize(
    "place", ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:x", "/\x08/evil"]
)
async def test_no_login_leads_to_another_site(browse, place):
    browser = await browse()
    done = await browser.submit("/login", "/login", email="a", password="x", next=place)
    assert (done.status, done.place) == (303, "/")


async def test_who_is_logged_in_needs_no_login_page(browse):
    browser = await browse()
    await browser.log_in()
    for path in ("/login?next=/cart", "/signup?next=/cart"):
        assert (await browser.get(path)).place == "/cart"


async def test_tokens_are_in_no_page_and_in_the_cookie_encrypted_only(browse):
    browser = await browse()
    await browser.log_in()
    shown = await browser.get("/account")
    assert "ada@example.com" in shown.text
    for text in (shown.text, *browser.cookies.values()):
        assert "access-1" not in text
        assert "refresh-1" not in text


async def test_cookies_are_for_the_server_alone_and_by_https_for_this_host_alone(browse):
    browser = await browse(PUBLIC_URL="https://shop.test")
    page = await browser.get("/login")
    done = await browser.post("/login", {**page.form("/login"), "email": "a", "password": "b"})
    (line,) = [cooky for cooky in done.cookies if "session=" in cooky]
    assert line.startswith("__Host-session=")
    for attribute in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/"):
        assert attribute in line
    assert done.header("strict-transport-security")


async def test_a_login_changes_the_value_that_forms_carry(browse):
    browser = await browse()
    before = (await browser.get("/login")).form("/login")["csrf"]
    await browser.log_in()
    assert (await browser.get("/account")).form("/account")["csrf"] != before


async def test_logging_out_ends_the_session_here_and_in_the_api(browse):
    browser = await browse()
    await browser.log_in()
    done = await browser.submit("/account", "/logout")
    assert done.place == "/"
    (asked,) = browser.asked("POST", "/api/users/logout")
    assert b"refresh-1" in asked.body
    assert (await browser.get("/account")).status == 303


async def test_logging_out_works_while_the_api_is_away(browse):
    browser = await browse()
    await browser.log_in()
    page = await browser.get("/account")
    browser.api.answers["POST /api/users/logout"] = TransportError("away")
    assert (await browser.submit(page, "/logout")).status == 303
    assert (await browser.get("/account")).status == 303


async def test_a_name_is_changed(browse):
    browser = await browse()
    await browser.log_in()
    browser.api.answers["PATCH /api/users/me"] = json_response(200, {**ME, "name": "Countess"})
    done = await browser.submit("/account", "/account", name="Countess")
    assert done.place == "/account"
    assert "Countess" in (await browser.get("/")).text


async def test_a_name_that_is_none_is_refused_beside_its_field(browse):
    browser = await browse()
    await browser.log_in()
    browser.api.answers["PATCH /api/users/me"] = problem(
        422, "invalid_request", errors=[{"loc": ["body", "name"], "msg": "must not be empty"}]
    )
    shown = await browser.submit("/account", "/account", name=" ")
    assert shown.status == 422
    assert "The name must not be empty." in shown.text


# Renewing.


def renewing(api, *, ends=900):
    numbers = iter(range(2, 100))

    def renew(request):
        return json_response(200, tokens(next(numbers), expires_in=ends))

    api.answers["POST /api/users/refresh"] = renew
    return api


async def test_tokens_are_renewed_before_they_end(browse, later):
    browser = await browse(renewing(shop_api()))
    await browser.log_in()
    later(895)
    assert (await browser.get("/orders")).status == 200
    assert browser.asked("GET", "/api/orders")[-1].headers["Authorization"] == "Bearer access-2"
    assert (await browser.get("/orders")).status == 200
    assert len(browser.asked("POST", "/api/users/refresh")) == 1


async def test_requests_at_the_same_time_renew_once_and_nobody_is_logged_out(browse, later):
    browser = await browse(renewing(shop_api()))
    await browser.log_in()
    later(1000)
    old = dict(browser.cookies)
    shown = await asyncio.gather(*(browser.get("/orders") for _ in range(8)))
    assert {page.status for page in shown} == {200}
    # One more that was on its way with the old cookie when the others were answered.
    browser.cookies = old
    assert (await browser.get("/orders")).status == 200
    (asked,) = browser.asked("POST", "/api/users/refresh")
    assert b"refresh-1" in asked.body


async def test_replicas_that_share_a_cache_renew_once_also_at_the_same_time(
    browse, later, monkeypatch
):
    redis = FakeRedis()
    monkeypatch.setattr("tarmac_kit.chassis.Chassis.redis", lambda *_: Cache(redis, prefix="web:"))
    api = renewing(shop_api())
    replicas = [await browse(api) for _ in range(3)]
    await replicas[0].log_in()
    later(1000)
    for replica in replicas:
        replica.cookies = dict(replicas[0].cookies)
    shown = await asyncio.gather(
        *(replica.get("/orders") for replica in replicas for _ in range(3))
    )
    assert {page.status for page in shown} == {200}
    assert len(replicas[0].asked("POST", "/api/users/refresh")) == 1
    assert "refresh-2" not in str(vars(redis)), "tokens are sealed in the cache too"


async def test_renewed_tokens_are_kept_also_when_the_page_fails(browse, later):
    browser = await browse(renewing(shop_api()))
    await browser.log_in()
    later(1000)
    good = browser.api.answers["GET /api/orders"]
    browser.api.answers["GET /api/orders"] = problem(500, "crash")
    assert (await browser.get("/orders")).status == 500
    browser.api.answers["GET /api/orders"] = good
    later(70)  # what the process keeps of the exchange is gone
    assert (await browser.get("/orders")).status == 200


async def test_a_token_that_was_withdrawn_is_renewed_once(browse):
    browser = await browse(renewing(shop_api()))
    await browser.log_in()
    good = browser.api.answers["GET /api/orders"]
    browser.api.answers["GET /api/orders"] = [problem(401, "invalid_token"), good]
    assert (await browser.get("/orders")).status == 200
    assert len(browser.asked("POST", "/api/users/refresh")) == 1


async def test_a_login_that_ended_asks_to_log_in_again_and_says_why(browse, later):
    browser = await browse()
    browser.api.answers["POST /api/users/refresh"] = problem(401, "invalid_refresh_token")
    await browser.log_in()
    later(1000)
    sent = await browser.get("/orders")
    assert sent.place == "/login?next=/orders"
    shown = await browser.get(sent.place)
    assert "You have been logged out for safety" in shown.text


async def test_a_token_that_is_refused_anew_ends_the_session(browse):
    browser = await browse(renewing(shop_api()))
    await browser.log_in()
    browser.api.answers["GET /api/orders"] = problem(401, "invalid_token")
    assert (await browser.get("/orders")).place.startswith("/login")


async def test_a_renewal_counts_as_its_visitors_and_not_as_the_pages_own(browse, later):
    browser = await browse(renewing(shop_api()), TRUSTED_PROXIES="127.0.0.0/8")
    await browser.log_in()
    later(1000)
    await browser.get("/orders", **{"x-forwarded-for": "203.0.113.9"})
    (asked,) = browser.asked("POST", "/api/users/refresh")
    assert asked.headers["X-Forwarded-For"] == "203.0.113.9"


async def test_a_refresh_that_fails_for_now_logs_nobody_out(browse, later):
    api = shop_api()
    api.answers["POST /api/users/refresh"] = [
        TransportError("away"),
        json_response(200, tokens(2)),
    ]
    browser = await browse(api)
    await browser.log_in()
    later(1000)
    assert (await browser.get("/orders")).status == 503
    assert (await browser.get("/orders")).status == 200


@pytest.mark.parametrize("status", [403, 404, 409])
async def test_an_answer_that_says_nothing_of_the_login_logs_nobody_out(browse, later, status):
    api = shop_api()
    api.answers["POST /api/users/refresh"] = [problem(status, "x"), json_response(200, tokens(2))]
    browser = await browse(api)
    await browser.log_in()
    later(1000)
    assert (await browser.get("/orders")).status == 503
    assert (await browser.get("/orders")).status == 200


async def test_a_session_that_somebody_changed_is_none(browse):
    browser = await browse()
    await browser.log_in()
    value = browser.cookies["session"]
    for bad in (value[:-3] + "AAA", "x", "", value[10:], browser.cookies.get("cart", "y")):
        browser.cookies["session"] = bad
        assert (await browser.get("/account")).status == 303


async def test_cookies_that_cannot_be_read_are_none(browse):
    browser = await browse()
    shown = await browser.send("GET", "/", headers={"cookie": "a=b; =;;; \xff=1; session"})
    assert shown.status == 200


@pytest.mark.parametrize("foreign", ['{"dark":1}', "caf\xe9", "a b", '"', "[1,2]"])
async def test_a_cookie_of_somebody_else_costs_nobody_their_own(browse, foreign):
    browser = await browse()
    await browser.log_in()
    browser.cookies = {"theirs": foreign, **browser.cookies}
    assert (await browser.get("/account")).status == 200


async def test_a_login_holds_also_when_the_profile_cannot_be_read(browse):
    browser = await browse()
    good = browser.api.answers["GET /api/users/me"]
    browser.api.answers["GET /api/users/me"] = TransportError("away")
    await browser.log_in()
    browser.api.answers["GET /api/users/me"] = good
    assert (await browser.get("/account")).status == 200


# Forms.


@pytest.mark.parametrize("change", [{"csrf": "other"}, {"csrf": ""}])
async def test_a_form_of_another_visitor_is_refused(browse, change):
    browser = await browse()
    shown = await browser.submit("/login", "/login", email="a", password="b", **change)
    assert shown.status == 403
    assert "This page was open for too long" in shown.text
    assert not browser.asked("POST", "/api/users/login")


async def test_a_form_sent_by_another_site_is_refused(browse):
    browser = await browse()
    form = (await browser.get("/login")).form("/login")
    shown = await browser.post("/login", form, **{"sec-fetch-site": "cross-site"})
    assert shown.status == 403
    # A browser that says nothing of fetches: the form's value is right, and its page is not ours.
    assert (await browser.post("/login", form, origin="https://evil.example")).status == 403
    assert (await browser.post("/login", form, origin="null")).status == 403


async def test_a_form_without_our_cookie_is_refused(browse):
    browser = await browse()
    form = (await browser.get("/login")).form("/login")
    browser.cookies.clear()
    assert (await browser.post("/login", form)).status == 403


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("application/x-www-form-urlencoded", b"x=" + b"y" * 70_000, 413),
        ("application/x-www-form-urlencoded", b"\xff\xfe", 400),
    ],
)
async def test_what_is_no_form_is_refused(browse, kind, body, status):
    browser = await browse()
    shown = await browser.send("POST", "/login", body=body, headers={"content-type": kind})
    assert shown.status == status


async def test_a_user_who_is_logged_out_by_a_form_comes_back_to_its_page(browse, later):
    browser = await browse()
    browser.api.answers["POST /api/users/refresh"] = Response(401, {}, b"{}")
    await browser.log_in()
    form = (await browser.get("/account")).form("/account")
    later(1000)
    sent = await browser.post("/account", form, referer="http://shop.test/account", accept=PAGE)
    assert sent.place == "/login?next=/account"
    browser.cookies.clear()
