"""Is an answer shaped like Binance's? Same keys, same types, all the way down; values do not matter."""

import json
from pathlib import Path

SHAPES = json.loads((Path(__file__).parent / "data" / "response_shapes.json").read_text())

# Binance sends these only where an order has them; its examples show all at once.
CONDITIONAL = {
    "preventedMatchId", "preventedQuantity", "strategyId", "strategyType", "trailingDelta", "trailingTime", "usedSor",
    "workingFloor", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice", "expiryReason",
}  # fmt: skip
NUMBERS = {"price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty"}
FILL = {"price", "qty", "commission"}
DAY = {
    "priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice", "lastPrice", "lastQty", "bidPrice",
    "bidQty", "askPrice", "askQty", "openPrice", "highPrice", "lowPrice", "volume", "quoteVolume",
}  # fmt: skip
ROLLING = DAY - {"prevClosePrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"}


def difference(answer, shape, *, extra=frozenset(), without=frozenset()):
    """What is not the same, as a list of sentences. `extra` keys (texts) the example lost, `without` keys it has too
    many; both count at every level. Lists are compared by their first entries."""
    return list(_differences(answer, shape, frozenset(extra), frozenset(without), "answer"))


def _differences(answer, shape, extra, without, where):
    if type(answer) is not type(shape):
        yield f"{where} is {type(answer).__name__}, not {type(shape).__name__}"
    elif isinstance(shape, list) and shape and answer:
        yield from _differences(answer[0], shape[0], extra, without, f"{where}[0]")
    elif isinstance(shape, dict):
        expected = {key: value for key, value in shape.items() if key not in without}
        expected |= {key: "" for key in extra if key in answer and key not in expected}
        for key in sorted(expected.keys() - answer.keys()):
            yield f"{where} lacks {key}"
        for key in sorted(answer.keys() - expected.keys()):
            yield f"{where} has {key}"
        for key in expected.keys() & answer.keys():
            yield from _differences(answer[key], expected[key], extra, without, f"{where}.{key}")
