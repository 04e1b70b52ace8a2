"""What authors of plugins and applications test with: the contract, and a server that lies in every way.

Names come when asked for: importing this loads neither pytest nor a server.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from downspout.testing._answer import Answer, Chunks, Ending, Wire
    from downspout.testing._answer_faults import (
        FlippedByte,
        LinkDeath,
        OtherBody,
        Redirect,
        Replacement,
        SignInPage,
        Status,
        StatusOnly,
        Throttle,
    )
    from downspout.testing._body_faults import (
        Chunked,
        ChunkedBadSize,
        ChunkedCut,
        CloseDelimited,
        ContentCoding,
        Gzip,
        Lengths,
        WrongLength,
    )
    from downspout.testing._catalogue import every_fault
    from downspout.testing._connection_faults import (
        BadCertificate,
        ConnectionFault,
        HangUp,
        PlainText,
        SlowAccept,
    )
    from downspout.testing._content import Content, FileContent, Pattern, Virtual
    from downspout.testing._document import Document
    from downspout.testing._fault import Fault, Stage, Together
    from downspout.testing._flow_faults import Cut, Delay, Drip, HeaderDrip, Silence, Stall
    from downspout.testing._head_faults import (
        Disposition,
        EmptyReply,
        EndlessHeaders,
        Garbage,
        Header,
        HeaderBytes,
        Interim,
        LongHeader,
        ManyHeaders,
        StatusLine,
    )
    from downspout.testing._message import Headers, Request
    from downspout.testing._range_faults import (
        ContentRange,
        EmptyRange,
        ETag,
        IfRangeIgnored,
        IfRangeRefused,
        MultipartRange,
        RangeIgnored,
        RangeShifted,
        Unsatisfiable,
        WrongTotal,
    )
    from downspout.testing.contract import ProviderContract, Rule, Score, ScoreCard, check_offline
    from downspout.testing.server import FakeService, LyingProxy, LyingServer, ScriptEntry

__all__ = [
    "Answer",
    "BadCertificate",
    "Chunked",
    "ChunkedBadSize",
    "ChunkedCut",
    "Chunks",
    "CloseDelimited",
    "ConnectionFault",
    "Content",
    "ContentCoding",
    "ContentRange",
    "Cut",
    "Delay",
    "Disposition",
    "Document",
    "Drip",
    "ETag",
    "EmptyRange",
    "EmptyReply",
    "Ending",
    "EndlessHeaders",
    "FakeService",
    "Fault",
    "FileContent",
    "FlippedByte",
    "Garbage",
    "Gzip",
    "HangUp",
    "Header",
    "HeaderBytes",
    "HeaderDrip",
    "Headers",
    "IfRangeIgnored",
    "IfRangeRefused",
    "Interim",
    "Lengths",
    "LinkDeath",
    "LongHeader",
    "LyingProxy",
    "LyingServer",
    "ManyHeaders",
    "MultipartRange",
    "OtherBody",
    "Pattern",
    "PlainText",
    "ProviderContract",
    "RangeIgnored",
    "RangeShifted",
    "Redirect",
    "Replacement",
    "Request",
    "Rule",
    "Score",
    "ScoreCard",
    "ScriptEntry",
    "SignInPage",
    "Silence",
    "SlowAccept",
    "Stage",
    "Stall",
    "Status",
    "StatusLine",
    "StatusOnly",
    "Throttle",
    "Together",
    "Unsatisfiable",
    "Virtual",
    "Wire",
    "WrongLength",
    "WrongTotal",
    "check_offline",
    "every_fault",
]

_PLACES = {
    "_answer": "Answer Chunks Ending Wire",
    "_answer_faults": (
        "FlippedByte LinkDeath OtherBody Redirect Replacement SignInPage Status StatusOnly Throttle"
    ),
    "_body_faults": "Chunked ChunkedBadSize ChunkedCut CloseDelimited ContentCoding Gzip Lengths WrongLength",
    "_catalogue": "every_fault",
    "_connection_faults": "BadCertificate ConnectionFault HangUp PlainText SlowAccept",
    "_content": "Content FileContent Pattern Virtual",
    "_document": "Document",
    "_fault": "Fault Stage Together",
    "_flow_faults": "Cut Delay Drip HeaderDrip Silence Stall",
    "_head_faults": (
        "Disposition EmptyReply EndlessHeaders Garbage Header HeaderBytes Interim "
        "LongHeader ManyHeaders StatusLine"
    ),
    "_message": "Headers Request",
    "_range_faults": (
        "ContentRange ETag EmptyRange IfRangeIgnored IfRangeRefused MultipartRange "
        "RangeIgnored RangeShifted Unsatisfiable WrongTotal"
    ),
    "contract": "ProviderContract Rule Score ScoreCard check_offline",
    "server": "FakeService LyingProxy LyingServer ScriptEntry",
}
_ELSEWHERE = {name: place for place, names in _PLACES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'downspout.testing' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"downspout.testing.{_ELSEWHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
