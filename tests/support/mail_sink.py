"""A stand-in for Mailpit: takes every letter at port 1025, and says at port 8025 that it is ready.

It needs nothing but Python's own library, and runs in an image of its own (kube_images.py).
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter

OFFERS = b"250-mail\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"
ANSWERS = {
    b"EHLO": OFFERS,
    b"HELO": b"250 mail\r\n",
    b"AUTH": b"235 welcome\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}


async def take(reader: StreamReader, writer: StreamWriter) -> None:
    """Speak SMTP (RFC 5321) with a client that sends whole commands."""
    writer.write(b"220 mail\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"AUTH" and len(line.split()) == 2:  # name and password follow, a line each
            for asked in (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"):
                writer.write(asked)
                await reader.readline()
        writer.write(ANSWERS.get(verb, b"250 done\r\n"))
        if verb == b"DATA":
            while await reader.readline() not in (b".\r\n", b""):
                pass
            writer.write(b"250 taken\r\n")
        if verb == b"QUIT":
            break
    writer.close()


async def answer(reader: StreamReader, writer: StreamWriter) -> None:
    """Answer a request, whatever it is."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def main() -> None:
    """Serve until it is killed."""
    await asyncio.start_server(answer, port=8025)
    letters = await asyncio.start_server(take, port=1025)
    await letters.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
