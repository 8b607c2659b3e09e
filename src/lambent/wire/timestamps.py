"""Timestamps on the wire: epoch seconds (float) inside, four spellings outside.

`unixtimestamp` is JSON's default, `iso8601` the XML body's and the query string's, `rfc822` (HTTP-date) the
headers'. Formatting is cached by whole second: a listing of 1,000 keys mostly repeats itself.
"""

import calendar
import time
from datetime import UTC, datetime
from functools import lru_cache

from lambent.kit.deferred import Deferred

_EMAIL = Deferred("email.utils")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SECONDS_REMEMBERED = 4096


def format_iso8601(moment: float) -> str:
    """`2009-10-12T17:50:30.000Z`: S3 always writes milliseconds."""
    second = int(moment)
    if second == moment:
        return _iso8601_whole(second)
    milliseconds = round(moment * 1000)
    return f"{_iso8601_seconds(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(_SECONDS_REMEMBERED)
def _iso8601_whole(second: int) -> str:
    return f"{_iso8601_seconds(second)}.000Z"


@lru_cache(_SECONDS_REMEMBERED)
def _iso8601_seconds(second: int) -> str:
    t = time.gmtime(second)
    return f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}T{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"


def format_rfc822(moment: float) -> str:
    """`Mon, 12 Oct 2009 17:50:30 GMT` (RFC 9110, 5.6.7); fractions are cut off."""
    return _rfc822_second(int(moment // 1))


@lru_cache(_SECONDS_REMEMBERED)
def _rfc822_second(second: int) -> str:
    t = time.gmtime(second)
    return (
        f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04d} "
        f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} GMT"
    )


def format_unix(moment: float) -> str:
    return repr(number_of(moment))


def number_of(moment: float) -> float | int:
    """Whole seconds as an integer, others with milliseconds at most, as AWS's JSON has them."""
    milliseconds = round(moment * 1000)
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def parse_iso8601(text: str) -> float:
    """Raises ValueError. A time without an offset is UTC."""
    moment = datetime.fromisoformat(text)
    return check_unix((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def parse_rfc822(text: str) -> float:
    """Any of HTTP's three date forms. Raises ValueError."""
    try:
        parts = _EMAIL.load().parsedate_tz(text)
        if parts is None:
            raise ValueError(f"not an HTTP date: {text!r}")
        datetime(*parts[:6])  # noqa: DTZ001 - only its range check is wanted
        return check_unix(float(calendar.timegm(parts[:9])) - (parts[9] or 0))
    except (OverflowError, TypeError, IndexError) as error:
        raise ValueError(f"not an HTTP date: {text!r}") from error


def parse_unix(text: str) -> float:
    moment = float(text)
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError(f"not a time: {text!r}")
    return moment


def check_unix(moment: float) -> float:
    """The same for a number that is one already."""
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError(f"not a time: {moment!r}")
    return moment


#: Years 1 to 9999, beyond which neither the other formats nor any client can go.
_EARLIEST, _LATEST = -62_135_596_800.0, 253_402_300_799.999

PARSERS = {"iso8601": parse_iso8601, "rfc822": parse_rfc822, "unixtimestamp": parse_unix}
FORMATTERS = {"iso8601": format_iso8601, "rfc822": format_rfc822, "unixtimestamp": format_unix}


def parse_any(text: str, declared: str) -> float:
    """By the declared format first, then by the others: AWS takes them all where it can tell them apart."""
    for name in (declared, *(other for other in PARSERS if other != declared)):
        try:
            return PARSERS[name](text)
        except ValueError:
            continue
    raise ValueError(f"not a time: {text!r}")
