"""Names: a gRPC server that knows what a person is called; its messages are plain text."""

from __future__ import annotations

import os
import signal
from concurrent import futures

import grpc

NAMES = {"1": "Ada", "2": "Grace"}


def call(request: str, context: grpc.ServicerContext) -> str:
    """Look a name up."""
    if request not in NAMES:
        context.abort(grpc.StatusCode.NOT_FOUND, f"nobody is number {request}")
    return NAMES[request]


handler = grpc.unary_unary_rpc_method_handler(
    call,
    request_deserializer=lambda data: data.decode(),
    response_serializer=lambda text: text.encode(),
)
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("Names", {"Call": handler})])
server.add_insecure_port(f"127.0.0.1:{os.environ['PORT']}")
server.start()
signal.signal(signal.SIGTERM, lambda *_: server.stop(2))
print("listening", flush=True)
server.wait_for_termination()
