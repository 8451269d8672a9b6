"""The routes of profiles. Each takes a body apart, asks service.py and shapes the answer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tarmac_kit import Claims
from tarmac_kit.tokens import unauthorized
from tarmac_profiles.domain import Facts
from tarmac_profiles.schemas import (
    KeySet,
    Login,
    MadeUser,
    NewKey,
    NewUser,
    OrderPageOut,
    Token,
    UserChange,
    UserOut,
    UserPageOut,
)
from tarmac_profiles.service import Profiles

#: Verifiers keep keys themselves; a proxy in between must not keep one for long.
KEY_SET_MAX_AGE_S = 300

router = APIRouter()
_bearer = HTTPBearer(auto_error=False, description="An access token (RS256).")
Limit = Annotated[int, Query(ge=1, le=100)]
CursorText = Annotated[str | None, Query(max_length=1000)]
Line = Annotated[str | None, Query(max_length=254)]


def _profiles(request: Request) -> Profiles:
    profiles: Profiles = request.app.state.profiles
    return profiles


Service = Annotated[Profiles, Depends(_profiles)]


async def _caller(
    profiles: Service,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Claims:
    # Its own key, not JWKS_URL: the service that publishes it needs no way to itself.
    if credentials is None:
        raise unauthorized("send Authorization: Bearer <token>", error=None)
    return await profiles.verify(credentials.credentials)


Caller = Annotated[Claims, Depends(_caller)]


def _not_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


@router.post(
    "/users",
    status_code=201,
    summary="Make a user",
    responses={409: {"description": "`email_taken`."}, 422: {"description": "`not_storable`."}},
)
async def create_user(body: NewUser, profiles: Service, response: Response) -> MadeUser:
    """The answer has a first access token, and the user's key: it is shown this once.

    An address has one user: a second one is answered with 409, also when the first answer was
    lost; staff can then renew the key.
    """
    user, key = await profiles.create(_facts(body))
    _not_stored(response)
    response.headers["Location"] = f"/users/{user.id}"
    shown = UserOut.model_validate(user).model_dump()
    token = profiles.token_for(user)
    return MadeUser(**shown, key=key, access_token=token, expires_in=profiles.token_ttl_s)


@router.post("/users/token", summary="Get an access token")
async def issue_token(body: Login, profiles: Service, response: Response) -> Token:
    """For an address and its key; 401 whichever of the two is wrong."""
    token = await profiles.token(body.email, body.key)
    _not_stored(response)
    return Token(access_token=token, expires_in=profiles.token_ttl_s)


@router.get("/users", summary="List users")
async def list_users(
    caller: Caller,
    profiles: Service,
    email: Line = None,
    city: Line = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> UserPageOut:
    """The latest first, for staff."""
    page = await profiles.page(caller, email=email, city=city, limit=limit, cursor=cursor)
    return UserPageOut(
        items=[UserOut.model_validate(user) for user in page.users], next_cursor=page.next_cursor
    )


@router.get("/users/{user_id}", summary="Read a user")
async def show_user(user_id: UUID, caller: Caller, profiles: Service) -> UserOut:
    """One's own; staff reads any."""
    return UserOut.model_validate(await profiles.show(caller, user_id))


@router.put(
    "/users/{user_id}",
    summary="Change a user",
    responses={409: {"description": "`version_conflict` says the version of now; `email_taken`."}},
)
async def change_user(
    user_id: UUID, body: UserChange, caller: Caller, profiles: Service
) -> UserOut:
    """Takes the whole user and the version that was read: of two changes of one, one succeeds.

    A member that is missing is 422: `city` may be null, `attributes` may be empty.
    """
    changed = await profiles.change(caller, user_id, _facts(body), body.version)
    return UserOut.model_validate(changed)


@router.put("/users/{user_id}/key", summary="Renew a key")
async def renew_key(user_id: UUID, caller: Caller, profiles: Service, response: Response) -> NewKey:
    """The earlier key ends at once; tokens that it gave end by themselves."""
    key = await profiles.renew_key(caller, user_id)
    _not_stored(response)
    return NewKey(key=key)


@router.get(
    "/users/{user_id}/orders",
    summary="List a user's orders",
    responses={503: {"description": "`orders_unavailable`: order-service does not answer now."}},
)
async def list_orders(
    user_id: UUID, caller: Caller, profiles: Service, limit: Limit = 20, cursor: CursorText = None
) -> OrderPageOut:
    """One's own, fetched from order-service with one's own token; the latest first."""
    return await profiles.orders(caller, user_id, limit=limit, cursor=cursor)


@router.get("/.well-known/jwks.json", summary="The key that signs access tokens")
async def key_set(profiles: Service, response: Response) -> KeySet:
    """RS256; verifiers ask for it again when they meet another key's name."""
    response.headers["Cache-Control"] = f"public, max-age={KEY_SET_MAX_AGE_S}"
    return KeySet.model_validate(await profiles.key_set())


def _facts(body: NewUser) -> Facts:
    return Facts(body.email, body.name, body.city, body.attributes)
