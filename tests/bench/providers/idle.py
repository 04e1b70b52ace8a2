"""A provider that is installed, and perhaps used."""

from downspout import Link, Provider, hookimpl

provider = Provider(name="NAME", title="nothing much")


@hookimpl
def resolve_link(references):
    """Every name has a document."""
    return [Link(each, f"https://documents.example/{each.document}") for each in references]
