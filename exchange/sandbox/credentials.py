"""Paper keys: minted anywhere, verified here. A key's secret is an HMAC of the key, so minting needs no server."""

import hashlib
import hmac
import re
import secrets
import string

KEY_LENGTH = 64
_ALPHABET = string.ascii_letters + string.digits
_WELL_FORMED = re.compile(r"[A-Za-z0-9]{64}\Z")


def mint_api_key() -> str:
    """A fresh public key: 64 letters and digits, as Binance's are."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


def secret_for(api_key: str, key_secret: str) -> str:
    """The secret that belongs to `api_key` in the installation whose paper secret is `key_secret`; 64 hex digits."""
    message = b"tradebot sandbox secret " + api_key.encode()
    return hmac.new(key_secret.encode(), message, hashlib.sha256).hexdigest()


def uid_of(api_key: str) -> int:
    """The account a key opens: the same number everywhere, below 2**48."""
    return int.from_bytes(hashlib.sha256(b"tradebot sandbox uid " + api_key.encode()).digest()[:6], "big")


def is_well_formed(api_key: str) -> bool:
    return _WELL_FORMED.match(api_key) is not None
