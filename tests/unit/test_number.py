from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from nasdsl.number import Number

NAMES = ["a.w", "b.w", "h"]


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    value = Number.of(draw(st.integers(-5, 5)))
    for _ in range(draw(st.integers(0, 4))):
        other = draw(st.one_of(st.integers(-4, 4).map(Number.of), st.sampled_from(NAMES).map(Number.symbol)))
        value = draw(st.sampled_from([value + other, value * other, value - other, value / 3]))
    return value


points = st.fixed_dictionaries({name: st.integers(-6, 6) for name in NAMES})


@given(numbers(), numbers(), points)
def test_arithmetic_agrees_with_that_of_the_values(x: Number, y: Number, point: dict[str, int]) -> None:
    at = point.__getitem__
    assert (x + y).evaluate(at) == x.evaluate(at) + y.evaluate(at)
    assert (x * y).evaluate(at) == x.evaluate(at) * y.evaluate(at)
    assert (x - y).evaluate(at) == x.evaluate(at) - y.evaluate(at)
    assert (x / 7).evaluate(at) == x.evaluate(at) / 7


@given(numbers(), numbers())
def test_equal_polynomials_are_equal_values(x: Number, y: Number) -> None:
    assert x + y == y + x
    assert x * (y + 1) == x * y + x
    assert x - x == Number.of(0)
    assert hash(x + y) == hash(y + x)


@given(numbers(), points)
def test_substitution_is_partial_evaluation(x: Number, point: dict[str, int]) -> None:
    part = x.substitute({"h": point["h"]})
    assert "h" not in part.symbols
    assert part.evaluate(point.__getitem__) == x.evaluate(point.__getitem__)


def test_values_are_those_of_the_joint_domain() -> None:
    product = Number.symbol("a.w") * Number.symbol("b.w") / 2
    domains = {"a.w": (4, 6), "b.w": (1, 2)}
    assert product.values(domains.__getitem__) == (Fraction(2), Fraction(3), Fraction(4), Fraction(6))
