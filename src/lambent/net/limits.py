"""Limits of the listener: what a client may send, hold and take its time over; each says where its figure is from."""

from lambent.kit.frozen import frozen

KIB = 1024
MIB = 1024 * KIB


@frozen
class Limits:
    head_bytes: int = 64 * KIB
    """Request line and headers. S3 allows 8 KiB of metadata and as much signature; four times that is generous."""
    header_count: int = 200
    """Far above what an SDK sends (about 15), far below what costs memory."""
    head_seconds: float = 20.0
    """From the first byte of a request to the end of its headers; S3 cuts off idle sockets after about as long."""
    idle_seconds: float = 75.0
    """A kept-alive connection without a request; longer than the 60 s after which common clients let go themselves."""
    body_window_seconds: float = 20.0
    """Every so often `body_window_bytes` of a body that is waited for must have come."""
    body_window_bytes: int = KIB
    """50 bytes a second: slower than any line that works, faster than a client that only wants to hold a place."""
    write_stall_seconds: float = 60.0
    """A client that takes nothing of its response for so long is cut off."""
    linger_seconds: float = 10.0
    """After a refusal we listen on for so long, so that the client reads it before it sees a reset (RFC 9112, 9.6)."""
    body_buffer_bytes: int = 256 * KIB
    """Request body held for a reader that is slower than the client; then TCP holds the client back."""
    write_buffer_bytes: int = 256 * KIB
    """Response held for a client that is slower than us."""
    unread_body_bytes: int = MIB
    """A body nobody wanted is read and dropped up to this size to keep the connection; past it we close."""
    pipelined_requests: int = 16
    """Requests waiting behind the one being answered; then we stop reading."""
    connections: int = 8192
    """At once, per listener; one more is closed at the door."""
    environment_connections: int = 256
    """The same for one execution environment: no function may take the places of all others. SDKs use about 50."""
    http_2_streams: int = 128
    """Requests at once on a connection of HTTP/2. Clients open 100 before they are told (RFC 9113, 6.5.2)."""
    http_2_window_bytes: int = MIB
    """Of all request bodies of such a connection together that nobody has read yet; each has `body_buffer_bytes`."""
    http_2_nuisances: int = 1000
    """Frames that ask for work and bring nothing (PING, SETTINGS, PRIORITY, RST_STREAM, empty DATA) in a burst ..."""
    http_2_nuisances_per_second: float = 100.0
    """... and for long. Clients send one every few seconds; floods of CVE-2019-9512 and later, thousands a second."""

    @property
    def sweep_seconds(self) -> float:
        """How often timeouts are looked at: often enough for the shortest of them."""
        shortest = min(self.head_seconds, self.idle_seconds, self.body_window_seconds, self.write_stall_seconds)
        return min(1.0, shortest / 4)
