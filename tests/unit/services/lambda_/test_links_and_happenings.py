from urllib.parse import urlsplit

from lambent.services.lambda_ import links
from lambent.services.lambda_.happenings import KEPT, HappeningKind, Happenings

SECRET = b"secret"
ACCOUNT = "111111111111"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


def test_a_link_is_good_for_ten_minutes() -> None:
    query = urlsplit(links.make_link("http://localhost:4566", "ab12", now=1000.0, secret=SECRET)).query
    assert links.package_of(query, now=1000.0, secret=SECRET) == "ab12"
    assert links.package_of(query, now=1600.0, secret=SECRET) == "ab12"
    assert links.package_of(query, now=1601.0, secret=SECRET) is None


def test_a_changed_link_is_none() -> None:
    query = urlsplit(links.make_link("http://localhost:4566", "ab12", now=1000.0, secret=SECRET)).query
    for changed in (query.replace("ab12", "ab13"), query.replace("=1600", "=9999"), "", "package=ab12", f"{query}é"):
        assert links.package_of(changed, now=1000.0, secret=SECRET) is None
    assert links.package_of(query, now=1000.0, secret=b"other") is None


def filled(count: int) -> Happenings:
    happenings = Happenings()
    for number in range(count):
        happenings.record(HappeningKind.OK, time_ms=number, source="invoke", function_arn=ARN, request_id=str(number))
    return happenings


def test_the_newest_happenings_oldest_first() -> None:
    happenings = filled(10)
    assert [one["number"] for one in happenings.after(0, 3, account_id=ACCOUNT)] == [8, 9, 10]
    assert [one["number"] for one in happenings.after(7, 100, account_id=ACCOUNT)] == [8, 9, 10]
    assert happenings.after(10, 100, account_id=ACCOUNT) == []
    assert happenings.after(0, 100, account_id="222222222222") == []


def test_the_ring_forgets_the_oldest() -> None:
    assert filled(KEPT + 5).after(0, KEPT * 2, account_id=ACCOUNT)[0]["number"] == 6


def test_a_happening_tells_what_and_how_long() -> None:
    happenings = Happenings()
    happenings.record(
        HappeningKind.ERROR,
        time_ms=7,
        source="s3:b",
        function_arn=ARN,
        request_id="r",
        duration_ms=1.23456,
        detail=b"\xff" * 1000,
    )
    assert happenings.after(0, 1, account_id=ACCOUNT) == [
        {
            "number": 1,
            "timeMs": 7,
            "outcome": "error",
            "source": "s3:b",
            "functionArn": ARN,
            "requestId": "r",
            "durationMs": 1.23,
            "detail": "\ufffd" * 300,
        }
    ]
