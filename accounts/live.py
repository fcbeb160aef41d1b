"""Live events: one channel per user, carrying names of what changed; pages fetch the fragment themselves."""

from __future__ import annotations
