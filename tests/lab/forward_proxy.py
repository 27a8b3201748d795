"""A forward proxy for HTTP that prints whom it was asked for: `python forward_proxy.py PORT`."""

import asyncio
import sys
from urllib.parse import urlsplit


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass  # who asked, or who was asked, is gone
    finally:
        sink.close()


async def _lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, OSError):
        writer.close()
        return
    line, *fields = head.decode("latin-1").split("\r\n")
    method, target, version = line.split(" ")
    parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
    print(method, parts.hostname, flush=True)
    try:
        there, back = await asyncio.open_connection(parts.hostname, parts.port or 80)
    except OSError:
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        return
    if method == "CONNECT":
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    else:
        # One request a connection: the next one may be for somebody else.
        path = target.partition("//")[2].partition("/")[2]
        kept = [each for each in fields if not each.lower().startswith(("connection:", "proxy-connection:"))]
        request = [f"{method} /{path} {version}", "Connection: close", *kept]
        back.write("\r\n".join(request).encode("latin-1"))
    await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_lead, port=port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
