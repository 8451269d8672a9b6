"""A program that knows one address and one login of its database is served as it is."""

from __future__ import annotations

import socket
import sys

import pytest
from sandbox import PORT, Sandbox

PROGRAM = f"""
import asyncio, http.server, os, asyncpg

async def asked():
    address = "postgresql://postgres:12345@localhost:{PORT + 1}/notes"
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS pages (x int)")
        await connection.execute("INSERT INTO pages VALUES (1)")
        return str(await connection.fetchval("SELECT count(*) FROM pages"))
    finally:
        await connection.close()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = asyncio.run(asked()).encode()
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
      web: {{run: [{sys.executable}, server.py], port: {PORT}, stores: {{db: db}}}}
    stores:
      db: {{kind: postgres, database: notes, local: {{port: {PORT + 1}, LOGIN}}}}
    """

pytestmark = pytest.mark.servers


@pytest.fixture
def knowing(sandbox: Sandbox) -> Sandbox:
    (sandbox.folder / "server.py").write_text(PROGRAM)
    sandbox.write(SYSTEM.replace("LOGIN", "user: postgres, password: 12345"))
    return sandbox


def test_a_program_that_reads_no_variable_reaches_its_database_through_its_wire(knowing):
    knowing.up("--fast-stores")
    assert [knowing.get("web"), knowing.get("web")] == ["1", "2"]
    assert "connections" in knowing.tarmac("edges", "--json").stdout
    knowing.tarmac("down")
    knowing.up()
    assert knowing.get("web") == "3"


def test_where_another_program_listens_there_nothing_starts_and_the_message_says_why(knowing):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of the test before
        other.bind(("127.0.0.1", PORT + 1))
        other.listen()
        refused = knowing.tarmac("up", "-d")
    assert refused.returncode == 1
    assert f"db: port {PORT + 1} is taken by pid" in refused.stderr
    assert "remove `port` from `local` of db" in refused.stderr


def test_another_login_of_the_administrator_is_refused_while_there_is_data(knowing):
    knowing.up("--fast-stores")
    knowing.tarmac("down")
    knowing.write(SYSTEM.replace("LOGIN", "user: postgres, password: other"))
    refused = knowing.tarmac("up", "-d")
    assert refused.returncode == 1
    assert "`tarmac reset db` begins without" in refused.stderr
