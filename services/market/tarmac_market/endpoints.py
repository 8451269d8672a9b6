"""The market's routes. Built by `app.mount` around a Market and its streams; decides nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from starlette.responses import StreamingResponse

from tarmac_kit import require_role
from tarmac_market.domain import Instrument
from tarmac_market.schemas import (
    SYMBOL,
    HistoryOut,
    InstrumentIn,
    InstrumentOut,
    InstrumentsOut,
    PointOut,
    QuoteOut,
    QuotesOut,
)
from tarmac_market.service import Market
from tarmac_market.stream import Streams

_STAFF = [Depends(require_role("staff"))]
#: What proxies must know of a stream: that it is not to be kept, changed or gathered.
_STREAM_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}

SymbolInPath = Annotated[str, Path(pattern=SYMBOL, examples=["TARM"])]
Symbols = Annotated[
    str,
    Query(
        max_length=600,
        pattern=r"^[A-Z0-9,]*$",
        description="Separated by commas; all when there are none.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=1000)]
Step = Annotated[int, Query(ge=1, le=86_400, description="Ticks from one price to the next.")]
Before = Annotated[int | None, Query(ge=0, le=1 << 40, description="A tick.")]
Ticks = Annotated[
    int | None, Query(ge=1, le=100_000, description="End after so many; never when absent.")
]
LastEventId = Annotated[
    str | None, Header(max_length=40, description="The tick that the reader had last.")
]


def build_router(market: Market, streams: Streams) -> APIRouter:
    """Build the routes over `market`."""
    router = APIRouter(prefix="/market", tags=["market"])

    @router.get("/instruments")
    async def list_instruments() -> InstrumentsOut:
        """List what can be traded, and what it costs now."""
        tick = market.tick()
        found = await market.instruments()
        return InstrumentsOut(items=[_shown(market, instrument, tick) for instrument in found])

    @router.post("/instruments", status_code=201, dependencies=_STAFF)
    async def list_an_instrument(body: InstrumentIn, response: Response) -> InstrumentOut:
        """List an instrument; it is quoted everywhere from the next question on (staff)."""
        new = Instrument(**body.model_dump())
        await market.add(new)
        response.headers["Location"] = f"/market/quotes/{new.symbol}"
        return _shown(market, new, market.tick())

    @router.get("/quotes")
    async def show_quotes(symbols: Symbols = "") -> QuotesOut:
        """Show what several instruments cost now."""
        tick = market.tick()
        chosen = await market.chosen(_split(symbols))
        return QuotesOut(
            items=[QuoteOut.model_validate(market.quote(instrument, tick)) for instrument in chosen]
        )

    @router.get("/quotes/{symbol}")
    async def show_quote(symbol: SymbolInPath) -> QuoteOut:
        """Show what an instrument costs now."""
        return QuoteOut.model_validate(market.quote(await market.instrument(symbol)))

    @router.get("/quotes/{symbol}/history")
    async def show_history(
        symbol: SymbolInPath, limit: Limit = 60, step: Step = 1, before: Before = None
    ) -> HistoryOut:
        """Show what an instrument cost before, oldest first."""
        instrument = await market.instrument(symbol)
        found = market.history(instrument, limit=limit, step=step, before=before)
        return HistoryOut(
            symbol=instrument.symbol,
            currency=instrument.currency,
            items=[PointOut.model_validate(quote) for quote in found],
        )

    @router.get(
        "/stream",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def stream_quotes(
        symbols: Symbols = "", ticks: Ticks = None, last_event_id: LastEventId = None
    ) -> StreamingResponse:
        """Stream quotes as events `quote`, each tick as it comes; `Last-Event-ID` goes on."""
        chosen = await market.chosen(_split(symbols))
        return StreamingResponse(
            streams.start(chosen, after=_tick(last_event_id), ticks=ticks),
            media_type="text/event-stream",
            headers=_STREAM_HEADERS,
        )

    return router


def _split(symbols: str) -> list[str]:
    return [symbol for symbol in symbols.split(",") if symbol]


def _tick(text: str | None) -> int | None:
    """Read an id that a stream gave out; whatever else a reader sends counts as none."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _shown(market: Market, instrument: Instrument, tick: int) -> InstrumentOut:
    quote = market.quote(instrument, tick)
    return InstrumentOut(
        symbol=instrument.symbol,
        name=instrument.name,
        currency=instrument.currency,
        price_minor=quote.price_minor,
        open_minor=quote.open_minor,
        at=quote.at,
    )
