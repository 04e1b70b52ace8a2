"""Shelf, emulated on loopback: as much of it as the plugin meets."""

import secrets

from downspout.testing import Answer, Document, FakeService

PASSWORD = "open sesame 7"
TEXTS = {str(number): f"Paper {number}.\n".encode() * 500 * number for number in range(1, 60)}
FORBIDDEN = "13"


class Emulator(FakeService):
    """The service, with its papers, and one shelf of them on several pages."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()
        for number, text in TEXTS.items():
            self.documents[f"/files/{number}"] = Document(text, name=f"paper {number}.txt", links_only=True)
        self.post("/v1/sign-in")(self.sign_in)
        self.post("/v1/links")(self.links)
        self.get("/v1/shelves/{name}")(self.page)

    def sign_in(self, request):
        """Give a token for the right name and password."""
        if request.json() != {"name": "jo", "password": PASSWORD}:
            return Answer.json({"error": "who are you"}, 401)
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return {"token": token, "seconds": 900}

    def links(self, request):
        """Give links for at most 20 papers."""
        if not self.knows(request):
            return Answer.json({"error": "sign in"}, 401)
        ids = request.json()["ids"]
        if len(ids) > 20:
            return Answer.json({"error": "too many"}, 400)
        return {"papers": [self.paper(number, with_link=True) for number in ids]}

    def page(self, request, name):
        """List ten papers of a shelf."""
        if not self.knows(request):
            return Answer.json({"error": "sign in"}, 401)
        if name != "poetry":
            return Answer.json({"error": "no such shelf"}, 404)
        page = int(request.params.get("page", "1"))
        numbers = [number for number in TEXTS if number != FORBIDDEN][10 * (page - 1) : 10 * page]
        return {"papers": [self.paper(number) for number in numbers], "next": page + 1 if page < 3 else None}

    def paper(self, number, with_link=False):
        """Describe a paper."""
        if number not in TEXTS:
            return {"id": number, "error": "not-found"}
        if number == FORBIDDEN:
            return {"id": number, "error": "forbidden"}
        document = self.documents[f"/files/{number}"]
        said = {"id": number, "title": f"Paper {number}", "size": document.size, "revision": 3}
        if with_link:
            said |= {"sha256": document.sha256(), "url": self.link(f"/files/{number}", status=409), "seconds": 60}
        return said

    def knows(self, request):
        """Tell whether a request carries a token that holds."""
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens
