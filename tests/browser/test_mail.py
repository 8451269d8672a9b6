"""The mail page in a browser: HTML is shown, links lead out, nothing of a message runs."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from free_ports import free_port
from playwright.sync_api import expect

SHOP = "http://127.0.0.1:3000"
EVIL = (
    "<html><head><title>x</title></head><body><h1>It is on its way</h1>"
    "<script>document.querySelector('h1').textContent = 'it ran'; top.location = '/ran'</script>"
    "<img src=x onerror=\"top.location = '/ran'\">"
    f"<a href='{SHOP}/orders/1'>Look at your order</a></body></html>"
)


def written(subject: str, text: str, html: str = "") -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "shop@x.test", "ada@x.test"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


@pytest.fixture(scope="module")
def mail(tmp_path_factory) -> Iterator[str]:
    """Start the sink with two messages in its folder; give the address of its page."""
    folder = tmp_path_factory.mktemp("mail")
    (folder / "users").write_text("")
    (folder / "token").write_text("5e5ame")
    (folder / "messages").mkdir()
    (folder / "messages/1-older.eml").write_bytes(
        written("<b>Plain</b>", f"See <{SHOP}/orders/2>, then {SHOP}/cart.\n")
    )
    (folder / "messages/2-newer.eml").write_bytes(written("Confirmed", f"{SHOP}/orders/1", EVIL))
    http = free_port()
    argv = [sys.executable, "-m", "tarmac.run.local.stores.mailsink", "--host", "127.0.0.1"]
    argv += ["--smtp-port", str(free_port()), "--http-port", str(http)]
    argv += ["--users", str(folder / "users"), "--messages", str(folder / "messages")]
    argv += ["--token", str(folder / "token")]
    process = subprocess.Popen(argv, cwd=Path.cwd())
    address = f"http://127.0.0.1:{http}/"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{address}messages?token=5e5ame", timeout=1).close()
            except OSError:
                continue
            break
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def page(chromium, mail):
    """Open the page; what its policy blocks is said in the console, so that is not asked."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{mail}?token=5e5ame")
        yield page


def test_an_html_message_is_shown_and_nothing_of_it_runs(page, mail):
    frame = page.frame_locator("details[open] iframe")
    expect(frame.get_by_role("heading", name="It is on its way")).to_be_visible()
    assert page.url == mail
    # Opened by itself it has no more rights.
    path = page.locator("details[open] iframe").get_attribute("src")
    page.goto(f"{mail[:-1]}{path}")
    expect(page.get_by_role("heading", name="It is on its way")).to_be_visible()


def test_links_of_messages_and_the_way_back_lead_to_the_site(page, mail):
    expect(page.get_by_role("link", name="Back to the site")).to_have_attribute("href", f"{SHOP}/")
    link = page.frame_locator("details[open] iframe").get_by_role("link")
    page.context.route(f"{SHOP}/**", lambda route: route.fulfill(body="the shop"))
    with page.expect_popup() as opened:
        link.click()
    assert opened.value.url == f"{SHOP}/orders/1"
    page.get_by_text("<b>Plain</b>").click()
    links = page.locator("details pre a")
    assert [anchor.get_attribute("href") for anchor in links.all()] == [
        f"{SHOP}/orders/2",
        f"{SHOP}/cart",
    ]
    page.get_by_role("link", name="Text").click()
    expect(page.get_by_role("link", name=f"{SHOP}/orders/1")).to_be_visible()
