"""The rendered entries, as Traefik reads them: names, paths, TLS, and sales through all of it.

hello-dd's Ingress of class nginx and the shop's Gateway and HTTPRoutes of class istio are taken as
they are rendered. cert-manager issues their certificates, by an authority of the tests.
The name of this file has it run after those in which the systems are disturbed.
"""

from __future__ import annotations

import json

import aiohttp
import cluster_issuing
import pytest
from cluster_entry import MOVED, routes, said
from journeys import journeys_of

#: The first one waits until images are built and nodes are ready.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

both = pytest.mark.parametrize("system", ["shop", "hello-dd"])
SCANNER = "0de110dd-0000-4000-8000-000000000002"


@both
async def test_every_public_path_is_answered_over_https_by_its_service_and_unchanged(
    entries, system
):
    assert await entries[system].unchanged() == 4


@both
async def test_what_is_beside_a_public_path_is_not_led_to_a_service(entries, system):
    entry = entries[system]
    tried = 0
    async with entry.asking() as session:
        for host, path, _ in routes(system):
            if path != "/":
                status, kind, _ = await said(session, entry.url(host, f"{path}s"))
                assert (status, kind) == (404, "text/plain; charset=utf-8"), path
                tried += 1
    assert tried


@both
async def test_plain_http_is_sent_to_the_same_place_over_https(entries, system):
    entry = entries[system]
    async with entry.asking() as session:
        for host, path, _ in routes(system):
            asked = f"{path.rstrip('/')}/deep?x=1&x=2"
            url = entry.url(host, asked, scheme="http")
            async with session.get(url, allow_redirects=False) as answer:
                assert answer.status in MOVED
                assert answer.headers["Location"] == f"https://{host}{asked}"


@both
async def test_the_certificate_is_the_rendered_ones_and_trusted_by_its_authority_alone(
    entries, system
):
    entry = entries[system]
    (host, *_), *_ = routes(system)
    async with entry.asking(trusted=False) as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError, match=r"self-signed|issuer"):
            await session.get(entry.url(host))
    async with entry.asking() as session:  # for the rendered hosts, and for no other
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(entry.url(f"other.{host}"))
    # It is read where it was made, for the hosts that are rendered, and ends in three months.
    judged = entry.system.there("verify", "--phase", "security", "--json", check=False)
    (found,) = (
        result for result in json.loads(judged.stdout)["results"] if result["what"] == "gate:RUN004"
    )
    assert (found["status"], found["level"], found["target"]) == ("pass", "observed", "cluster")
    assert found["judged"] == 1


@both
async def test_a_certificate_that_is_due_is_issued_again_and_served(entries, system):
    entry = entries[system]
    (host, *_), *_ = routes(system)
    before = entry.certificate(host)
    cluster_issuing.renew(entry.system)
    entry.system.until(lambda: entry.certificate(host) != before)
    async with entry.asking() as session, session.get(entry.url(host)) as answer:
        assert answer.status != 502  # it is trusted, and leads where it did


async def test_an_order_is_placed_and_paid_for_through_the_gateway(entries):
    entry = entries["shop"]
    async with entry.asking() as session:
        ann = journeys_of("shop").Shopper(session, entry.url("api.shop.localhost"))
        while (await ann.sign_up()).status == 504:  # a hash took too long on a busy machine
            pass
        kettle = (await ann.find("kettle"))["id"]
        before = await ann.stock(kettle)
        placed = await ann.order(kettle, 1)
        assert placed.status in (201, 202), placed.data
        assert (await ann.ended(placed.data["id"]))["status"] == "confirmed"
        assert await ann.stock(kettle) == before - 1


async def test_a_purchase_is_made_through_the_ingress(entries):
    entry = entries["hello-dd"]
    async with entry.asking() as session:
        ann = journeys_of("hello-dd").Buyer(session, entry.url("api.hello-dd.localhost"))
        bought = await ann.buy(SCANNER)
        assert bought.status in (201, 202), bought.data
        assert (await ann.ended(bought.data["id"]))["state"] == "confirmed"
