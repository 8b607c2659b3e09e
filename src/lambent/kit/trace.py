"""Trace headers: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:1`.

The root names the chain that a request belongs to, from its first event to the last function it sets off: the SDKs
inside functions pass the header on (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html, "Tracing
header"), and so does everything here that carries an event. The parent is the segment of the invocation that set it
off. Lineage counts how often the chain has invoked which function, for the detection of loops. Pure values; a header is
kept as the text it came as.
"""

import re
import zlib

#: Of a header that is believed; AWS says nothing about a limit, real ones have less than 200 characters.
MAX_LENGTH = 512

#: Functions that a lineage counts; the one that was invoked longest ago goes first. A loop has fewer.
MAX_LINEAGE = 24

_ROOT = re.compile(r"(?:^|;)Root=(1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24})(?:;|$)")
_PARENT = re.compile(r"(?:^|;)Parent=([0-9a-fA-F]{16})(?:;|$)")
_UUID_LENGTH = 36


def accepted(header: str) -> str:
    """The header as it came, or "" if it is no trace header: whatever a client sends ends up in logs and events.

    Headers of requests have no line ends in them, members of events and attributes of messages may; SDKs in functions
    send what they are given on as a header.
    """
    is_one = header and len(header) <= MAX_LENGTH and header.isascii() and header.isprintable() and _ROOT.search(header)
    return header if is_one else ""


def root(header: str) -> str:
    """`1-5759e988-bd862e3fe1be46a994272793`: what a whole chain has in common; "" if there is none."""
    found = _ROOT.search(header)
    return found[1] if found else ""


def parent(header: str) -> str:
    """The segment that set it off; "" if the header names none."""
    found = _PARENT.search(header)
    return found[1] if found else ""


def begin(request_id: str, now: float) -> str:
    """The header of a new chain; its random part is the id of what begins it: a UUID, a digest, S3's request id."""
    digits = _digits(request_id)
    return f"Root=1-{int(now):08x}-{digits[:24]};Sampled=0"


def segment_of(request_id: str) -> str:
    """The segment of an invocation, made of its request id (a UUID): 16 hexadecimal digits; "" for any other id."""
    return request_id[19:23] + request_id[24:] if len(request_id) == _UUID_LENGTH else ""


def function_key(function_arn: str) -> str:
    """What a function is called in lineages."""
    return f"{zlib.crc32(function_arn.encode()):08x}"


def enter_first(request_id: str, now: float, key: str) -> str:
    """What `enter` gives for an invocation that begins a chain, at a third of the cost."""
    digits = _digits(request_id)
    return f"Root=1-{int(now):08x}-{digits[:24]};Parent={segment_of(request_id)};Sampled=0;Lineage={key}:1"


def enter(header: str, request_id: str, key: str, *, keeps_lineage: bool = True) -> tuple[str, int]:
    """(the header that an invoked function gets, how often its chain has invoked it by now).

    `header` is the one of the event, `key` the function's. `keeps_lineage`: False where counting begins anew. On the
    path of every invocation, so without regular expressions.
    """
    first, sampled, lineage = "", "Sampled=0", ""
    for part in header.split(";"):
        if part.startswith("Root="):
            first = part
        elif part.startswith("Sampled="):
            sampled = part
        elif keeps_lineage and part.startswith("Lineage="):
            lineage = part[8:]
    before, count = _counted(lineage, key) if lineage else ("", 1)
    return f"{first};Parent={segment_of(request_id)};{sampled};Lineage={before}{key}:{count}", count


def _counted(lineage: str, key: str) -> tuple[str, int]:
    """(the lineage of the other functions, to be put in front; how often this one was invoked, now included)."""
    entries = [entry for entry in lineage.split("|") if entry[8:9] == ":"]
    own = next((entry for entry in entries if entry.startswith(key)), "")
    others = [entry for entry in entries if entry is not own][1 - MAX_LINEAGE :]
    times = own[9:]
    count = int(times) + 1 if times.isdecimal() and len(times) < 6 else 1
    return "".join([f"{entry}|" for entry in others]), count


def _digits(identifier: str) -> str:
    """At least 32 hexadecimal digits."""
    digits = identifier.replace("-", "")
    return digits if len(digits) >= 32 else identifier.encode().hex().ljust(32, "0")
