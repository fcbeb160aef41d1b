"""python-binance, unmodified except for where it calls: class attributes, as its own documentation has it."""

from binance import AsyncClient, BinanceSocketManager, Client


def rest_urls(venue):
    return {
        "API_URL": venue.url + "/api",
        "MARGIN_API_URL": venue.url + "/sapi",
        "WS_API_URL": venue.ws_url + "/ws-api/v3",
    }


def sync_client(venue) -> Client:
    return type("VenueClient", (Client,), rest_urls(venue))(*venue.new_key())


async def async_client(venue) -> AsyncClient:
    return await type("VenueAsyncClient", (AsyncClient,), rest_urls(venue)).create(*venue.new_key())


def socket_manager(venue, client) -> BinanceSocketManager:
    kind = type("VenueSockets", (BinanceSocketManager,), {"STREAM_URL": venue.ws_url + "/"})
    return kind(client, max_queue_size=10_000)
