"""Customers log in while one address sends wrong passwords as fast as it is answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from identified import environ

from tarmac_identity.app import PART
from tarmac_kit import create_app
from tarmac_kit_testing import InProcess, running

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

ATTACKERS, CUSTOMERS, LOGINS_EACH = 40, 10, 2
ATTACKER = "203.0.113.9"
PASSWORD = "correct horse battery"
#: At this cost a hash takes about as long as all the rest of a login.
COST = "10"


def login_environ(url: str, rate: str) -> dict[str, str]:
    return environ(url, BCRYPT_COST=COST, TRUSTED_PROXIES="127.0.0.0/8", LOGIN_RATE_PER_MINUTE=rate)


async def log_in(shop: InProcess, email: str, password: str, address: str) -> int:
    body = {"email": email, "password": password}
    answer = await shop.post("/users/login", json=body, headers={"x-forwarded-for": address})
    return answer.status


@pytest.mark.parametrize("rate", ["60", "600000"], ids=["with its rate", "by fair turns alone"])
async def test_one_address_at_its_limit_keeps_no_customer_out(database_url, rate):
    async with running(create_app([PART], login_environ(database_url, rate))) as shop:
        people = [(f"c{n}@example.com", f"198.51.100.{n}") for n in range(CUSTOMERS)]
        for email, address in people:
            body = {"email": email, "password": PASSWORD, "name": "Customer"}
            headers = {"x-forwarded-for": address}
            assert (await shop.post("/users/register", json=body, headers=headers)).status == 201

        async def customer(email: str, address: str) -> tuple[list[int], list[float]]:
            statuses, took_s = [], []
            for _ in range(LOGINS_EACH):
                began = time.perf_counter()
                statuses.append(await log_in(shop, email, PASSWORD, address))
                took_s.append(time.perf_counter() - began)
            return statuses, took_s

        async def everybody() -> tuple[list[int], list[float]]:
            found = await asyncio.gather(*(customer(*person) for person in people))
            statuses = [status for answered, _ in found for status in answered]
            return statuses, [taken for _, times in found for taken in times]

        met: Counter[int] = Counter()

        async def attack(number: int) -> None:
            for guess in range(1_000_000):
                met[await log_in(shop, f"x{number}.{guess}@example.com", "wrong", ATTACKER)] += 1

        quiet, quiet_s = await everybody()
        attackers = [asyncio.create_task(attack(number)) for number in range(ATTACKERS)]
        while met.total() < ATTACKERS:  # noqa: ASYNC110 - until the attack is under way
            await asyncio.sleep(0.01)
        before, began = met[401], time.monotonic()
        statuses, took_s = await everybody()
        guesses, elapsed_s = met[401] - before, time.monotonic() - began
        for task in attackers:
            task.cancel()
        await asyncio.gather(*attackers, return_exceptions=True)

    for name, times in (("quiet", quiet_s), ("attacked", took_s)):
        print(f"{name}: 95 % within {sorted(times)[int(len(times) * 0.95)]:.2f} s")
    assert set(quiet) == {200}
    assert statuses.count(200) / len(statuses) >= 0.95
    # One address has one turn in each round of those that wait, and 40 callers of 50 without that.
    # Customers do not always wait: they come one after the other, and go through the database.
    assert guesses <= len(statuses)
    assert met[429] + met[503] > 0
    assert rate != "60" or guesses <= 30 + elapsed_s
