"""FilterCriteria: any pattern is enough, none means all. The language itself: tests/unit/services."""

from lambent.delivery.event_source_mappings.filters import compile_filters


def test_without_patterns_there_is_nothing_to_ask() -> None:
    assert compile_filters(()) is None


def test_any_pattern_is_enough() -> None:
    is_wanted = compile_filters(['{"eventName": ["INSERT"]}', '{"eventName": [{"prefix": "REM"}]}'])
    assert is_wanted is not None
    wanted = [is_wanted({"eventName": name}) for name in ("INSERT", "MODIFY", "REMOVE")]
    assert wanted == [True, False, True]
