"""`python -m bench.served.bare PORT`: the handler on FastAPI, uvicorn set as the kit sets it."""

from __future__ import annotations

import gc
import sys

import uvicorn
from bench.served.app import build_router
from fastapi import FastAPI


def main() -> None:
    """Serve until a signal: no log line, no metric, no trace."""
    app = FastAPI(redoc_url=None)
    app.include_router(build_router())
    gc.freeze()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        backlog=2048,
    )


if __name__ == "__main__":
    main()
