"""Front: greets people by the name that the other server knows."""

from __future__ import annotations

import os
import signal
from concurrent import futures

import grpc

names = grpc.insecure_channel(os.environ["NAMES_ADDR"]).unary_unary(
    "/Names/Call",
    request_serializer=lambda text: text.encode(),
    response_deserializer=lambda data: data.decode(),
)


def greet(request: str, context: grpc.ServicerContext) -> str:
    """Greet a person by number."""
    try:
        return f"Hello, {names(request, timeout=10)}"
    except grpc.RpcError as error:
        context.abort(error.code(), error.details())


handler = grpc.unary_unary_rpc_method_handler(
    greet,
    request_deserializer=lambda data: data.decode(),
    response_serializer=lambda text: text.encode(),
)
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("Front", {"Greet": handler})])
server.add_insecure_port(f"127.0.0.1:{os.environ['PORT']}")
server.start()
signal.signal(signal.SIGTERM, lambda *_: server.stop(2))
print("listening", flush=True)
server.wait_for_termination()
