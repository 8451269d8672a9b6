"""Profiles with documents in memory: users, keys, versions, tokens, and orders that are away."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from tarmac_kit import Claims, DeadlineExceeded, Problem, Unavailable
from tarmac_profiles import keys
from tarmac_profiles.domain import Facts, hash_of, normal_email, opens
from tarmac_profiles.repository import UserRepository
from tarmac_profiles.service import ADMINISTRATOR


def claims(user_id: object, *roles: str) -> Claims:
    return Claims(str(user_id), "x@example.com", frozenset(roles), "t", 0)


ADA = Facts("ada@example.com", "Ada", "Ghent", {"sizes": {"shoe": 38}})
STAFF = claims(ADMINISTRATOR, "staff")


async def refused(doing) -> Problem:
    with pytest.raises(Problem) as caught:
        await doing
    return caught.value


async def test_a_user_is_made_with_a_key_of_which_only_a_hash_is_kept(profiles, documents) -> None:
    user, key = await profiles.create(ADA)
    assert (user.version, user.email, user.roles) == (1, "ada@example.com", ())
    kept = await documents.collection("users").get(user.id)
    assert kept.body["attributes"] == {"sizes": {"shoe": 38}}
    assert key not in str(kept)
    assert opens(key, kept.body["key_hash"])
    assert key not in repr(user)
    assert kept.body["key_hash"] not in repr(user)


async def test_an_address_has_one_user(profiles) -> None:
    await profiles.create(ADA)
    problem = await refused(profiles.create(ADA))
    assert (problem.status, problem.code) == (409, "email_taken")


@pytest.mark.parametrize("attributes", [{"a.b": 1}, {"$set": 1}, {"x": "\0"}, {"x": 2**70}])
async def test_what_no_document_can_hold_is_refused_with_its_place(profiles, attributes) -> None:
    facts = Facts("bob@example.com", "Bob", None, attributes)
    problem = await refused(profiles.create(facts))
    assert (problem.status, problem.code) == (422, "not_storable")
    assert "attributes" in problem.detail
    user, _ = await profiles.create(ADA)
    problem = await refused(profiles.change(claims(user.id), UUID(user.id), facts, 1))
    assert problem.code == "not_storable"


async def test_a_key_gives_tokens_that_speak_for_its_user(profiles) -> None:
    user, key = await profiles.create(ADA)
    spoken_for = await profiles.verify(await profiles.token(" ADA@example.com", key))
    assert (spoken_for.subject, spoken_for.email) == (user.id, "ada@example.com")
    assert spoken_for.roles == frozenset()


@pytest.mark.parametrize(
    ("email", "wrong"),
    [("ada@example.com", True), ("eve@example.com", False), ("no address", False), ("", False)],
)
async def test_a_wrong_address_and_a_wrong_key_are_answered_alike(profiles, email, wrong) -> None:
    _, key = await profiles.create(ADA)
    problem = await refused(profiles.token(email, "x" * 43 if wrong else key))
    assert (problem.status, problem.code) == (401, "unauthorized")
    assert problem.detail == "there is no user with this address and this key"


async def test_a_new_key_ends_the_earlier_one(profiles) -> None:
    user, key = await profiles.create(ADA)
    renewed = await profiles.renew_key(claims(user.id), UUID(user.id))
    assert (await refused(profiles.token(ADA.email, key))).status == 401
    assert await profiles.token(ADA.email, renewed)
    assert await profiles.renew_key(STAFF, UUID(user.id)) != renewed
    problem = await refused(profiles.renew_key(claims(uuid4()), UUID(user.id)))
    assert problem.status == 404
    problem = await refused(profiles.renew_key(STAFF, UUID(ADMINISTRATOR)))
    assert problem.code == "key_is_set"


async def test_a_change_needs_the_version_that_is_there_and_makes_the_next(profiles) -> None:
    user, key = await profiles.create(ADA)
    ada, user_id = claims(user.id), UUID(user.id)
    moved = await profiles.change(ada, user_id, Facts("ada@example.com", "Ada", "Bruges"), 1)
    assert (moved.version, moved.city, moved.attributes) == (2, "Bruges", {})
    assert moved.key_hash == hash_of(key)
    problem = await refused(profiles.change(ada, user_id, ADA, 1))
    assert (problem.status, problem.code, problem.extra["version"]) == (409, "version_conflict", 2)


async def test_of_many_changes_of_one_version_one_succeeds(profiles) -> None:
    user, _ = await profiles.create(ADA)
    done = await asyncio.gather(
        *(profiles.change(claims(user.id), UUID(user.id), ADA, 1) for _ in range(5)),
        return_exceptions=True,
    )
    assert sorted(getattr(outcome, "code", "changed") for outcome in done) == [
        "changed",
        *["version_conflict"] * 4,
    ]


async def test_an_address_that_is_anothers_is_not_changed_to(profiles) -> None:
    await profiles.create(ADA)
    bob, _ = await profiles.create(Facts("bob@example.com", "Bob"))
    problem = await refused(profiles.change(claims(bob.id), UUID(bob.id), ADA, 1))
    assert problem.code == "email_taken"


async def test_another_user_does_not_exist_except_for_staff(profiles) -> None:
    user, _ = await profiles.create(ADA)
    stranger = claims(uuid4())
    for doing in (
        profiles.show(stranger, UUID(user.id)),
        profiles.change(stranger, UUID(user.id), ADA, 1),
        profiles.orders(stranger, UUID(user.id), limit=1, cursor=None),
        profiles.orders(STAFF, UUID(user.id), limit=1, cursor=None),
        profiles.show(STAFF, uuid4()),
    ):
        problem = await refused(doing)
        assert (problem.status, problem.code) == (404, "user_unknown")
    assert (await profiles.show(STAFF, UUID(user.id))).id == user.id


async def test_staff_lists_users_by_city_and_address_page_by_page(profiles) -> None:
    for number in range(5):
        city = "Ghent" if number % 2 else "Bruges"
        await profiles.create(Facts(f"u{number}@example.com", "U", city))

    async def listed(**asked):
        given = {"email": None, "city": None, "limit": 10, "cursor": None, **asked}
        return await profiles.page(STAFF, **given)

    first = await listed(limit=4)
    rest = await listed(limit=4, cursor=first.next_cursor)
    everybody = [user.email for user in (*first.users, *rest.users)]
    assert len(set(everybody)) == 6  # with the administrator
    assert {user.email for user in (await listed(city="Ghent")).users} == {
        "u1@example.com",
        "u3@example.com",
    }
    assert [user.email for user in (await listed(email=" U1@Example.com")).users] == [
        "u1@example.com"
    ]
    assert (await listed(city="x" * 600)).users == ()
    problem = await refused(listed(cursor="strange"))
    assert (problem.status, problem.code) == (400, "bad_cursor")
    problem = await refused(
        profiles.page(claims(uuid4()), email=None, city=None, limit=1, cursor=None)
    )
    assert problem.status == 403


async def test_orders_are_asked_for_with_the_callers_own_token(
    profiles, order_service, an_order
) -> None:
    user, _ = await profiles.create(ADA)
    order_service.answers(200, {"items": [an_order], "next_cursor": "more"})
    page = await profiles.orders(claims(user.id), UUID(user.id), limit=1, cursor="here")
    assert (page.items[0].total_minor, page.next_cursor) == (900, "more")
    [(path, options)] = order_service.asked
    assert path == "/orders"
    assert options == {"params": {"limit": 1, "cursor": "here"}, "forward": True}


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (Unavailable("orders"), (200,)),
        (DeadlineExceeded("orders"), (200,)),
        (None, (500, {})),
        (None, (401, {})),
        (None, (200, {"items": "none"})),
        (None, (200, "<html>")),
    ],
)
async def test_orders_that_cannot_be_had_are_one_problem_and_the_user_is_still_there(
    profiles, order_service, error, reply
) -> None:
    user, _ = await profiles.create(ADA)
    order_service.error = error
    order_service.answers(*reply)
    ada, user_id = claims(user.id), UUID(user.id)
    problem = await refused(profiles.orders(ada, user_id, limit=20, cursor=None))
    assert (problem.status, problem.code) == (503, "orders_unavailable")
    assert problem.headers == {"Retry-After": "1"}
    assert problem.extra == {"degraded": ["orders"]}
    assert (await profiles.show(ada, user_id)).name == "Ada"


async def test_a_cursor_that_orders_do_not_know_is_the_callers_mistake(
    profiles, order_service
) -> None:
    user, _ = await profiles.create(ADA)
    order_service.answers(400, {"code": "bad_cursor"})
    problem = await refused(profiles.orders(claims(user.id), UUID(user.id), limit=1, cursor="x"))
    assert (problem.status, problem.code) == (400, "bad_cursor")


async def test_two_replicas_that_start_at_once_sign_with_one_key_and_have_one_administrator(
    build,
) -> None:
    replicas = [build(), build()]
    await asyncio.gather(*(replica.prepare() for replica in replicas))
    one, other = replicas
    assert await one.key_set() == await other.key_set()
    token = await one.token("admin@example.com", "a" * 64)
    assert (await other.verify(token)).roles == {"staff"}


async def test_another_admin_key_takes_the_earlier_ones_place_at_the_next_start(
    profiles, build
) -> None:
    again = build(admin_key="b" * 64)
    await again.prepare()
    assert (await refused(again.token("admin@example.com", "a" * 64))).status == 401
    assert await again.token("admin@example.com", "b" * 64)


async def test_an_administrators_address_that_somebody_has_is_left_to_them(
    documents, build
) -> None:
    users = UserRepository(documents)
    await users.add("somebody", Facts("admin@example.com", "S"), key_hash="x")
    made = build()
    await made.prepare()
    assert await users.find(ADMINISTRATOR) is None
    assert (await users.find("somebody")).roles == ()


async def test_a_key_that_was_closed_with_another_secret_stops_the_start(profiles, build) -> None:
    again = build(key_encryption_secret="another secret of ours")
    with pytest.raises(keys.KeyClosedError, match="KEY_ENCRYPTION_SECRET"):
        await again.prepare()


async def test_before_the_start_nothing_is_signed(documents, build) -> None:
    users = UserRepository(documents)
    made = build()
    assert await made.key_set() == {"keys": []}
    user = await users.add("one", ADA, key_hash="x")
    with pytest.raises(Problem) as caught:
        made.token_for(user)
    assert (caught.value.status, caught.value.code) == (503, "starting")


@pytest.mark.parametrize("text", ["", "ada", "ada@x", "a b@x.com", "a@x\0.com", "a" * 260 + "@x.y"])
def test_what_is_no_address_is_refused(text) -> None:
    with pytest.raises(ValueError, match="not an address"):
        normal_email(text)
