"""Programs that know one address and no login of a broker or store are served as they are."""

from __future__ import annotations

import sys

import pytest
from sandbox import PORT, Sandbox

from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.run.local.host import offers

KINDS = registry.load(stores, "STORE")
PROGRAM = f"""
import asyncio, http.server, os

async def over_nats(port):
    import nats
    client = await nats.connect(f"nats://127.0.0.1:{{port}}")
    heard = await client.subscribe("orders")
    await client.publish("orders", b"1")
    said = (await heard.next_msg(5)).data.decode()
    await client.close()
    return said

async def over_kafka(port):
    import aiokafka
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{{port}}")
    await producer.start()
    try:
        sent = await producer.send_and_wait("orders", b"1")
    finally:
        await producer.stop()
    return str(sent.offset + 1)

async def over_mongodb(port):
    from tarmac.catalog.stores.protocols.bson import message
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message({{"insert": "notes", "documents": [{{"a": 1}}], "$db": "notes"}}))
    said = await reader.read(4096)
    writer.close()
    return "1" if b"errmsg" not in said else said.decode(errors="replace")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = asyncio.run(globals()["over_" + os.environ["KIND"]]({PORT + 1})).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      web:
        run: [{sys.executable}, server.py]
        port: {PORT}
        env: {{KIND: KIND_OF_IT, ADDRESS: "${{ROOT.address}}", URL: "${{ROOT.url}}"}}
    PLACE{{kind: KIND_OF_IT, PROVIDER passwordless: true, local: {{port: {PORT + 1}}}}}
    """

pytestmark = pytest.mark.servers


def system_of(kind: str, provider: str) -> str:
    place, root = ("stores: {db: ", "stores.db") if kind == "mongodb" else ("broker: ", "broker")
    text = SYSTEM.replace("KIND_OF_IT", kind).replace("ROOT", root).replace("PLACE", place)
    text = text.replace("PROVIDER", f"provider: {provider}," if provider else "")
    return text.replace("}}\n", "}}}\n") if kind == "mongodb" else text


@pytest.mark.parametrize(
    ("kind", "provider"), [("nats", ""), ("kafka", ""), ("mongodb", ""), ("mongodb", "ferretdb")]
)
def test_a_program_that_gives_no_login_reaches_its_server_through_its_wire(
    sandbox: Sandbox, kind: str, provider: str
):
    if offers.find(KINDS[kind], asked_provider=provider or None) is None:
        pytest.skip(f"no server of {kind} is here")
    (sandbox.folder / "server.py").write_text(PROGRAM)
    sandbox.write(system_of(kind, provider))
    sandbox.up()
    assert sandbox.get("web") == "1"
    assert "connections" in sandbox.tarmac("edges", "--json").stdout
