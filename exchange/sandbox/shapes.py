"""Orders, trades, accounts and symbols in Binance's JSON: numbers as strings of eight places, ids as integers."""

from typing import Any

from exchange.sandbox.filling import MAKER_FEE_E6, TAKER_FEE_E6
from exchange.sandbox.public_trades import PublicTrade
from exchange.sandbox.state import Account, Order, OrderList, Trade
from exchange.sandbox.tape import E8

ZERO = "0.00000000"
SYMBOL_FLAGS_OFF = (
    "icebergAllowed",
    "otoAllowed",
    "opoAllowed",
    "allowTrailingStop",
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
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": order.market_ms,
    }


def order_result(order: Order) -> dict[str, Any]:
    return (
        order_ack(order)
        | _order_numbers(order)
        | {"workingTime": working_ms(order)}
        | _stop_price(order)
        | _order_extras(order)
    )


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
    """The client order id stays the order's own after a cancel: the cancel's is told to whom it was answered."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        **_order_numbers(order),
        "stopPrice": fixed(order.stop_price),
        "icebergQty": ZERO,
        "time": order.market_ms,
        "updateTime": order.market_ms if order.updated_ms is None else order.updated_ms,
        "isWorking": order.is_working,
        "workingTime": working_ms(order),
        **_order_extras(order),
    }


def order_cancelled(order: Order) -> dict[str, Any]:
    """A cancel's answer: the order under its own id as `origClientOrderId`, and the id of the cancel."""
    return (
        {
            "symbol": order.symbol,
            "origClientOrderId": order.client_order_id,
            "orderId": order.order_id,
            "orderListId": order.list_id,
            "clientOrderId": order.cancel_client_order_id,
            "transactTime": order.updated_ms,
        }
        | _order_numbers(order)
        | _stop_price(order)
        | _order_extras(order)
    )


def order_list(found: OrderList, orders: list[Order]) -> dict[str, Any]:
    return {
        "orderListId": found.list_id,
        "contingencyType": found.contingency_type,
        "listStatusType": found.status_type,
        "listOrderStatus": found.order_status,
        "listClientOrderId": found.client_order_id,
        "transactionTime": found.updated_ms,
        "symbol": found.symbol,
        "orders": [
            {"symbol": order.symbol, "orderId": order.order_id, "clientOrderId": order.client_order_id}
            for order in orders
        ],
    }


def working_ms(order: Order) -> int:
    """Since when it works; -1 while a condition keeps it from working."""
    return order.waits_since_ms if order.is_working else -1


def _stop_price(order: Order) -> dict[str, Any]:
    return {"stopPrice": fixed(order.stop_price)} if order.stop_price else {}


def _order_numbers(order: Order) -> dict[str, Any]:
    return {
        "price": fixed(order.price),
        "origQty": fixed(order.original_quantity),
        "executedQty": fixed(order.executed_quantity),
        "origQuoteOrderQty": fixed(order.original_quote),
        "cummulativeQuoteQty": fixed(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
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
    if order.expiry_reason is not None:
        extras["expiryReason"] = order.expiry_reason
    return extras


def my_trade(trade: Trade) -> dict[str, Any]:
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "orderListId": trade.list_id,
        "price": fixed(trade.price),
        "qty": fixed(trade.quantity),
        "quoteQty": fixed(trade.quote),
        "commission": fixed(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.market_ms,
        "isBuyer": trade.side == "BUY",
        "isMaker": trade.is_maker,
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


def _rates(taker_e8: int, maker_e8: int) -> dict[str, str]:
    return {"maker": fixed(maker_e8), "taker": fixed(taker_e8)}


_STANDARD = _rates(TAKER_FEE_E6 * 100, MAKER_FEE_E6 * 100)
_NONE = _rates(0, 0)
_DISCOUNT = {
    "enabledForAccount": False,
    "enabledForSymbol": False,
    "discountAsset": "BNB",
    "discount": "0.75000000",
}


def commission_of_order() -> dict[str, Any]:
    return {
        "standardCommissionForOrder": _STANDARD,
        "specialCommissionForOrder": _NONE,
        "taxCommissionForOrder": _NONE,
        "discount": _DISCOUNT,
    }


def commission_of_account(symbol: str) -> dict[str, Any]:
    nothing = _NONE | {"buyer": ZERO, "seller": ZERO}
    return {
        "symbol": symbol,
        "standardCommission": nothing | _STANDARD,
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": _DISCOUNT,
    }


def trade_fee(symbol: str) -> dict[str, Any]:
    """Rates as the wallet's API writes them: without trailing zeros."""
    return {
        "symbol": symbol,
        "makerCommission": str(MAKER_FEE_E6 / 10**6),
        "takerCommission": str(TAKER_FEE_E6 / 10**6),
    }


def symbol_info(recorded: dict[str, Any], status: str) -> dict[str, Any]:
    """The recorded entry, promising only what this venue executes."""
    return dict(recorded) | dict.fromkeys(SYMBOL_FLAGS_OFF, False) | {"status": status}


def aggregate_trade(trade: PublicTrade) -> dict[str, Any]:
    """Every trade is an aggregate of its own."""
    return {
        "a": trade.trade_id,
        "p": fixed(trade.price),
        "q": fixed(trade.quantity),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.market_ms,
        "m": trade.is_buyer_maker,
        "M": True,
    }
