"""Trace headers: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:1`.

The root names the chain that a request belongs to, from its first event to the last function it sets off: the SDKs
inside functions pass the header on (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html, "Tracing
header"), and so does everything here that carries an event. Pure values; a header is kept as the text it came as.
"""

import re

#: Of a header that is believed; AWS says nothing about a limit, real ones have less than 200 characters.
MAX_LENGTH = 512

_ROOT = re.compile(r"(?:^|;)Root=(1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24})(?:;|$)")


def accepted(header: str) -> str:
    """The header as it came, or "" if it is no trace header: whatever a client sends ends up in logs and events."""
    return header if header and len(header) <= MAX_LENGTH and _ROOT.search(header) else ""


def root(header: str) -> str:
    """`1-5759e988-bd862e3fe1be46a994272793`: what a whole chain has in common; "" if there is none."""
    found = _ROOT.search(header)
    return found[1] if found else ""


def begin(request_id: str, now: float) -> str:
    """The header of a new chain; its random part is the UUID of the request that begins it."""
    digits = request_id.replace("-", "")
    return f"Root=1-{int(now):08x}-{digits[:24]};Parent={digits[-16:]};Sampled=0"
