"""Metric math: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"""

import pytest

from lambent.services.cloudwatch.errors import ValidationError
from lambent.services.cloudwatch.evaluation import Evaluator
from lambent.services.cloudwatch.periods import Span
from lambent.services.cloudwatch.time_series import TimeSeries

SPAN = Span(0, 300, 60, now=300)


def series(label: str, *values: float | None) -> TimeSeries:
    return TimeSeries(label, 60, {60 * at: value for at, value in enumerate(values) if value is not None})


METRICS = {"a": series("A", 1, 2, None, 4, 5), "b": series("B", 10, 0, 30, None, 50), "none": series("N")}


def evaluate(expression: str) -> list[list[float | None]]:
    """Of each series, what is there in each of the five minutes."""
    found = Evaluator(METRICS, {"e": expression}, SPAN).series_of("e")
    return [[one.points.get(60 * at) for at in range(5)] for one in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", [1, 2, None, 4, 5]),
        ("a + b", [11, 2, None, None, 55]),
        ("b / a", [10, 0, None, None, 10]),
        ("a / b", [0.1, None, None, None, 0.1]),
        ("1 + 2 * a ^ 2", [3, 9, None, 33, 51]),
        ("2 ^ 3 ^ 2 + 0 * a", [512, 512, None, 512, 512]),
        ("-a - -1", [0, -1, None, -3, -4]),
        ("(a + 1) * 10", [20, 30, None, 50, 60]),
        ("a - 1 - 1", [-1, 0, None, 2, 3]),
        ("1e1 * a + .5", [10.5, 20.5, None, 40.5, 50.5]),
        ("a > 2", [0, 0, None, 1, 1]),
        ("a >= 2 AND b == 0", [0, 1, None, None, 0]),
        ("a == 1 || b == 0", [1, 1, None, None, 0]),
        ("a / MAX(a)", [0.2, 0.4, None, 0.8, 1]),
        ("a - AVG(a)", [-2, -1, None, 1, 2]),
        ("a * PERIOD(a)", [60, 120, None, 240, 300]),
        ("a - MIN(a) + SUM(b) - SUM(b)", [0, 1, None, 3, 4]),
        ("SUM([a, b])", [11, 2, 30, 4, 55]),
        ("SUM(METRICS())", [11, 2, 30, 4, 55]),
        ('MAX(METRICS("b"))', [10, 0, 30, None, 50]),
        ("AVG([a, b])", [5.5, 1, 30, 4, 27.5]),
        ("MIN([a, b])", [1, 0, 30, 4, 5]),
        ("FILL(a, 0)", [1, 2, 0, 4, 5]),
        ("FILL(a, REPEAT)", [1, 2, 2, 4, 5]),
        ("FILL(a, LINEAR)", [1, 2, 3, 4, 5]),
        ("FILL(a, b)", [1, 2, 30, 4, 5]),
        ("FILL(none, 7)", [7, 7, 7, 7, 7]),
        ("DIFF(a)", [None, 1, None, 2, 1]),
        ("DIFF_TIME(a)", [None, 60, None, 120, 60]),
        ("RATE(a) * 60", [None, 1, None, 1, 1]),
        ("RUNNING_SUM(a)", [1, 3, None, 7, 12]),
        ("ABS(0 - a)", [1, 2, None, 4, 5]),
        ("CEIL(a / 2)", [1, 1, None, 2, 3]),
        ("floor(a / 2)", [0, 1, None, 2, 2]),
        ("LOG10(b)", [1, None, pytest.approx(1.4771, rel=1e-3), None, pytest.approx(1.69897)]),
        ("IF(a > 2, a, b)", [10, 0, None, 4, 5]),
        ("IF(a > 2, 1)", [None, None, None, 1, 1]),
        ("IF(1, a, b)", [1, 2, None, 4, 5]),
        ("FIRST([b, a])", [10, 0, 30, None, 50]),
        ("TIME_SERIES(3) + 0", [3, 3, 3, 3, 3]),
        ("METRIC_COUNT(METRICS()) * a", [3, 6, None, 12, 15]),
        ("a + SUM(none)", [None] * 5),
    ],
)
def test_expressions(expression: str, expected: list[float | None]) -> None:
    assert evaluate(expression) == [expected]


def test_a_list_gives_several_series() -> None:
    found = Evaluator(METRICS, {"e": "METRICS() * 2"}, SPAN).series_of("e")
    assert [one.label for one in found] == ["e A", "e B", "e N"]
    assert evaluate("[a, b]") == [[1, 2, None, 4, 5], [10, 0, 30, None, 50]]


def test_expressions_of_expressions() -> None:
    evaluator = Evaluator(METRICS, {"twice": "a * 2", "four": "twice * 2"}, SPAN)
    assert list(evaluator.series_of("four")[0].points.values()) == [4, 8, 16, 20]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SORT([a, b, none], MAX, DESC)", "b a none"),
        ("SORT([none, b, a], AVG, ASC)", "a b none"),
        ("SORT(METRICS(), sum, desc, 1)", "b"),
        ("SLICE(SORT(METRICS(), MIN, DESC), 1)", "b none"),
        ("SLICE([a, b, none], 0, 2)", "a b"),
        ("REMOVE_EMPTY([a, none, b])", "a b"),
    ],
)
def test_lists_are_sorted_and_cut(expression: str, expected: str) -> None:
    known = {"a": METRICS["a"], "b": METRICS["b"], "none": METRICS["none"]}
    found = Evaluator(METRICS, {"e": expression}, SPAN).series_of("e")
    named = {tuple(series.points.values()): name for name, series in known.items()}
    assert " ".join(named[tuple(one.points.values())] for one in found) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MINUTE(a)", [0, 1, 2, 3, 4]),
        ("HOUR(a)", [0] * 5),
        ("DAY(none)", [4] * 5),
        ("DATE(a)", [1] * 5),
        ("MONTH(a)", [1] * 5),
        ("YEAR(a)", [1970] * 5),
        ("EPOCH(a)", [0, 60, 120, 180, 240]),
    ],
)
def test_what_the_calendar_says(expression: str, expected: list[float]) -> None:
    """The first of January 1970 was a Thursday; Monday is 1."""
    assert evaluate(expression) == [expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a * AVG(TIME_SERIES(1e308))", [None] * 5),
        ("SUM([TIME_SERIES(1e308), TIME_SERIES(1e308)])", [None] * 5),
        ("CEIL(TIME_SERIES(1e308))", [1e308] * 5),
        ("RUNNING_SUM(TIME_SERIES(1e308))", [1e308, *[None] * 4]),
        ("SORT([TIME_SERIES(1e308)], AVG, ASC)", [1e308] * 5),
        ("LOG(a - a)", [None] * 5),
    ],
)
def test_what_no_float_holds_leaves_no_data_point(expression: str, expected: list[float | None]) -> None:
    [found] = evaluate(expression)
    assert found == expected
    assert all(one is None or type(one) is float for one in found)


def test_a_chain_of_500_queries_and_a_sum_of_1000() -> None:
    expressions = {f"e{number}": f"e{number + 1} + 1" for number in range(499)} | {"e499": "a"}
    assert Evaluator(METRICS, expressions, SPAN).series_of("e0")[0].points[0] == 500
    assert evaluate("a" + "+1" * 1000)[0][0] == 1001


def test_what_has_no_data_may_be_referred_to() -> None:
    """An idle function has no errors to make a rate of: that is no fault of the request."""
    evaluator = Evaluator(METRICS, {"rate": "none / SUM(none)", "per_cent": "rate * 100"}, SPAN)
    assert [evaluator.series_of(name)[0].points for name in ("rate", "per_cent")] == [{}, {}]


@pytest.mark.parametrize("expressions", [{"e": "e"}, {"e": "f", "f": "g", "g": "a + e"}])
def test_what_refers_to_itself_is_refused(expressions: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="refers to itself"):
        Evaluator(METRICS, expressions, SPAN).series_of("e")


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "a +",
        "(a",
        "a b",
        "a $ b",
        "[a, b",
        "SUM(a",
        "SUM()",
        "SUM(a, b)",
        "NOPE(a)",
        "1 + 1",
        "SUM(a)",
        "[a, b] + [a, b]",
        "[1]",
        "unknown",
        "e + 1",
        "'text'",
        "FILL(a)",
        "IF(a)",
        "IF(1, a) + IF(0, a)",
        "METRICS(a)",
        "1 / 0 + a",
        "FIRST(a)",
        "a + LOG(0)",
        "a + LOG10(-1)",
        "SORT(a, NOPE, ASC)",
        "SORT([a, b])",
        "SLICE([a, b], 1.5)",
        "SLICE([a, b])",
        "REMOVE_EMPTY(1)",
        "DAY(1)",
        "TIME_SERIES(a)",
        "(" * 100 + "a" + ")" * 100,
        "-" * 100 + "a",
        "SEARCH('x', 'Sum', 60)",
        "select avg(x) from y",
        "ANOMALY_DETECTION_BAND(a)",
    ],
)
def test_what_is_refused(expression: str) -> None:
    with pytest.raises(ValidationError):
        evaluate(expression)
