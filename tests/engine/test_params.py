"""Parameters with digits behind the point are exact from a form to JSON and back; descriptions fit themselves."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.strategies import InvalidParams, all_strategies, params_dict, params_fields, parse_params
from engine.strategies.params import as_json, decimal, fields_of, parse, values_between, whole


@dataclass(frozen=True)
class Params:
    factor: Decimal = decimal(
        "2.0", "0.5", "10", step="0.25", search=("1", "2"), label="Factor", help="A factor."
    )
    limit: Decimal | None = decimal(None, "0", "1", label="Limit", help="A limit.")
    count: int = whole(3, 1, 9, step=4, label="Count", help="A count.")


def test_a_field_says_what_forms_and_optimisers_need() -> None:
    factor, limit, count = fields_of(Params)
    assert (factor.type, factor.default, factor.minimum, factor.maximum) == (
        Decimal, Decimal(2), Decimal("0.5"), Decimal(10)
    )  # fmt: skip
    assert (str(factor.default), str(factor.maximum)) == ("2", "10")
    assert (factor.is_whole, factor.is_optional, limit.is_optional, count.is_whole) == (
        False,
        False,
        True,
        True,
    )
    assert [str(value) for value in factor.searched()] == ["1", "1.25", "1.50", "1.75", "2.00"]
    assert count.searched() == (1, 5, 9)


@pytest.mark.parametrize("written", ["2.5", " 2.50 ", "+2.5", 2.5, Decimal("2.500")])
def test_one_value_has_one_form_however_it_is_written(written: Any) -> None:
    params = parse(Params, {"factor": written, "limit": ""})
    assert params == Params(factor=Decimal("2.5"))
    assert json.dumps(as_json(params)) == '{"factor": "2.5", "limit": null, "count": 3}'


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0.4999", "Must be between 0.5 and 10."),
        ("10.0001", "Must be between 0.5 and 10."),
        ("2.00001", "Must have at most 4 digits behind the point."),
        (0.1 + 0.2, "Must have at most 4 digits behind the point."),
        ("2,5", "Must be a number."),
        ("1e0", "Must be a number."),
        ("NaN", "Must be a number."),
        (float("inf"), "Must be a number."),
        (True, "Must be a number."),
        ([2], "Must be a number."),
        ("١", "Must be a number."),
        (None, "This parameter may not be empty."),
    ],
)
def test_what_is_no_such_number_is_refused(written: Any, message: str) -> None:
    with pytest.raises(InvalidParams) as refusal:
        parse(Params, {"factor": written})
    assert refusal.value.errors == {"factor": message}


@given(st.decimals("0.5", "10", places=4))
def test_json_gives_back_what_was_stored(value: Decimal) -> None:
    params = parse(Params, {"factor": value})
    stored = json.loads(json.dumps(as_json(params)))
    assert isinstance(stored["factor"], str)
    assert parse(Params, stored) == params
    assert params.factor == value


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: whole(0, 1, 9, label="Count", help="A count."),
        lambda: whole(3, 1, 9, search=(0, 5), label="Count", help="A count."),
        lambda: whole(3, 1, 9, search=(5, 4), label="Count", help="A count."),
        lambda: whole(3, 1, 9, step=0, label="Count", help="A count."),
        lambda: decimal("2", "0.1", "1.9", label="Count", help="A count."),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^Count: "):
        wrong()


def test_a_search_needs_a_step() -> None:
    assert list(values_between(Decimal("0.1"), Decimal("0.3"), Decimal("0.1"))) == [
        Decimal("0.1"), Decimal("0.2"), Decimal("0.3")
    ]  # fmt: skip
    with pytest.raises(ValueError, match="greater than zero"):
        list(values_between(1, 3, 0))


@pytest.mark.parametrize("name", [entry.name for entry in all_strategies()])
def test_every_strategy_can_be_searched_and_stored(name: str) -> None:
    fields = params_fields(name)
    for field in fields:
        tried = field.searched()
        assert 2 <= len(tried) <= 30, field.name
        assert all(type(value) is field.type for value in tried)
    stored = params_dict(parse_params(name, {}))
    assert json.loads(json.dumps(stored)) == stored
    assert set(stored) == {field.name for field in fields}
