"""The rules that need no service."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from downspout._accounts import COMMON, variable
from downspout._models import HOOK_VERSION, Account, Link, Provider, Reference, Setting, origin_of
from downspout._plugins import PluginRegistry
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    DownspoutError,
    InvalidURI,
    PluginError,
    Unavailable,
)
from downspout.testing._contract.answers import of_resolving, said_well
from downspout.testing._contract.rules import NotTried, offline, told
from downspout.testing._contract.subject import HOOKS, NoNetwork, Subject, timed
from downspout.testing._contract.watch import Watch

_LARGEST_BATCH = 10_000
_LONGEST_HELP = 160
_SETTING = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SECRET_WORDS = re.compile(r"(^|_)(token|password|passwd|secret|apikey|api_key|passphrase|cookie|pin)$")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


@offline(
    "describes-itself",
    "Its module says what it is: provider = Provider(…).",
    "Give the module one `provider = Provider(name, title=…, settings=…)`; the name is the account in URIs.",
)
def describes_itself(subject: Subject) -> Iterator[str]:
    """Look at the `Provider`."""
    if subject.trouble is not None:
        yield subject.trouble
        return
    provider = getattr(subject.module, "provider", None)
    if not isinstance(provider, Provider):
        yield "the module has no `provider` that is a Provider"
        return
    yield from _described(provider)


def _described(provider: Provider) -> Iterator[str]:
    try:
        if Reference(provider.name, "x").account != provider.name:
            yield f"the name {provider.name!r} is not in lower case"
    except InvalidURI as exc:
        yield f"{exc.message} {exc.hint}"
    if not provider.title.strip() or not provider.title.isprintable() or len(provider.title) > 80:
        yield f"the title {provider.title[:80]!r} is no short line for people"
    if provider.batch_size > _LARGEST_BATCH:
        yield f"a batch_size of {provider.batch_size} is more than any call can hold"
    if provider.hook_version != HOOK_VERSION:
        yield f"hook_version is {provider.hook_version}, and this downspout speaks {HOOK_VERSION}"


@offline(
    "hooks-fit",
    "Its hooks are as hookspecs.py has them, and marked with hookimpl.",
    "Compare names and arguments with downspout.hookspecs; leave out what you do not need, give no defaults.",
)
def hooks_fit(subject: Subject) -> Iterator[str]:
    """Register the plugin as the core does, and look at each function named like a hook."""
    provider = subject.provider
    for name in HOOKS:
        yield from _fits(name, getattr(subject.module, name, None))
    try:
        if provider.hook_version == HOOK_VERSION:
            PluginRegistry([subject.module]).load(provider.name)
    except PluginError as exc:
        yield exc.message


def _fits(name: str, function: Any) -> Iterator[str]:
    if function is None:
        return
    options = getattr(function, "downspout_impl", None)
    if options is None:
        yield f"{name} is not marked with @hookimpl, so nobody calls it"
        return
    if options["wrapper"] or options["hookwrapper"]:
        yield f"{name} is a wrapper; that is for extensions"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield f"{name} is asynchronous; hooks run in threads"
    elif inspect.isgeneratorfunction(function) and not options["wrapper"]:
        yield f"{name} is a generator; a hook returns its answer"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty:
            yield f"{name} gives {parameter.name} a default, which hides it from the core"


@offline(
    "settings-told",
    "Its settings are documented, and what is secret is marked so.",
    "Write one line of help for each: what it is and where people find it. Mark what proves "
    "who is asking with secret=True.",
)
def settings_told(subject: Subject) -> Iterator[str]:
    """Look at each `Setting`."""
    seen: dict[str, str] = {variable("x", each.name): each.name for each in COMMON}
    defaults = subject.provider.defaults({})
    for setting in subject.provider.settings:
        rival = seen.setdefault(variable("x", setting.name), setting.name)
        if rival != setting.name or setting.name in {each.name for each in COMMON}:
            yield f"{setting.name}: is taken by {rival}"
        for breach in (*_named(setting), *_helped(setting), *_defaulted(setting, defaults[setting.name])):
            yield f"{setting.name}: {breach}"
    names = [setting.name for setting in subject.provider.settings]
    for name in {each for each in names if names.count(each) > 1}:
        yield f"{name}: is there twice"
    secret = {setting.name for setting in subject.provider.settings if setting.secret}
    for name in names:
        base = name.removesuffix("_file").removesuffix("_command")
        if base != name and base in secret:
            yield f"{name}: is how the secret {base} is read from elsewhere"


def _named(setting: Setting) -> Iterator[str]:
    if not _SETTING.fullmatch(setting.name):
        yield "the name is not of lower-case words joined by _"
    if _SECRET_WORDS.search(setting.name) and not setting.secret:
        yield "is called like a secret and not marked as one"


def _helped(setting: Setting) -> Iterator[str]:
    words = setting.help.strip()
    if not words.isprintable() or len(words) > _LONGEST_HELP:
        yield f"the help is no line of at most {_LONGEST_HELP} characters"
    if len(words) < 8 or words.lower().replace(" ", "_") == setting.name:
        yield "the help says no more than the name"


def _defaulted(setting: Setting, default: object) -> Iterator[str]:
    if default is None:
        return
    if setting.secret:
        yield "is secret and has a default, which everybody knows"
    if setting.required:
        yield "is required and has a default"
    if not isinstance(default, str | int | float | bool):
        yield f"the default is a {type(default).__name__}, which no configuration can write"
    elif setting.name == "endpoint" or setting.name.endswith("_endpoint"):
        try:
            if not origin_of(str(default)).startswith("https://"):
                yield "the default is not https"
        except InvalidURI as exc:
            yield exc.message


@offline(
    "entry-points",
    "Its entry points lead to it, by its own name and for hosts of its own.",
    "Name the entry point in downspout.providers as the Provider; claim whole hosts or *.host, no public suffix.",
)
def entry_points(subject: Subject) -> Iterator[str]:
    """Look at what the distribution offers."""
    entry, provider = subject.entry, subject.provider
    if entry is None:
        raise NotTried("It is not installed: no entry point leads to it.")
    if entry.name != provider.name:
        yield f"the entry point is called {entry.name}, the provider {provider.name}"
    owners = {each.distribution for each in subject.installed.providers if each.name == provider.name}
    if len(owners) > 1:
        yield f"{', '.join(sorted(map(str, owners)))} offer it, so none of them is used"
    for host in subject.installed.hosts:
        if host.module != entry.module:
            continue
        if not _HOST.fullmatch(host.name.lower()) or (host.name.startswith("*.") and host.name.count(".") < 2):
            yield f"claims {host.name!r}, which is no host"


@offline(
    "leaves-others-alone",
    "It answers None for accounts of other providers, and asks nobody about them.",
    "Begin each hook with `if account.provider != provider.name: return None`.",
)
def leaves_others_alone(subject: Subject) -> Iterator[str]:
    """Ask about an account of somebody else's."""
    other = Account("others", f"not-{subject.provider.name}", {"endpoint": "https://service.invalid"})
    reference = Reference("others", "document")
    for name in HOOKS:
        hook, network = subject.hook(name), NoNetwork()
        if hook is None:
            continue
        try:
            answer = timed(hook)(**_arguments(other, reference, network))
        except Exception as exc:
            yield f"{name} raises {told(exc)}"
        else:
            if answer is not None:
                yield f"{name} answers a {type(answer).__name__}"
        if network.asked:
            yield f"{name} goes to the network"


def _arguments(account: Account, reference: Reference, network: NoNetwork) -> dict[str, object]:
    link = Link(reference, "https://service.invalid/document")
    place = {"link": link, "start": 0, "stop": None, "etag": None}
    asking = {"refused": None, "interaction": None, "references": (reference,), "credential": None}
    return {"account": account, "http": network, **place, **asking}


STRANGE_DOCUMENTS = (
    "/",
    "//",
    ".",
    "..",
    "../../etc/passwd",
    "a/b/c/d",
    "/a//b/",
    " ",
    "\t\r\nX-Evil: 1",
    "\x00",
    "\x1b[31mred",
    "\u202egnp.exe",
    "0",
    "-1",
    "9" * 400,
    "x" * 100_000,
    "*",
    "%",
    "%2e%2e/",
    "?",
    "#",
    "a=b&c=d",
    "'; DROP TABLE documents; --",
    "{}",
    "文書/资料",
    "e\u0301",
    "🪣",
    "https://service.invalid/document?signature=abc",
    "http://[::1/",
)


@offline(
    "bears-any-text",
    "Any text may stand for a document: it is escaped, or refused by an error of ours.",
    "Quote what you put into URLs, look at the form of identifiers, and return InvalidURI or NotFound as a value.",
)
def bears_any_text(subject: Subject) -> Iterator[str]:
    """Ask about strange documents, with and without options, without a network."""
    hook = timed(subject.needed_hook("resolve_link"))
    account = subject.account(endpoint="https://service.invalid")
    for document in STRANGE_DOCUMENTS:
        for options in ({}, {"\x00": "\x00"}, {"part": document, "version": document}):
            reference = Reference(account.name, document, options)
            answered = of_resolving(hook, account, [reference], None, NoNetwork())
            yield from (f"{document[:20]!r}: {breach}" for breach in answered.breaches)
            if isinstance(answered.raised, TimeoutError):
                return


@offline(
    "asks-nobody",
    "Without an interaction it prompts nobody, whatever is missing.",
    "Where interaction is None raise AuthenticationError with a hint instead of asking, "
    "opening a browser or waiting.",
)
def asks_nobody(subject: Subject) -> Iterator[str]:
    """Sign in with nothing, and with nobody there, and no network."""
    hook = timed(subject.needed_hook("authenticate"))
    watch, account = Watch(), subject.account()
    for settings in ({}, {"endpoint": "https://service.invalid"}):
        arguments = {"account": subject.account(**settings), "refused": None, "interaction": None}
        with watch.watching():
            try:
                hook(**arguments, http=NoNetwork())
            except (AuthenticationError, ConfigurationError, Unavailable) as exc:
                yield from said_well(exc)
            except DownspoutError as exc:
                yield f"raises {type(exc).__name__} where a setting is missing"
            except Exception as exc:
                yield f"raises {told(exc)} where a setting is missing ({account.name})"
    yield from watch.seen("prompt")
    if watch.output.getvalue():
        yield "writes to standard output or standard error"
