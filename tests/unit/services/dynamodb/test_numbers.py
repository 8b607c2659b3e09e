"""DynamoDB's numbers. Accepted and refused texts and their sentences: captured from AWS by
github.com/paritysuite/dynamodb-conformance (tests/tier3/limits/numberExponent, error-messages/valueLayers)."""

import decimal
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.numbers import (
    add_numbers,
    compare_numbers,
    encode_number,
    normalise_number,
    number_size,
    subtract_numbers,
)

OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"

CANONICAL = [
    ("0", "0"),
    ("-0", "0"),
    ("000", "0"),
    ("0.000", "0"),
    ("0e125", "0"),
    ("+3", "3"),
    (".123", "0.123"),
    ("5.", "5"),
    ("0001.23", "1.23"),
    ("0042.1200", "42.12"),
    ("1e+5", "100000"),
    ("-17.4E37", "-174" + "0" * 36),
    ("123.456e3", "123456"),
    ("-12.5e-3", "-0.0125"),
    ("1E125", "1" + "0" * 125),
    ("1e-130", "0." + "0" * 129 + "1"),
    ("9" * 38, "9" * 38),
    ("3.1415926535897932384626433832795028841", "3.1415926535897932384626433832795028841"),
    ("9" * 38 + "0" * 88, "9" * 38 + "0" * 88),
    ("1" + "0" * 100, "1" + "0" * 100),
]

REFUSED = [
    ("", NOT_NUMERIC),
    ("abc", f"{NOT_NUMERIC}: abc"),
    ("1.2.3", f"{NOT_NUMERIC}: 1.2.3"),
    (".", f"{NOT_NUMERIC}: ."),
    (" 1", f"{NOT_NUMERIC}:  1"),
    ("1 ", f"{NOT_NUMERIC}: 1 "),
    ("1\n", f"{NOT_NUMERIC}: 1\n"),
    ("0x10", f"{NOT_NUMERIC}: 0x10"),
    ("1e", f"{NOT_NUMERIC}: 1e"),
    ("1_000", f"{NOT_NUMERIC}: 1_000"),
    ("٣", f"{NOT_NUMERIC}: ٣"),
    ("NaN", f"{NOT_NUMERIC}: NaN"),
    ("Infinity", f"{NOT_NUMERIC}: Infinity"),
    ("-Infinity", f"{NOT_NUMERIC}: -Infinity"),
    ("1e9223372036854775808", f"{NOT_NUMERIC}: 1e9223372036854775808"),
    ("1e" + "9" * 5000, f"{NOT_NUMERIC}: 1e" + "9" * 5000),
    ("1e126", OVERFLOW),
    ("-1e126", OVERFLOW),
    ("11e125", OVERFLOW),
    ("0e126", OVERFLOW),
    ("1e2147483648", OVERFLOW),
    ("1e99999999999", OVERFLOW),
    ("1e-131", UNDERFLOW),
    ("0.9e-130", UNDERFLOW),
    ("0e-131", UNDERFLOW),
    ("1e-99999999999", UNDERFLOW),
    ("1" * 39, TOO_PRECISE),
    ("-1.23456789012345678901234567890123456789", TOO_PRECISE),
]

#: Sizes measured by the suite named above (numberByteSize), and what its rule says of the rest.
SIZES = [
    ("1", 2),
    ("1E125", 2),
    ("123456", 4),
    ("3.14159", 5),
    ("-1", 3),
    ("-3.14159", 6),
    ("0.001", 2),
    ("100.5", 4),
    ("9" * 38, 20),
    ("0", 1),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_numbers_are_returned_in_one_form(text: str, canonical: str) -> None:
    assert normalise_number(text) == canonical
    assert normalise_number(canonical) == canonical


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_no_number_is_refused_in_awss_words(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        normalise_number(text)
    assert refused.value.message == message


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_a_number_weighs_its_significant_digits(text: str, size: int) -> None:
    assert number_size(normalise_number(text)) == size


def _canonical(sign: str, digits: int, exponent: int) -> str:
    text = f"{sign}{digits}e{exponent - len(str(digits)) + 1}"
    return normalise_number(text)


numbers = st.one_of(
    st.builds(
        _canonical,
        st.sampled_from(["", "-"]),
        st.integers(min_value=0, max_value=10**38 - 1),
        st.integers(min_value=-130, max_value=125),
    ),
    st.integers(min_value=-1000, max_value=1000).map(str),
    st.decimals(min_value=-1000, max_value=1000, places=3).map(lambda number: normalise_number(f"{number:f}")),
)


@given(numbers)
@example("0")
def test_the_canonical_form_is_the_number_and_keeps_itself(text: str) -> None:
    assert normalise_number(text) == text
    for other in (f"{decimal.Decimal(text):E}", f"+{text}" if text[0] != "-" else text, f"{text}e0"):
        assert normalise_number(other) == text


@given(numbers, numbers)
def test_order_is_that_of_the_numbers_and_of_their_encoding(left: str, right: str) -> None:
    one, two = Fraction(left), Fraction(right)
    order = (one > two) - (one < two)
    assert compare_numbers(left, right) == order
    encoded, other = encode_number(left), encode_number(right)
    assert (encoded > other) - (encoded < other) == order


@given(st.lists(st.integers(min_value=-20_000, max_value=20_000), min_size=2, max_size=50))
@example([-1, -100001, -10000100, -1000, -1001])
def test_encodings_of_near_numbers_sort_as_they_do(near: list[int]) -> None:
    texts = [normalise_number(f"{number}e-3") for number in near]
    assert sorted(texts, key=encode_number) == sorted(texts, key=Fraction)


@given(numbers, numbers)
def test_sums_and_differences_are_exact_or_refused(left: str, right: str) -> None:
    for calculate, exact in (
        (add_numbers, Fraction(left) + Fraction(right)),
        (subtract_numbers, Fraction(left) - Fraction(right)),
    ):
        try:
            result = calculate(left, right)
        except ValidationException as refused:
            assert refused.message in {OVERFLOW, UNDERFLOW}  # noqa: PT017
            continue
        assert Fraction(result) == exact
        assert normalise_number(result) == result


def test_digits_beyond_38_make_a_sum_overflow() -> None:
    with pytest.raises(ValidationException, match="Number overflow"):
        add_numbers("1" + "0" * 50, "1")
    with pytest.raises(ValidationException, match="Number overflow"):
        add_numbers("9" + "0" * 125, "9" + "0" * 125)
    assert add_numbers("1", "1" + "0" * 22) == "1" + "0" * 21 + "1"
    assert subtract_numbers("1" + "0" * 22, "1") == "9" * 22


@given(st.text(alphabet="0123456789+-.eE ", max_size=50))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        canonical = normalise_number(text)
    except ValidationException:
        return
    assume("e" not in text.lower())
    assert Fraction(canonical) == Fraction(text.rstrip(".") if text[-1] == "." else text)
