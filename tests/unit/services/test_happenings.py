from lambent.services.happenings import KEPT, HappeningKind, Happenings

ACCOUNT = "111111111111"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
REQUEST = "11111111-1111-4111-8111-222222222222"
ROOT = "1-5759e988-bd862e3fe1be46a994272793"


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


def test_who_follows_across_a_restart_sees_what_is_new() -> None:
    """Numbers start again with the platform."""
    assert [one["number"] for one in filled(3).after(1_000, 100, account_id=ACCOUNT)] == [1, 2, 3]
    assert filled(0).after(1_000, 100, account_id=ACCOUNT) == []


def test_the_ring_forgets_the_oldest() -> None:
    assert filled(KEPT + 5).after(0, KEPT * 2, account_id=ACCOUNT)[0]["number"] == 6


def test_a_happening_tells_what_and_how_long() -> None:
    happenings = Happenings()
    happenings.record(
        HappeningKind.ERROR,
        time_ms=7,
        source="s3:b",
        function_arn=ARN,
        request_id=REQUEST,
        duration_ms=1.23456,
        detail=b"\xff" * 1000,
        trace=f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0",
    )
    assert happenings.after(0, 1, account_id=ACCOUNT) == [
        {
            "number": 1,
            "timeMs": 7,
            "outcome": "error",
            "source": "s3:b",
            "functionArn": ARN,
            "targetArn": ARN,
            "requestId": REQUEST,
            "durationMs": 1.23,
            "detail": "\ufffd" * 300,
            "prospect": "",
            "traceRoot": ROOT,
            "segment": "8111222222222222",
            "parent": "53995c3f42cd8ad8",
        }
    ]


def test_what_is_sent_elsewhere_belongs_to_the_account_that_is_named() -> None:
    happenings = Happenings()
    happenings.record_sent(
        HappeningKind.REFUSED,
        time_ms=7,
        source="s3:b",
        target_arn="arn:aws:s3:::other",
        account_id=ACCOUNT,
        detail="no such bucket",
        trace=f"Root={ROOT}",
    )
    [refused] = happenings.after(0, 1, account_id=ACCOUNT)
    assert (refused["outcome"], refused["targetArn"], refused["functionArn"]) == ("refused", "arn:aws:s3:::other", "")
    assert (refused["traceRoot"], refused["segment"], refused["parent"]) == (ROOT, "", "")
    assert happenings.after(0, 1, account_id="") == []


def test_one_chain_alone() -> None:
    happenings = filled(3)
    happenings.record(
        HappeningKind.OK, time_ms=9, source="invoke", function_arn=ARN, request_id=REQUEST, trace=f"Root={ROOT}"
    )
    for root in (ROOT, ROOT[-6:]):
        assert [one["timeMs"] for one in happenings.after(0, 10, account_id=ACCOUNT, root=root)] == [9]
    assert happenings.after(0, 10, account_id=ACCOUNT, root=ROOT[:12]) == []


def test_one_function_alone() -> None:
    happenings = filled(2)
    for arn in (f"{ARN}:prod", f"{ARN}f", "arn:aws:sqs:us-east-1:111111111111:f"):
        happenings.record(HappeningKind.OK, time_ms=9, source="invoke", function_arn=arn, request_id=REQUEST)
    found = happenings.after(0, 10, account_id=ACCOUNT, function="f")
    assert [one["targetArn"] for one in found] == [ARN, ARN, f"{ARN}:prod"]


def test_what_follows_belongs_to_the_latest_attempt_of_that_request() -> None:
    happenings = filled(3)
    happenings.record(HappeningKind.ERROR, time_ms=9, source="invoke", function_arn=ARN, request_id="1")
    happenings.add_prospect("1", "tried again in 60 s")
    happenings.add_prospect("nobody's", "lost")
    prospects = [one["prospect"] for one in happenings.after(0, 10, account_id=ACCOUNT)]
    assert prospects == ["", "", "", "tried again in 60 s"]
