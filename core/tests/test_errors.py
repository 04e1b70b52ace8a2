"""The failures: one class per reaction, one sentence each, no secret in any."""

import copy
import inspect
import pickle

import pytest

from downspout import errors
from downspout.errors import (
    AuthenticationError,
    DownspoutError,
    InvalidURI,
    LinkRefused,
    NotFound,
    PermissionDenied,
    RateLimited,
    StorageError,
    Unavailable,
)

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "DownspoutError"]
KINDS = {
    "invalid-uri",
    "no-provider",
    "configuration",
    "authentication",
    "permission",
    "not-found",
    "rate-limited",
    "unavailable",
    "integrity",
    "exists",
    "storage",
    "protocol",
    "plugin",
    "cancelled",
}


def test_the_kinds_are_those_of_the_command():
    assert {cls.kind for cls in CLASSES} == KINDS


def test_the_tree_is_drawn_where_it_grows():
    drawn = errors.__doc__
    assert not [cls.__name__ for cls in CLASSES if f"── {cls.__name__} " not in drawn]


def test_only_what_may_pass_is_retried():
    assert {cls.__name__ for cls in CLASSES if cls.retryable} == {"LinkRefused", "RateLimited", "Unavailable"}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_failure_has_a_message_and_a_hint_without_what_signs_urls(cls):
    error = cls("https://h/p?sig=s3cret failed.", hint="Ask https://jo:pw@h/?token=s3cret again.")
    assert isinstance(error, DownspoutError)
    assert error.message == str(error) == "https://h/p?sig=… failed."
    assert error.hint == "Ask https://…@h/?token=… again."
    assert cls("x.").hint is None
    assert inspect.getdoc(cls)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_failure_travels_between_processes_with_all_it_says(cls):
    error = cls("It failed.", hint="Wait.")
    if cls in {RateLimited, Unavailable}:
        error = cls("It failed.", hint="Wait.", retry_after=7.5)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is cls
        assert (twin.message, twin.hint, str(twin), vars(twin)) == (
            "It failed.",
            "Wait.",
            "It failed.",
            vars(error),
        )


def test_an_invalid_uri_is_a_value_error_too():
    assert issubclass(InvalidURI, ValueError)


def test_a_refused_link_is_in_the_end_what_its_cause_was():
    assert type(LinkRefused("No.").settle()) is PermissionDenied
    settled = LinkRefused("No.", hint="Ask.", final=NotFound).settle()
    assert (type(settled), settled.message, settled.hint) == (NotFound, "No.", "Ask.")
    assert (
        type(pickle.loads(pickle.dumps(LinkRefused("No.", final=AuthenticationError))).settle())
        is AuthenticationError
    )


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device"), "No space left on device while writing a.txt."),
        (OSError(), "OSError"),
    ],
)
def test_trouble_with_the_disk_says_what_was_being_done(error, says):
    told = StorageError.from_os("writing a.txt", error)
    assert told.message.startswith(says)
    assert told.hint
