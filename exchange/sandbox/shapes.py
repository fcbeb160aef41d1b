"""Orders, trades, accounts and symbols in Binance's JSON: numbers as strings of eight places, ids as integers."""

from typing import Any

from exchange.sandbox.state import Account, Order, Trade
from exchange.sandbox.tape import E8
from exchange.sandbox.venue import ACCEPTED_TYPES, MAKER_FEE_E6, TAKER_FEE_E6

ZERO = "0.00000000"
SYMBOL_FLAGS_OFF = (
    "icebergAllowed",
    "ocoAllowed",
    "otoAllowed",
    "opoAllowed",
    "allowTrailingStop",
    "cancelReplaceAllowed",
    "amendAllowed",
    "pegInstructionsAllowed",
)


def fixed(value_e8: int) -> str:
    """1e-8 units as plain decimal text with eight places."""
    sign, value = ("-", -value_e8) if value_e8 < 0 else ("", value_e8)
    return f"{sign}{value // E8}.{value % E8:08d}"


def order_ack(order: Order) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.market_ms,
    }


def order_result(order: Order) -> dict[str, Any]:
    return order_ack(order) | _order_numbers(order) | {"workingTime": order.market_ms} | _order_extras(order)


def order_full(order: Order, trades: list[Trade]) -> dict[str, Any]:
    return order_result(order) | {
        "fills": [
            {
                "price": fixed(trade.price),
                "qty": fixed(trade.quantity),
                "commission": fixed(trade.commission),
                "commissionAsset": trade.commission_asset,
                "tradeId": trade.trade_id,
            }
            for trade in trades
        ]
    }


def order_queried(order: Order) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        **_order_numbers(order),
        "stopPrice": ZERO,
        "icebergQty": ZERO,
        "time": order.market_ms,
        "updateTime": order.market_ms,
        "isWorking": True,
        "workingTime": order.market_ms,
        **_order_extras(order),
    }


def _order_numbers(order: Order) -> dict[str, Any]:
    return {
        "price": ZERO,
        "origQty": fixed(order.original_quantity),
        "executedQty": fixed(order.executed_quantity),
        "origQuoteOrderQty": fixed(order.original_quote),
        "cummulativeQuoteQty": fixed(order.executed_quote),
        "status": order.status,
        "timeInForce": "GTC",
        "type": order.type,
        "side": order.side,
    }


def _order_extras(order: Order) -> dict[str, Any]:
    """Fields Binance sends only where the order has them."""
    extras: dict[str, Any] = {"selfTradePreventionMode": order.prevention_mode}
    if order.strategy_id is not None:
        extras["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        extras["strategyType"] = order.strategy_type
    return extras


def my_trade(trade: Trade) -> dict[str, Any]:
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": fixed(trade.price),
        "qty": fixed(trade.quantity),
        "quoteQty": fixed(trade.quote),
        "commission": fixed(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.market_ms,
        "isBuyer": trade.side == "BUY",
        "isMaker": False,
        "isBestMatch": True,
    }


def account(held: Account, assets: list[str], *, omit_zero: bool) -> dict[str, Any]:
    balances = [(asset, *held.balances.get(asset, (0, 0))) for asset in assets]
    return {
        "makerCommission": MAKER_FEE_E6 // 100,
        "takerCommission": TAKER_FEE_E6 // 100,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": fixed(MAKER_FEE_E6 * 100),
            "taker": fixed(TAKER_FEE_E6 * 100),
            "buyer": ZERO,
            "seller": ZERO,
        },
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": held.updated_market_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": fixed(free), "locked": fixed(locked)}
            for asset, free, locked in balances
            if free or locked or not omit_zero
        ],
        "permissions": ["SPOT"],
        "uid": held.uid,
    }


def api_restrictions(held: Account) -> dict[str, Any]:
    return {
        "ipRestrict": False,
        "createTime": held.opened_server_ms,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
    }


def symbol_info(recorded: dict[str, Any], status: str) -> dict[str, Any]:
    """The recorded entry, promising only what this venue executes."""
    entry = dict(recorded) | dict.fromkeys(SYMBOL_FLAGS_OFF, False) | {"status": status}
    entry["orderTypes"] = [kind for kind in recorded["orderTypes"] if kind in ACCEPTED_TYPES]
    return entry
