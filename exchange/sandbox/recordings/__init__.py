"""Recorded candles and symbol rules shipped with the project; README.md says where they come from."""
