"""What drf-spectacular cannot see by itself: our token scheme, aliases to leave out, addresses served without DRF."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme

PREFIX = "/api/v1"
# Other names for the same lists; the schema shows every address once, under its first name.
ALIASES = ("bot_config",)


class TokenScheme(SimpleJWTScheme):  # type: ignore[misc]
    target_class = "accounts.tokens.TokenAuthentication"
    name = "bearer"


def without_aliases(endpoints: list[Any]) -> list[Any]:
    hidden = (*(f"{PREFIX}/{alias}/" for alias in ALIASES), f"{PREFIX}/backtest/", f"{PREFIX}/trades.csv")
    return [endpoint for endpoint in endpoints if not endpoint[0].startswith(hidden)]


def with_plain_addresses(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """The event stream and health: plain Django views, described by hand."""
    result["paths"][f"{PREFIX}/bots/{{id}}/status-stream/"] = {
        "get": {
            "operationId": "bots_status_stream",
            "description": "Server-sent events of a bot's state: the first at once, then one on every change.",
            "parameters": [{"in": "path", "name": "id", "required": True, "schema": {"type": "integer"}}],
            "tags": ["bots"],
            "security": [{"bearer": []}, {"cookieAuth": []}],
            "responses": {
                "200": _answer("text/event-stream", "Events of JSON."),
                "404": {"description": "Not yours."},
            },
        }
    }
    result["paths"][f"{PREFIX}/health/"] = {
        "get": {
            "operationId": "health",
            "description": "Whether every part of the installation answers.",
            "tags": ["health"],
            "security": [{}],
            "responses": {
                "200": _answer("application/json", "It works.", "object"),
                "503": {"description": "It does not."},
            },
        }
    }
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _answer(kind: str, description: str, type_: str = "string") -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": {"type": type_}}}}
