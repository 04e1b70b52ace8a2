"""The benchmark's small documents: links by the hundred, each hundred for one request."""

from downspout import Link, Provider, hookimpl

ADDRESS = "http://documents.example"
SIZE = 0
provider = Provider(name="benchmark", title="the documents of the benchmark", batch_size=100)


@hookimpl
def resolve_link(references, http):
    """Ask once, and answer for all."""
    http.request("GET", f"{ADDRESS}/answer.json").json()
    return [Link(each, f"{ADDRESS}/s/{each.document}", name=each.document, size=SIZE) for each in references]
