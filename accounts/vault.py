"""The vault: the only module that sees an exchange key or its secret in the clear.

What leaves it is either sealed, masked, a fingerprint, or `Credentials`, whose repr shows nothing.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from exchange.port import Credentials

if TYPE_CHECKING:
    from accounts.models import ApiKey


class VaultError(Exception):
    """A sealed text cannot be opened with the keys of this installation. The message never says what was in it."""


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _current_box() -> MultiFernet:
    return _box(tuple(settings.FERNET_KEYS))


def seal(text: str) -> bytes:
    """`text` encrypted with the newest of FERNET_KEYS."""
    return _current_box().encrypt(text.encode())


def open_sealed(data: bytes | memoryview) -> str:
    """What `seal` was given, if any of FERNET_KEYS opens it; else VaultError."""
    try:
        return _current_box().decrypt(bytes(data)).decode()
    except (InvalidToken, UnicodeDecodeError):
        # `from None`: the cause carries the sealed bytes in its frames.
        raise VaultError(
            "A stored key cannot be decrypted: FERNET_KEYS lacks the key it was sealed with."
        ) from None


def reseal(data: bytes | memoryview) -> bytes:
    """The same text, encrypted with the newest key; its time stamp is kept."""
    try:
        return _current_box().rotate(bytes(data))
    except InvalidToken:
        raise VaultError(
            "A stored key cannot be decrypted: FERNET_KEYS lacks the key it was sealed with."
        ) from None


def credentials_of(api_key: ApiKey) -> Credentials:
    """The opened pair of a stored key, for the one client that signs with it."""
    return Credentials(open_sealed(api_key.encrypted_api_key), open_sealed(api_key.encrypted_secret_key))


def mask(key: str) -> str:
    """First four, four stars, last four: all that is ever shown. A key too short for that shows stars only."""
    return f"{key[:4]}****{key[-4:]}" if len(key) >= 16 else "****"


def fingerprint(key: str) -> str:
    """SHA-256 of the key: finds a key entered twice without opening the vault."""
    return hashlib.sha256(key.encode()).hexdigest()
