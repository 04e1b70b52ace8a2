"""A server that sleeps before each answer: `sleepy.py PORT SIZE SECONDS`."""

import asyncio
import sys


async def _serve(port: int, size: int, seconds: float) -> None:
    body = bytes(size)
    head = f'HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nETag: "bench"\r\nAccept-Ranges: bytes\r\n\r\n'.encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(seconds)
                writer.write(head + body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
