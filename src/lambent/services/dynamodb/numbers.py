"""DynamoDB's numbers: up to 38 significant digits, 1E-130 to 9.9...E+125, exact, returned in one canonical form.

Developer Guide, "Naming rules and data types": "Positive range 1E-130 to 9.9999999999999999999999999999999999999E+125
[...] up to 38 digits of precision [...] Leading and trailing zeroes are trimmed."
"""


def normalise_number(text: str) -> str:
    """The canonical form in which AWS returns a number. Raises ValidationException in AWS's words."""
    raise NotImplementedError


def compare_numbers(left: str, right: str) -> int:
    """-1, 0 or 1. Both are canonical."""
    raise NotImplementedError


def add_numbers(left: str, right: str) -> str:
    """Exact to 38 digits; raises ValidationException on overflow, underflow and lost digits."""
    raise NotImplementedError


def subtract_numbers(left: str, right: str) -> str:
    """As add_numbers."""
    raise NotImplementedError


def encode_number(text: str) -> bytes:
    """Bytes that order as the numbers do; `text` is canonical."""
    raise NotImplementedError


def number_size(text: str) -> int:
    """Bytes that a canonical number counts for."""
    raise NotImplementedError
