"""docs/strategies.md names every built-in strategy with every parameter, exactly as the code has them."""

import re
from pathlib import Path

from engine.strategies import ParamField, built_in_strategies, params_fields
from engine.strategies.own import GROUP, RESERVED

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "strategies.md"
HEAD = "| parameter | default | allowed | searched | what it is |\n|---|---|---|---|---|"


def table_of(name: str) -> str:
    return "\n".join([HEAD, *map(row_of, params_fields(name))])


def row_of(field: ParamField) -> str:
    default = "empty" if field.default is None else str(field.default)
    allowed = f"{field.minimum} to {field.maximum}"
    searched = f"{field.search[0]} to {field.search[1]} by {field.step}"
    return f"| `{field.name}` ({field.label}) | {default} | {allowed} | {searched} | {field.help} |"


def test_every_built_in_strategy_is_written_down_as_it_is() -> None:
    text = DOCUMENT.read_text()
    for entry in built_in_strategies():
        assert f"### `{entry.name}`: {entry.title}\n\n{entry.summary}\n\n{table_of(entry.name)}\n" in text
    assert re.findall(r"^### `(\w+)`:", text, re.MULTILINE) == [entry.name for entry in built_in_strategies()]


def test_what_a_package_and_a_parameter_need_is_named_as_it_is() -> None:
    text = DOCUMENT.read_text()
    assert f'"{GROUP}"' in text
    assert {"name", "symbol", "leverage"} <= RESERVED
