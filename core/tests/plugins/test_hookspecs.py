"""The three questions, and the help for answering one at a time."""

import inspect

import pluggy
import pytest

from downspout import Account, Folder, Link, Reference, hookimpl, hookspecs, one_by_one
from downspout.errors import AuthenticationError, NotFound

ACCOUNT = Account("svc", "svc")
REFERENCES = [Reference("svc", name) for name in ("a", "gone", "folder")]


def resolve(account, reference, credential, http):
    """Look for one."""
    if reference.document == "gone":
        raise NotFound("Gone.")
    if reference.document == "secret":
        raise AuthenticationError("Who are you?")
    if reference.document == "odd":
        raise ValueError("odd")
    if reference.document == "other":
        return None
    return Folder(()) if reference.document == "folder" else Link(reference, "https://h.example/")


def asked(*documents):
    references = [Reference("svc", document) for document in documents]
    return one_by_one(resolve)(ACCOUNT, references, None, None)


def test_one_by_one_makes_the_plural_of_a_function():
    link, error, folder = asked("a", "gone", "folder")
    assert link.reference == REFERENCES[0]
    assert isinstance(error, NotFound)
    assert isinstance(folder, Folder)
    assert asked() == []


def test_an_authentication_error_goes_up_because_it_concerns_all():
    with pytest.raises(AuthenticationError):
        asked("a", "secret")


def test_what_is_no_answer_goes_up_or_is_not_mine():
    with pytest.raises(ValueError, match="odd"):
        asked("odd")
    assert asked("a", "other") is None


def test_one_by_one_has_the_signature_of_the_hook_and_the_words_of_the_function():
    made = one_by_one(resolve)
    assert list(inspect.signature(made).parameters) == ["account", "references", "credential", "http"]
    assert (made.__doc__, made.__module__) == ("Look for one.", __name__)


def test_every_hook_is_a_first_result_one_with_typed_arguments():
    manager = pluggy.PluginManager("downspout")
    manager.add_hookspecs(hookspecs)
    names = {name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "downspout_spec")}
    assert names == {"authenticate", "resolve_link", "open_stream"} <= set(hookspecs.__all__)
    for name in names:
        function = getattr(hookspecs, name)
        assert function.downspout_spec["firstresult"]
        parameters = inspect.signature(function).parameters.values()
        assert all(parameter.annotation is not parameter.empty for parameter in parameters)
        assert all(parameter.default is parameter.empty for parameter in parameters)
        assert "Raises:" in function.__doc__
        assert "What does not hold:" in function.__doc__


def test_hookimpl_marks_with_and_without_brackets():
    def function():
        return None

    assert hookimpl(function).downspout_impl["wrapper"] is False
    marked = hookimpl(wrapper=True, tryfirst=True, trylast=False)(function)
    assert (marked.downspout_impl["wrapper"], marked.downspout_impl["tryfirst"]) == (True, True)
