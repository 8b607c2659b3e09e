"""DynamoDB's numbers: up to 38 significant digits, 1E-130 to 9.9...E+125, exact, kept in one canonical form.

Canonical is the form AWS returns: plain decimal notation without exponent, without leading or trailing zeros
(Developer Guide, "Naming rules and data types": "up to 38 digits of precision [...] Leading and trailing zeroes are
trimmed"). Equal numbers are equal texts, so only order and arithmetic need more than string comparison.
"""

import decimal
import re

from lambent.services.dynamodb.errors import ValidationException

MAX_DIGITS = 38
MAX_MAGNITUDE = 125
MIN_MAGNITUDE = -130

#: AWS reads an exponent as a 64-bit integer; one that does not fit is no number at all.
_MAX_EXPONENT = 2**63

#: Is a text canonical as it stands? Most are; of those that are, the longest are not recognised.
is_canonical = re.compile(r"0|-?[1-9][0-9]{0,37}|-?(?:0|[1-9][0-9]{0,18})\.[0-9]{0,17}[1-9]").fullmatch
_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")

_NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
_OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
_UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
_TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"

_EXACT = decimal.Context(prec=MAX_DIGITS, Emin=-1000, Emax=1000, traps=[decimal.Inexact])

# Binary coded decimals turned around, below the terminator 0xFF.
_TURNED = bytes(max(0xFE - byte, 0) for byte in range(256))


def normalise_number(text: str) -> str:
    """The canonical form. Raises ValidationException for what is no number, too large, too small or too precise."""
    if is_canonical(text):
        return text
    found = _NUMBER.fullmatch(text)
    if not found or not (found[2] or found[3]):
        raise ValidationException(f"{_NOT_NUMERIC}: {text}" if text else _NOT_NUMERIC)
    sign, whole, fraction, exponent_text = found.groups(default="")
    exponent = _exponent(exponent_text, text)
    digits = (whole + fraction).lstrip("0")
    # Zero is measured by the exponent it is written with: 0e126 overflows.
    magnitude = exponent - len(fraction) + len(digits) - 1 if digits else exponent
    if magnitude > MAX_MAGNITUDE:
        raise ValidationException(_OVERFLOW)
    if magnitude < MIN_MAGNITUDE:
        raise ValidationException(_UNDERFLOW)
    significant = digits.rstrip("0")
    if len(significant) > MAX_DIGITS:
        raise ValidationException(_TOO_PRECISE)
    if not significant:
        return "0"
    return ("-" if sign == "-" else "") + _plain(significant, magnitude)


def _exponent(exponent_text: str, text: str) -> int:
    """The exponent as a number, 0 if there is none; it must fit 64 bits."""
    if not exponent_text:
        return 0
    # Nineteen digits hold every 64-bit integer; int() itself would refuse some thousands.
    digits = exponent_text.lstrip("+-").lstrip("0") or "0"
    exponent = int(digits[:20]) * (-1 if exponent_text[0] == "-" else 1)
    if not -_MAX_EXPONENT <= exponent < _MAX_EXPONENT:
        raise ValidationException(f"{_NOT_NUMERIC}: {text}")
    return exponent


def _plain(digits: str, magnitude: int) -> str:
    """`digits` are significant ones; the first stands for ten to the power of `magnitude`."""
    if magnitude < 0:
        return "0." + "0" * (-magnitude - 1) + digits
    whole = magnitude + 1
    if len(digits) <= whole:
        return digits + "0" * (whole - len(digits))
    return f"{digits[:whole]}.{digits[whole:]}"


def compare_numbers(left: str, right: str) -> int:
    """-1, 0 or 1. Both are canonical."""
    if left == right:
        return 0
    return -1 if decimal.Decimal(left) < decimal.Decimal(right) else 1


def add_numbers(left: str, right: str) -> str:
    """The exact sum of two canonical numbers. Raises ValidationException where there is none within 38 digits.

    AWS calls lost digits an overflow: 1e50 + 1 is refused in the same words as 9e125 + 9e125.
    """
    try:
        return normalise_number(f"{_EXACT.add(decimal.Decimal(left), decimal.Decimal(right)):f}")
    except decimal.Inexact as error:
        raise ValidationException(_OVERFLOW) from error


def subtract_numbers(left: str, right: str) -> str:
    """As add_numbers."""
    if right == "0":
        return left
    return add_numbers(left, right[1:] if right[0] == "-" else "-" + right)


def encode_number(text: str) -> bytes:
    """Bytes that order as the numbers do; `text` is canonical.

    A byte for the sign, one for the magnitude, then the digits two to a byte; all of it turned around for negative
    numbers, with a terminator so that the longer of two (further from zero) comes first.
    """
    if text == "0":
        return b"\x80"
    negative = text[0] == "-"
    whole, _, fraction = (text[1:] if negative else text).partition(".")
    if whole == "0":
        digits = fraction.lstrip("0")
        magnitude = len(digits) - len(fraction) - 1
    else:
        digits = whole + fraction if fraction else whole.rstrip("0")
        magnitude = len(whole) - 1
    packed = bytes.fromhex(digits + "0" if len(digits) % 2 else digits)
    if negative:
        return bytes((0x40, MAX_MAGNITUDE - magnitude)) + packed.translate(_TURNED) + b"\xff"
    return bytes((0xC0, magnitude - MIN_MAGNITUDE)) + packed


def number_size(text: str) -> int:
    """Bytes that a canonical number counts for.

    One, and one for each two significant digits begun, on either side of the decimal point, and one for a minus
    sign. (The Developer Guide's "1 byte per two significant digits + 1" is an approximation; measured at the byte
    against the 400 KB limit by github.com/paritysuite/dynamodb-conformance, tests/tier3/limits/numberByteSize.)
    """
    if text.isdigit():  # as most are, at half the time
        return 1 + (len(text.rstrip("0")) + 1) // 2
    negative = text[0] == "-"
    whole, _, fraction = (text[1:] if negative else text).partition(".")
    if whole == "0":
        whole = ""
        fraction = fraction.lstrip("0")
    elif not fraction:
        whole = whole.rstrip("0")
    return 1 + (len(whole) + 1) // 2 + (len(fraction) + 1) // 2 + negative
