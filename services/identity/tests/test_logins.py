"""Throttles, known devices and fair turns, on a clock that the tests move."""

from __future__ import annotations

import asyncio
import math
import string
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tarmac_identity.devices import MOST_ACCOUNTS, Devices
from tarmac_identity.logins import ACCOUNT_LONGEST_S, LoginLimits, Source
from tarmac_identity.settings import IdentitySettings
from tarmac_identity.throttle import NONE, Failures, Throttle
from tarmac_identity.turns import FairThreads
from tarmac_kit import Problem
from tarmac_kit_testing import FakeClock

SOURCE = Throttle(free=5, first_s=2, longest_s=300, forget_s=900)
ACCOUNT = Throttle(free=50, first_s=2, longest_s=60, forget_s=60)
SECRET = "a secret of some length"
PAUSES_S = st.floats(min_value=0, max_value=2000, allow_nan=False)


@dataclass
class Counter:
    """One source's level over a fake clock: what a row of login_failures is."""

    throttle: Throttle
    failures: Failures = NONE
    waits_s: list[float] = field(default_factory=list)

    def wait(self, pause_s: float) -> None:
        self.failures = Failures(self.failures.level, self.failures.age_s + pause_s)

    def fail(self) -> bool:
        """Try a wrong password now; say whether it was counted."""
        self.waits_s.append(self.throttle.wait_s(self.failures))
        if self.waits_s[-1] > 0:
            return False
        self.failures = Failures(self.throttle.after_failure(self.failures))
        return True


@given(st.lists(PAUSES_S, max_size=200))
def test_no_attacker_keeps_a_source_shut_for_longer_than_the_longest_delay(pauses_s):
    counter = Counter(SOURCE)
    for pause_s in pauses_s:
        counter.wait(pause_s)
        counter.fail()
    assert max(counter.waits_s, default=0.0) <= SOURCE.longest_s
    counter.wait(SOURCE.longest_s)
    assert SOURCE.wait_s(counter.failures) == 0
    counter.wait(SOURCE.forgotten_s)
    assert SOURCE.after_failure(counter.failures) == 1


@given(st.lists(st.floats(min_value=0, max_value=10), min_size=20, max_size=200))
def test_guesses_of_one_source_grow_rare(pauses_s):
    """However it times them: each delay is twice the last one, and few failures are forgotten."""
    counter = Counter(SOURCE)
    guesses = 0
    for pause_s in pauses_s:
        counter.wait(pause_s)
        guesses += counter.fail()
    elapsed_s = sum(pauses_s)
    doublings = math.log2(elapsed_s / SOURCE.first_s + 1)
    forgotten = elapsed_s / SOURCE.forget_s
    assert guesses <= SOURCE.free + 1 + doublings + 2 * forgotten


@given(st.lists(PAUSES_S, max_size=300))
def test_one_source_alone_never_delays_the_unknown_devices_of_an_account(pauses_s):
    source, account = Counter(SOURCE), Counter(ACCOUNT)
    for pause_s in pauses_s:
        source.wait(pause_s)
        account.wait(pause_s)
        if source.fail():
            assert account.fail()


def test_one_source_that_never_stops_does_not_delay_the_account_in_a_week_either():
    source, account = Counter(SOURCE), Counter(ACCOUNT)
    elapsed_s = 0.0
    while elapsed_s < 7 * 86_400:
        assert source.fail()
        assert account.fail()
        pause_s = SOURCE.wait_s(source.failures)
        elapsed_s += max(pause_s, 0.001)
        source.wait(pause_s)
        account.wait(pause_s)


@given(st.floats(min_value=0, max_value=20), st.floats(min_value=0, max_value=1e6))
def test_a_failure_never_shortens_a_delay_that_is_over(level, age_s):
    throttle = Throttle(free=5, first_s=2, longest_s=300, forget_s=1e9)
    before, after = Failures(level, age_s), Failures(0)
    after = Failures(throttle.after_failure(before))
    assert throttle.delay_s(after.level) >= min(throttle.delay_s(level), throttle.longest_s)


def identity_settings(**changes: object) -> IdentitySettings:
    return IdentitySettings(
        jwt_issuer="x",
        jwt_audience="x",
        key_encryption_secret=SECRET,
        admin_password="administrator's own",
        **changes,
    )


@dataclass
class World:
    """The limits over rows in memory, with one clock for all."""

    store: object
    clock: FakeClock
    limits: LoginLimits
    began: datetime

    async def attempt(self, source: Source, *, right: bool, email: str = "ada@example.com") -> int:
        """Log in; return the status that the user sees."""
        self.store.now = self.began + timedelta(seconds=self.clock())
        try:
            await self.limits.count(source, email)
            await self.limits.check(None, email, source)
            if not right:
                await self.limits.failed(None, email, source)
                return 401
            await self.limits.check(None, email, source, lock=True)
            await self.limits.succeeded(None, email, source)
        except Problem as problem:
            return problem.status if int(problem.headers["Retry-After"]) >= 1 else 500
        return 200


@pytest.fixture
def world_of(store):
    def made() -> World:
        store.failed.clear()
        clock = FakeClock()
        limits = LoginLimits(None, identity_settings(), clock=clock, ticks=clock)
        return World(store, clock, limits, store.now)

    return made


ADDRESSES = st.sampled_from([f"198.51.100.{n}" for n in range(30)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(attack=st.lists(st.tuples(ADDRESSES, st.floats(0, 30)), max_size=400))
def test_the_right_password_from_a_known_device_always_works(world_of, attack):
    """Whatever is tried from wherever, the owner's own network included."""
    world = world_of()
    owner = Source("198.51.100.0", device="phone")

    async def play() -> list[int]:
        statuses = []
        for n, (address, pause_s) in enumerate(attack):
            world.clock.advance(pause_s)
            await world.attempt(Source(address), right=False)
            if n % 20 == 0:
                world.clock.advance(12)  # one login in 12 s is what an account has for itself
                statuses.append(await world.attempt(owner, right=True))
        return statuses

    assert set(asyncio.run(play())) <= {200}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(attack=st.lists(st.floats(0, 5), max_size=300), elsewhere=ADDRESSES)
def test_one_address_does_not_keep_the_owner_out_on_a_new_device(world_of, attack, elsewhere):
    world = world_of()

    async def play() -> list[int]:
        statuses = []
        for n, pause_s in enumerate(attack):
            world.clock.advance(pause_s)
            await world.attempt(Source("203.0.113.9"), right=False)
            if n % 30 == 0:
                world.clock.advance(2)
                statuses.append(await world.attempt(Source(elsewhere), right=True))
        return statuses

    assert set(asyncio.run(play())) <= {200}


async def test_many_addresses_together_are_slowed_down_but_known_devices_are_not(world_of):
    world = world_of()
    guesses = 0
    for n in range(3000):
        world.clock.advance(1)
        status = await world.attempt(Source(f"2001:db8:{n:x}::/64"), right=False)
        guesses += status == 401
    # 50 at once, then one a minute or so in 50 minutes.
    assert 50 <= guesses <= 50 + 2 * 3000 / ACCOUNT_LONGEST_S
    assert await world.attempt(Source("192.0.2.1"), right=True) == 429
    assert await world.attempt(Source("192.0.2.1", device="phone"), right=True) == 200
    world.clock.advance(ACCOUNT_LONGEST_S)
    assert await world.attempt(Source("192.0.2.1"), right=True) == 200


async def test_a_stolen_device_token_guesses_no_faster_and_hinders_no_other_device(world_of):
    world = world_of()
    stolen, other = Source("203.0.113.9", device="stolen"), Source("192.0.2.1", device="phone")
    statuses = [await world.attempt(stolen, right=False) for _ in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert await world.attempt(other, right=True) == 200


def test_a_device_is_known_to_its_accounts_for_a_while():
    clock = FakeClock()
    devices = Devices(SECRET, ttl_s=100, clock=clock)
    first = devices.issue(None, "ada@example.com")
    device = devices.known(first, "ada@example.com")
    assert device
    assert devices.known(first, "bob@example.com") is None
    clock.advance(60)
    both = devices.issue(first, "bob@example.com")
    assert devices.known(both, "bob@example.com") == device
    assert devices.known(both, "ada@example.com") == device
    clock.advance(50)
    assert devices.known(both, "ada@example.com") is None
    assert devices.known(both, "bob@example.com") == device
    assert "example" not in str(jwt.decode(both, options={"verify_signature": False}))


def test_a_device_forgets_the_account_that_logged_in_longest_ago():
    clock = FakeClock()
    devices = Devices(SECRET, ttl_s=1000, clock=clock)
    token = None
    for n in range(MOST_ACCOUNTS + 1):
        clock.advance(1)
        token = devices.issue(token, f"a{n}@example.com")
    known = [bool(devices.known(token, f"a{n}@example.com")) for n in range(MOST_ACCOUNTS + 1)]
    assert known == [False] + [True] * MOST_ACCOUNTS
    assert len(token) < 1024


@given(st.text(max_size=60), st.integers(0, 400), st.sampled_from(string.ascii_letters))
def test_a_token_that_was_changed_or_made_elsewhere_is_of_no_device(text, place, letter):
    clock = FakeClock()
    devices = Devices(SECRET, ttl_s=100, clock=clock)
    token = devices.issue(None, "ada@example.com")
    body, _, signature = token.rpartition(".")
    place %= len(body)
    changed = f"{body[:place]}{letter}{body[place + 1 :]}.{signature}"
    foreign = Devices("another secret, of length", ttl_s=100, clock=clock)
    for wrong in (text, None, foreign.issue(None, "ada@example.com")):
        assert devices.known(wrong, "ada@example.com") is None
    assert changed == token or devices.known(changed, "ada@example.com") is None


@pytest.fixture
def threads():
    made = FairThreads(workers=1, places=4, name="test")
    yield made
    made.close()


async def test_each_source_gets_a_turn_before_one_gets_its_second(threads):
    order: list[str] = []
    leave = threading.Event()
    first = asyncio.create_task(threads.run("a", leave.wait))
    await asyncio.sleep(0)
    names = ("a", "a", "b", "c")
    waiting = [
        asyncio.create_task(threads.run(name, lambda name=name: order.append(name)))
        for name in names
    ]
    await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(first, *waiting)
    assert order == ["a", "b", "c", "a"]


async def test_a_full_queue_refuses_the_source_that_has_most_in_it(threads):
    leave = threading.Event()
    tasks = [asyncio.create_task(threads.run("a", leave.wait)) for _ in range(7)]
    await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [False] * 5 + [True] * 2
    other = asyncio.create_task(threads.run("b", leave.wait))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [False] * 4 + [True] * 3
    leave.set()
    answers = await asyncio.gather(*tasks, other, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert [problem.status for problem in refused] == [503] * 3
    assert refused[0].headers == {"Retry-After": "1"}
    assert answers[-1] is True


async def test_a_caller_that_goes_away_gives_its_place_and_its_turn_back(threads):
    leave = threading.Event()
    first = asyncio.create_task(threads.run("a", leave.wait))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(threads.run("b", leave.wait)) for _ in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    first.cancel()  # its thread works on; only then is it free
    leave.set()
    await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [task.cancelled() for task in waiting] == [True, False, False, False]
    assert await threads.run("c", lambda: 1) == 1


@given(st.lists(st.sampled_from("aaaaabc"), max_size=40), st.integers(1, 3))
def test_every_thread_is_free_again_when_all_is_done(sources, workers):
    async def play() -> None:
        threads = FairThreads(workers=workers, places=5, name="test")
        try:
            tasks = [asyncio.create_task(threads.run(name, lambda: None)) for name in sources]
            for task in tasks[::3]:
                await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert await threads.run("d", lambda: 1) == 1
            assert threads._free == workers
        finally:
            threads.close()

    asyncio.run(play())
