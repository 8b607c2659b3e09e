import pytest

from lambent.delivery.pace import FIRST_PATIENCE_SECONDS, NARROWEST, PATIENCE_SECONDS, Pace


def test_a_new_function_starts_narrow() -> None:
    assert Pace().width(0.0) == NARROWEST


@pytest.mark.parametrize(("seconds", "width"), [(0.001, 8), (0.05, 12), (0.1, 17), (1.0, 107)])
def test_the_time_it_took_lately_makes_it_wider(seconds: float, width: int) -> None:
    pace = Pace()
    for _ in range(50):
        pace.note(seconds * 1000, 100.0)
    assert pace.width(100.0) == pytest.approx(width, abs=1)


@pytest.mark.parametrize("answered", [False, True])
def test_so_does_an_answer_that_is_owed(answered: bool) -> None:
    pace = Pace()
    if answered:
        pace.note(1.0, 5.0)
    patience = PATIENCE_SECONDS if answered else FIRST_PATIENCE_SECONDS
    first = pace.start(10.0)
    pace.start(10.2)
    widths = [pace.width(10.0 + patience + passed) for passed in (-0.1, 0.0, 0.1, 0.4)]
    assert widths == pytest.approx([8, 8, 18, 48], abs=1)
    pace.end(first)
    assert pace.width(10.4 + patience) == pytest.approx(28, abs=1)


def test_it_narrows_again() -> None:
    pace = Pace()
    pace.note(5_000.0, 20.0)
    for _ in range(60):
        pace.note(1.0, 20.0)
    assert pace.width(20.0) == NARROWEST


def test_waiting_for_the_runtime_says_nothing_about_the_function() -> None:
    pace = Pace()
    for _ in range(3):
        pace.start(10.0)
    pace.note(1.0, 12.0)
    assert pace.width(12.1) == NARROWEST
