"""What the pages of backtests show: form, report, charts, comparison. The work itself is `trading.research`'s."""
