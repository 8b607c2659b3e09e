import pytest

from lambent.delivery.pace import NARROWEST, Pace


def test_a_new_function_starts_narrow() -> None:
    assert Pace().width(0.0) == NARROWEST


@pytest.mark.parametrize(("seconds", "width"), [(0.001, 8), (0.05, 12), (0.1, 17), (1.0, 107)])
def test_the_time_it_took_lately_makes_it_wider(seconds: float, width: int) -> None:
    pace = Pace()
    for number in range(50):
        pace.end(pace.start(float(number)), number + seconds)
    assert pace.width(100.0) == pytest.approx(width, abs=1)


def test_so_does_waiting_for_the_first_answer() -> None:
    pace = Pace()
    pace.start(10.0)
    pace.start(10.2)
    assert [pace.width(10.0 + passed) for passed in (0.0, 0.1, 0.4)] == pytest.approx([8, 18, 48], abs=1)


def test_it_narrows_again() -> None:
    pace = Pace()
    pace.end(pace.start(0.0), 5.0)
    for _ in range(60):
        pace.end(pace.start(10.0), 10.001)
    assert pace.width(20.0) == NARROWEST
