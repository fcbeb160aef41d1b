"""How this room speaks upward. Receivers only write rows, inside the sender's transaction."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `api_key` when a key failed its check and is no longer valid: its bots pause.
key_invalidated = Signal()
# Sent with `user` before an account is closed; a receiver that objects raises.
account_closing = Signal()
