"""The yardstick: a bare anyio + h11 server that reads a request and sends fixed bytes, one write a response.

Run as ``python bare.py RESPONSE_FILE``: the file holds a whole HTTP response; its headers go through h11 each
time, as they do in Reflex. Prints its port.
"""

import sys
from pathlib import Path

import anyio
import anyio.abc
import h11


def read_response(raw: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    return int(status_line.split(b" ")[1]), headers, body


async def main(raw: bytes) -> None:
    status, headers, body = read_response(raw)

    async def serve(stream: anyio.abc.SocketStream) -> None:
        connection = h11.Connection(h11.SERVER)
        async with stream:
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    try:
                        connection.receive_data(await stream.receive())
                    except (anyio.EndOfStream, anyio.BrokenResourceError):
                        return
                elif isinstance(event, h11.EndOfMessage):
                    parts = (
                        connection.send(h11.Response(status_code=status, headers=headers)),
                        connection.send(h11.Data(data=body)),
                        connection.send(h11.EndOfMessage()),
                    )
                    await stream.send(b"".join(part or b"" for part in parts))
                    connection.start_next_cycle()
                elif isinstance(event, h11.ConnectionClosed):
                    return

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    print(listener.extra(anyio.abc.SocketAttribute.local_port), flush=True)
    await listener.serve(serve)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]).read_bytes())
