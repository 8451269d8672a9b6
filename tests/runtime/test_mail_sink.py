"""The mail sink: what it stores and shows, how fast with many emails, and to which requests."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import pytest
from sandbox import Sandbox, web

from tarmac.run.local.stores.mail_http import Access, Answer, Request, respond
from tarmac.run.local.stores.mailbox import PAGE_SIZE, Mailbox

HOST = "127.0.0.1"
TOKEN = "5e5ame"
ACCESS = Access(HOST, TOKEN, cookie="mail-8025")


@contextmanager
def mailbox(folder: Path, *raws: bytes) -> Iterator[Mailbox]:
    box = Mailbox(folder)
    try:
        box.add([box.write(raw) for raw in raws])
        yield box
    finally:
        box.close()


def ask(box: Mailbox, method: str, target: str, *hosts: str) -> Answer:
    headers = {"host": [*hosts] or [f"{HOST}:8025"], "authorization": [f"Bearer {TOKEN}"]}
    return respond(box, Request(method, target, headers), ACCESS)


def listed(box: Mailbox, target: str = "/messages") -> list[dict]:
    return json.loads(ask(box, "GET", target).body)


def subjects(box: Mailbox, target: str = "/messages") -> list[str]:
    return [message["subject"] for message in listed(box, target)]


def numbered(*numbers: int) -> list[bytes]:
    return [b"Subject: n%d\r\nTo: A <a@x.test>\r\n\r\nhello\r\n" % number for number in numbers]


def test_it_lists_shows_and_clears_and_runs_nothing_of_a_message(tmp_path: Path):
    evil = b"Subject: <script>x</script>\r\nTo: a@x.test, B <B@x.test>\r\n\r\nhello <b>\r\n"
    with mailbox(tmp_path, evil, b"Subject: two\r\nTo: c@x.test\r\n\r\nbye\r\n") as box:
        assert subjects(box) == ["two", "<script>x</script>"]
        (message,) = listed(box, "/messages?to=b@x.test")
        assert message["text"].strip() == "hello <b>"
        assert b"<script>" not in ask(box, "GET", "/").body
        assert ask(box, "GET", f"/messages/{message['id']}/raw").body == evil
        assert json.loads(ask(box, "GET", f"/messages/{message['id']}").body) == message
        for path in ("/messages/../users", "/messages/1-no", f"/messages/{message['id']}/x", "/x"):
            assert ask(box, "GET", path).status == 404
        assert ask(box, "POST", "/messages").status == 405
        assert ask(box, "GET", "/messages?limit=x").status == 400
        assert ask(box, "DELETE", "/messages").status == 204
        assert listed(box) == []
        assert list(tmp_path.glob("*.eml")) == []


def test_a_list_and_a_page_have_fifty_and_lead_to_the_others(tmp_path: Path):
    with mailbox(tmp_path, *numbered(*range(PAGE_SIZE + 10))) as box:
        first = ask(box, "GET", "/messages?to=a@x.test")
        newest = [message["subject"] for message in json.loads(first.body)]
        assert newest == [f"n{number}" for number in range(PAGE_SIZE + 9, 9, -1)]
        following = first.headers["Link"].removeprefix("<").split(">")[0]
        oldest = ask(box, "GET", following)
        assert [message["subject"] for message in json.loads(oldest.body)] == [
            f"n{number}" for number in range(9, -1, -1)
        ]
        assert "Link" not in oldest.headers
        page = ask(box, "GET", "/").body.decode()
        assert page.count("<details") == PAGE_SIZE
        assert f"Mail ({PAGE_SIZE + 10})" in page
        assert ">Newer<" not in page
        last = listed(box)[-1]["id"]
        assert f'href="/?before={last}" rel=next>Older<' in page
        older = ask(box, "GET", f"/?before={last}").body.decode()
        assert older.count("<details") == 10
        assert ">Older<" not in older
        assert ask(box, "GET", f"/?after={listed(box, following)[0]['id']}").body.decode() == page


def test_the_index_is_made_from_the_files_where_it_lacks_some(tmp_path: Path):
    with mailbox(tmp_path, *numbered(1, 2, 3)) as box:
        first, second, _ = (message["id"] for message in reversed(listed(box)))
    (tmp_path / f"{first}.eml").unlink()
    (tmp_path / ".index.sqlite").write_bytes(b"no database" * 1000)
    with mailbox(tmp_path) as box:
        assert second in box.missing()
        box.add(box.missing())
        assert subjects(box) == ["n3", "n2"]
        (tmp_path / f"{second}.eml").unlink()
        assert box.missing() == []
        assert subjects(box) == ["n3"]


def test_headers_and_bodies_are_decoded_and_attachments_left_out(tmp_path: Path):
    email = EmailMessage()
    email["From"] = Address("Ada's Café", addr_spec="shop@x.test")
    email["To"] = [Address("Größe, Ann", addr_spec="Ann@x.test"), Address(addr_spec="b@x.test")]
    email["Subject"] = "Grüße " * 30
    email.set_content("€ 5\n")
    email.add_alternative("<p>€ 5</p>", subtype="html")
    email.add_attachment("not this", filename="notes.txt")
    with mailbox(tmp_path, email.as_bytes()) as box:
        (shown,) = listed(box, "/messages?to=ann@x.test")
    assert shown["subject"].split() == ["Grüße"] * 30
    assert shown["from"] == "Ada's Café <shop@x.test>"
    assert shown["to"] == ["Größe, Ann <Ann@x.test>", "b@x.test"]
    assert (shown["text"], shown["html"].strip()) == ("€ 5\n", "<p>€ 5</p>")


def test_what_no_parser_reads_is_shown_by_its_source(tmp_path: Path):
    odd = b"Subject: odd\r\nContent-Type: text/plain; charset=none-such\r\n\r\nhello\r\n"
    with mailbox(tmp_path, odd, b"\xff\x00", b"") as box:
        assert len(listed(box)) == 3
        assert "cannot be read" in listed(box)[-1]["text"]
        assert ask(box, "GET", "/").status == 200


def test_a_page_takes_no_longer_with_five_times_as_many_emails(tmp_path: Path):
    took_s = {}
    for count in (PAGE_SIZE + 1, 5 * PAGE_SIZE):
        with mailbox(tmp_path / str(count), *numbered(*range(count))) as box:
            for target in ("/", "/messages", "/messages?to=a@x.test"):
                times = []
                for _ in range(7):
                    started = time.thread_time()
                    assert ask(box, "GET", target).status == 200
                    times.append(time.thread_time() - started)
                took_s.setdefault(target, []).append(min(times))
    for target, (few_s, many_s) in took_s.items():
        assert many_s < 3 * few_s, target


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["127.0.0.1:8025"], 200),
        (["127.3.2.1"], 200),
        (["[::1]:8025"], 200),
        (["localhost:8025"], 200),
        (["mail.localhost"], 200),
        (["evil.example"], 421),
        (["127.0.0.1.evil.example:8025"], 421),
        (["192.168.0.7:8025"], 421),
        ([""], 421),
        (["[::1"], 400),
        (["127.0.0.1", "evil.example"], 400),
    ],
)
def test_only_loopback_names_are_served(tmp_path: Path, hosts, status):
    with mailbox(tmp_path, *numbered(1)) as box:
        for target in ("/", "/messages"):
            answer = ask(box, "GET", target, *hosts)
            assert answer.status == status
            assert (b"n1" in answer.body) == (status == 200)
        assert respond(box, Request("GET", "/"), ACCESS).status == 400
        named = Request("GET", f"/messages?token={TOKEN}", {"host": ["ci.test"]})
        assert respond(box, named, Access("ci.test", TOKEN, "mail")).status == 200


@pytest.mark.parametrize("path", ["/", "/messages", "/messages/{id}", "/messages/{id}/raw"])
def test_emails_are_shown_to_those_who_have_the_token(tmp_path: Path, path):
    with mailbox(tmp_path, *numbered(1)) as box:
        path = path.format(id=listed(box)[0]["id"])

        def status(target: str = path, **headers: str) -> int:
            sent = {"host": [HOST], **{name: [value] for name, value in headers.items()}}
            answer = respond(box, Request("GET", target, sent), ACCESS)
            assert (b"n1" in answer.body) == (answer.status == 200)
            return answer.status

        assert status() == 401
        assert status(f"{path}?token=other") == 401
        assert status(authorization="Bearer other") == 401
        assert status(cookie=f"mail-8026={TOKEN}") == 401
        assert status(cookie="mail-8025=") == 401
        assert status(authorization=f"Bearer {TOKEN}") == 200
        assert status(cookie=f"theme=dark; mail-8025={TOKEN}") == 200
        # The page's link leaves the token in a cookie; what programs ask for answers at once.
        assert status(f"{path}?token={TOKEN}") == (303 if path == "/" else 200)


def test_the_link_that_up_prints_opens_the_page(sandbox: Sandbox):
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {web()}\nstores:\n  mail: mail\n")
    sandbox.up()
    link = sandbox.node("mail")["page"]
    assert link in sandbox.tarmac("up", "-d").stdout
    token = link.partition("?token=")[2]
    assert token not in sandbox.tarmac("explain", "mail").stdout
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(link.partition("?")[0], timeout=10)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(link, timeout=10) as page:
        assert token not in page.url
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert b"No email yet" in page.read()
