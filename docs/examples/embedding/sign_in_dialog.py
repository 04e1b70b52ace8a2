"""An application with a sign-in dialog of its own, here a page that is served to the browser of this machine.

    python sign_in_dialog.py ACCOUNT URI FOLDER

`Client.login` runs in a thread and asks through `Dialog`; whatever the application has for a user interface takes
the question, shows it, and answers. Closing the dialog ends the sign-in.
"""

import html
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

from downspout import Client
from downspout.errors import Cancelled, DownspoutError


class Question:
    """Something that the user is asked, and where the answer goes."""

    def __init__(self, label: str, options: Sequence[str] = (), hidden: bool = False) -> None:
        self.label, self.options, self.hidden = label, options, hidden
        self.answer: SimpleQueue[str | None] = SimpleQueue()


class Dialog:
    """Implements `downspout.Interaction`: whoever signs in asks, in a thread, and waits."""

    def __init__(self) -> None:
        self.questions: SimpleQueue[Question | None] = SimpleQueue()
        self.said: list[str] = []

    def ask(self, label: str) -> str:
        return self.put(Question(label))

    def secret(self, label: str) -> str:
        return self.put(Question(label, hidden=True))

    def choose(self, label: str, options: Sequence[str]) -> int:
        return int(self.put(Question(label, options)))

    def tell(self, text: str) -> None:
        self.said.append(text)

    def put(self, question: Question) -> str:
        self.questions.put(question)
        answer = question.answer.get()
        if answer is None:
            raise Cancelled("The dialog was closed.")
        return answer

    def sign_in(self, client: Client, account: str) -> list[DownspoutError]:
        """Sign in, in a thread; the last thing on `questions` is `None`. Returns where the error will be."""
        failures: list[DownspoutError] = []

        def run() -> None:
            try:
                client.login(account, self)
            except DownspoutError as error:
                failures.append(error)
            self.questions.put(None)

        threading.Thread(target=run, daemon=True).start()
        return failures


class Page:
    """The dialog as a web page, one question at a time, for one user on this machine."""

    def __init__(self, dialog: Dialog) -> None:
        self.dialog = dialog
        self.question = dialog.questions.get()

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST" and self.question is not None:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            given = parse_qs(body.decode(), keep_blank_values=True)
            self.question.answer.put(None if "close" in given else given["answer"][0])
            self.question = self.dialog.questions.get()
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")])
        return [self.html().encode()]

    def html(self) -> str:
        said = "".join(f"<p>{html.escape(text)}</p>" for text in self.dialog.said)
        question = self.question
        if question is None:
            return f"<!doctype html>{said}<p>You can close this page.</p>"
        if question.options:
            choices = enumerate(map(html.escape, question.options))
            field = "".join(f'<button name="answer" value="{number}">{text}</button>' for number, text in choices)
        else:
            kind = "password" if question.hidden else "text"
            field = f'<input name="answer" type="{kind}" autofocus autocomplete="off"><button>Go on</button>'
        return (
            f'<!doctype html>{said}<form method="post"><p>{html.escape(question.label)}</p>{field}</form>'
            '<form method="post"><button name="close" value="1">Cancel</button></form>'
        )


class Quiet(WSGIRequestHandler):
    """Serves without a word on standard error."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(account: str, uri: str, folder: str) -> int:
    """Sign in, then bring a document down."""
    with Client.from_user_config() as client:
        dialog = Dialog()
        failures = dialog.sign_in(client, account)
        page = Page(dialog)
        with make_server("127.0.0.1", 0, page, handler_class=Quiet) as server:
            print(f"Sign in at http://127.0.0.1:{server.server_port}/", flush=True)
            while page.question is not None:
                server.handle_request()
        if failures:
            print(failures[0].message, failures[0].hint or "", file=sys.stderr)
            return 1
        print(client.download(uri, folder).path)
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
