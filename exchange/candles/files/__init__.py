"""Candles from files: CSV, Parquet, Feather, and ZIP archives in the layout Binance publishes.

A file is read whole, checked whole, and stored whole or not at all; what is wrong names file, line and value.
"""

from exchange.candles.files.importing import Imported, import_file
from exchange.candles.files.listing import Found, Skipped, list_files
from exchange.candles.files.sheet import FileRefused

__all__ = ["FileRefused", "Found", "Imported", "Skipped", "import_file", "list_files"]
