"""The life of an order: planned in the database, claimed, sent, settled, booked. Exactly once (SPEC §7)."""
