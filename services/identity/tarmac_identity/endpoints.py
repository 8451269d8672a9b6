"""Identity's routes. Each takes a body apart, asks service.py and shapes the answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tarmac_identity.domain import STAFF
from tarmac_identity.schemas import (
    KeyChange,
    KeySet,
    Login,
    LoginTokens,
    ProfileChange,
    RefreshRequest,
    Registration,
    Tokens,
    UserOut,
)
from tarmac_identity.service import Identity
from tarmac_kit import Claims, Problem
from tarmac_kit.addresses import client_address, household
from tarmac_kit.tokens import unauthorized

#: Verifiers keep keys themselves; a proxy in between must not keep a withdrawn one for long.
KEY_SET_MAX_AGE_S = 300

router = APIRouter()
_bearer = HTTPBearer(auto_error=False, description="An access token (RS256).")


def _identity(request: Request) -> Identity:
    identity: Identity = request.app.state.identity
    return identity


Service = Annotated[Identity, Depends(_identity)]


async def _caller(
    identity: Service,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Claims:
    # Its own keys, not JWKS_URL: the service that publishes them needs no way to itself.
    if credentials is None:
        raise unauthorized("send Authorization: Bearer <token>", error=None)
    return await identity.verify(credentials.credentials)


Caller = Annotated[Claims, Depends(_caller)]


def _address(request: Request, identity: Service) -> str:
    peer = request.client.host if request.client is not None else "unknown"
    return household(client_address(peer, request.headers.raw, identity.proxies))


#: The client's network address, by which limits count.
Address = Annotated[str, Depends(_address)]


def _not_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


@router.post("/users/register", status_code=201, summary="Make an account")
async def register(body: Registration, identity: Service, address: Address) -> UserOut:
    """An address has one account: a second one is answered with 409."""
    return await identity.register(body, address=address)


@router.post("/users/login", summary="Log in")
async def login(
    body: Login, identity: Service, address: Address, response: Response
) -> LoginTokens:
    """Gives an access token for fifteen minutes and a refresh token for one later use.

    After a few wrong passwords the next attempt from there is 429 until Retry-After is over, each
    time longer. Send `device_token` of the last login to stand apart from what others try.
    """
    _not_stored(response)
    return await identity.login(
        body.email, body.password, address=address, device_token=body.device_token
    )


@router.post("/users/refresh", summary="Renew tokens")
async def refresh(body: RefreshRequest, identity: Service, response: Response) -> Tokens:
    """Each refresh token works once. Using one again ends every token that came from that login."""
    _not_stored(response)
    return await identity.refresh(body.refresh_token)


@router.post("/users/logout", status_code=204, summary="Log out")
async def logout(body: RefreshRequest, identity: Service) -> None:
    """Ends the login that the refresh token belongs to. Access tokens end by themselves."""
    await identity.logout(body.refresh_token)


@router.get("/users/me", summary="Read the own profile")
async def read_me(caller: Caller, identity: Service, response: Response) -> UserOut:
    """`X-Cache` says whether the profile came from the cache."""
    profile, hit = await identity.profile(caller.subject)
    response.headers["X-Cache"] = "hit" if hit else "miss"
    response.headers["Cache-Control"] = "private, no-cache"
    return profile


@router.patch("/users/me", summary="Change the own profile")
async def change_me(body: ProfileChange, caller: Caller, identity: Service) -> UserOut:
    """The next read shows the change."""
    return await identity.rename(caller.subject, body.name)


async def _staff(caller: Caller) -> Claims:
    if STAFF not in caller.roles:
        raise Problem(403, "forbidden", "This is not for you", f"the role {STAFF} is needed")
    return caller


@router.post(
    "/users/signing-keys",
    status_code=201,
    summary="Change the key that signs",
    dependencies=[Depends(_staff)],
)
async def change_key(body: KeyChange, identity: Service) -> KeySet:
    """Makes a new key now, beside the change that happens by itself every month.

    It is announced before it signs, so callers go on. With `withdraw` the older keys end at once,
    as after a leak: all access tokens are refused within five minutes and renewed.
    """
    await identity.ring.turn(now=True, withdraw=body.withdraw)
    return KeySet.model_validate(await identity.key_set())


@router.get("/.well-known/jwks.json", summary="Keys that sign access tokens")
async def key_set(identity: Service, response: Response) -> KeySet:
    """RS256 keys; each is named by its RFC 7638 thumbprint."""
    response.headers["Cache-Control"] = f"public, max-age={KEY_SET_MAX_AGE_S}"
    return KeySet.model_validate(await identity.key_set())
