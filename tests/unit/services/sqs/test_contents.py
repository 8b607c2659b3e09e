"""Messages: digests, sizes, which attributes are chosen, and what is kept of one."""

from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.sqs import contents
from lambent.services.sqs.contents import Attribute, Details, Draft
from lambent.services.sqs.errors import InvalidMessageContents, InvalidParameterValue

#: As SQS answered them; the first two stand in the tests of the AWS SDKs and tools built on them.
DIGESTS = [
    ({"timestamp": Attribute("Number", "1493147359900")}, "235c5c510d26fb653d073faed50ae77c"),
    ({}, md5(b"").hexdigest()),
]


@pytest.mark.parametrize(("attributes", "digest"), DIGESTS)
def test_digest_of_attributes(attributes: dict[str, Attribute], digest: str) -> None:
    assert contents.attributes_md5(attributes) == digest


def test_digest_is_over_names_types_and_values_in_order_of_names() -> None:
    """Written out as the developer guide has it: length and bytes of name and type, kind, length and bytes of value."""
    attributes = {"b": Attribute("Binary.png", "AP8="), "a": Attribute("String", "ü")}
    encoded = b"\0\0\0\x01a\0\0\0\x06String\x01\0\0\0\x02\xc3\xbc\0\0\0\x01b\0\0\0\x0aBinary.png\x02\0\0\0\x02\x00\xff"
    assert contents.attributes_md5(attributes) == md5(encoded).hexdigest()


def test_size_counts_the_body_and_attributes() -> None:
    draft = Draft("äb", "me", attributes={"n": Attribute("Binary", "AP8="), "t": Attribute("String", "ü")})
    assert contents.size(draft) == 3 + (1 + 6 + 2) + (1 + 6 + 2)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.x"], {"a.x"}),
        (["a.*"], {"a.x", "a.y"}),
        (["a*"], set()),
        ([".*"], {"a.x", "a.y", "b"}),
        (["All"], {"a.x", "a.y", "b"}),
        (["c"], set()),
    ],
)
def test_chosen_attributes(names: list[str], expected: set[str]) -> None:
    attributes = dict.fromkeys(("a.x", "a.y", "b"), Attribute("String", "v"))
    assert set(contents.chosen(attributes, names)) == expected


_texts = st.text(max_size=20)


@given(
    st.builds(
        Details,
        sender_id=_texts,
        attributes=st.dictionaries(_texts, st.builds(Attribute, _texts, _texts), max_size=3),
        trace=_texts,
        group_id=_texts,
        deduplication_id=_texts,
        dead_letter_source=_texts,
    )
)
def test_details_come_back(details: Details) -> None:
    assert contents.load(contents.dump(details)) == details


#: As the API reference of SendMessage lists them.
_ALLOWED = (*"\t\n\r", *map(chr, range(0x20, 0xD800)), *map(chr, range(0xE000, 0xFFFE)), "\U00010000", "\U0010ffff")


@pytest.mark.parametrize("beside", ["", "plain ", "line\n", "äöü", "\u2028"])
def test_allowed_and_forbidden_characters(beside: str) -> None:
    for character in _ALLOWED[:0x400] + _ALLOWED[-4:]:
        contents.check_text(beside + character, "It")
    contents.check_text("".join(_ALLOWED), "It")
    for character in {chr(code) for code in (*range(0x20), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF)} - set(_ALLOWED):
        with pytest.raises(InvalidMessageContents):
            contents.check_text(beside + character, "It")


def attribute(data_type: str = "String", value: str = "v", name: str = "a") -> dict[str, dict[str, str]]:
    return {name: {"DataType": data_type, "StringValue": value}}


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        # AWS's sentences of today ("message (user) attribute"), as mocks of it have collected them.
        (attribute(name=""), "The request must contain non-empty message (user) attribute names."),
        (attribute(name="a" * 257), "Message (user) attribute name must be shorter than 256 bytes."),
        (
            attribute(name="amazon.a"),
            (
                "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved "
                "for internal use."
            ),
        ),
        *(
            (
                attribute(name=name),
                (
                    f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, "
                    "underscore (_), hyphen (-), and period (.) characters."
                ),
            )
            for name in ("a b", "ö", ".a", "a.", "a..b")
        ),
        *(
            (
                attribute(data_type),
                (
                    "The type of message (user) attribute 'a' is invalid. You must use only the following supported "
                    "type prefixes: Binary, Number, String."
                ),
            )
            for data_type in ("", "Text", "string", "String.")
        ),
        (attribute("String." + "a" * 250), "Message (user) attribute type must be shorter than 256 bytes."),
        (attribute(value=""), "Message (user) attribute 'a' must contain a non-empty value of type 'String'."),
        (attribute("Number", "one"), "Can't cast the value of message (user) attribute 'a' to a number."),
    ],
)
def test_attributes_that_are_refused(attributes: dict[str, dict[str, str]], message: str) -> None:
    with pytest.raises(InvalidParameterValue) as refused:
        contents.draft_of({"MessageBody": "b", "MessageAttributes": attributes}, sender_id="me", trace="")
    assert refused.value.message == message
