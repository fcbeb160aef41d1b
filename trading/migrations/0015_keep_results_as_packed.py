"""Results are packed already: compressing them again takes time and saves nothing."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("trading", "0014_schedule_backtests")]
    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE trading_backtest ALTER COLUMN results SET STORAGE EXTERNAL",
            reverse_sql="ALTER TABLE trading_backtest ALTER COLUMN results SET STORAGE EXTENDED",
        ),
    ]
