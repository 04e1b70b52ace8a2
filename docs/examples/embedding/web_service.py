"""Hand documents on to the users of a web service, without a file in between.

    python web_service.py PORT NAME=URI…

`GET /NAME` streams a document. A block is read when the server has sent the one before it, so a slow user slows
the service down and nothing piles up; when a user leaves, the server closes the answer, and that closes the
document. Users choose among names here. Where they may give URIs, let their client have no accounts but theirs.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from socketserver import ThreadingMixIn
from urllib.parse import quote, unquote
from wsgiref.simple_server import WSGIServer, make_server
from wsgiref.util import FileWrapper

from downspout import Client
from downspout.errors import DownspoutError, NotFound, PermissionDenied, RateLimited, Unavailable

BLOCK = 128 * 1024
ANSWERS = [
    (NotFound, HTTPStatus.NOT_FOUND),
    (PermissionDenied, HTTPStatus.FORBIDDEN),
    (RateLimited, HTTPStatus.SERVICE_UNAVAILABLE),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (DownspoutError, HTTPStatus.BAD_GATEWAY),
]


class Documents:
    """A WSGI application; one client serves all its threads.

    Args:
        client: brings the documents.
        uris: what there is, by name.
    """

    def __init__(self, client: Client, uris: Mapping[str, str]) -> None:
        self.client, self.uris = client, uris

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        """Answer one request."""
        uri = self.uris.get(unquote(environ.get("PATH_INFO", "")).strip("/"))
        if uri is None:
            return self.refuse(HTTPStatus.NOT_FOUND, start_response)
        try:
            document = self.client.open(uri)
        except DownspoutError as error:
            status = next(status for kind, status in ANSWERS if isinstance(error, kind))
            return self.refuse(status, start_response)
        headers = [
            ("Content-Type", "application/octet-stream"),
            ("Content-Disposition", f"attachment; filename*=UTF-8''{quote(document.name or 'document', safe='')}"),
        ]
        if document.size is not None:
            headers.append(("Content-Length", str(document.size)))
        start_response("200 OK", headers)
        return FileWrapper(document, BLOCK)  # closed by the server, whatever happens

    def refuse(self, status: HTTPStatus, start_response: Callable) -> Iterable[bytes]:
        """Say no; the reason is for our log, not for strangers."""
        text = f"{status.phrase}.\n".encode()
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain")])
        return [text]


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection."""

    daemon_threads = True


def main(port: int, uris: Mapping[str, str]) -> None:
    """Serve until interrupted."""
    client = Client.from_user_config()
    with client, make_server("127.0.0.1", port, Documents(client, uris), server_class=Server) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), dict(pair.split("=", 1) for pair in sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
