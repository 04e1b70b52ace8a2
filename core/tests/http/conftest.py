"""Servers that the lying one is too honest for."""

import contextlib
import socket
import threading

import pytest


@contextlib.contextmanager
def _dripping(at_once, slowly):
    def serve():
        with contextlib.suppress(OSError), listener.accept()[0] as sock:
            sock.recv(65536)
            sock.sendall(at_once)
            while not stop.wait(0.05):
                sock.send(slowly)

    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        stop.set()
        thread.join()


@pytest.fixture
def dripping():
    """A server that sends some bytes at once and one after the other then, whatever part of an answer that is."""
    return _dripping
