import math
import re

from lambent.gateway.prometheus import Family, merged, render
from lambent.kit.histogram import Histogram

#: https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
_SAMPLE = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="(\\.|[^"\\\n])*"(,[a-z_]+="(\\.|[^"\\\n])*")*\})? \S+\Z')


def test_families_are_rendered_as_the_format_says() -> None:
    counter = Family("a_total", "counter", "All\nof \\ them.").add(3, {"name": 'say "no"\\\n'}).add(0.25)
    assert render([counter]).decode().splitlines() == [
        r"# HELP a_total All\nof \\ them.",
        "# TYPE a_total counter",
        r'a_total{name="say \"no\"\\\n"} 3',
        "a_total 0.25",
    ]
    for line in render([counter]).decode().splitlines()[2:]:
        assert _SAMPLE.match(line)
    assert render([Family("x", "gauge", "").add(math.inf)]).endswith(b"x +Inf\n")


def test_a_histogram_counts_up_to_each_bound() -> None:
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 7):
        histogram.add(value)
    assert render([Family("h", "histogram", "H").add_histogram(histogram)]).decode().splitlines()[2:] == [
        'h_bucket{le="1"} 2',
        'h_bucket{le="2"} 3',
        'h_bucket{le="+Inf"} 4',
        "h_sum 10",
        "h_count 4",
    ]


def test_families_of_one_name_stand_together() -> None:
    one, two, other = (Family(name, "gauge", "").add(1) for name in ("a", "a", "b"))
    assert [(family.name, len(family.samples)) for family in merged([one, other, two])] == [("a", 2), ("b", 1)]
