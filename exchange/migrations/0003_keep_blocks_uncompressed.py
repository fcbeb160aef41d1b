"""Blocks are stored as they are: compressing one took a second, and reading part of one meant unpacking all of it."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('exchange', '0002_record_gaps_of_candles'),
    ]

    operations = [
        migrations.RunSQL(
            sql='ALTER TABLE exchange_candleblock ALTER COLUMN columns SET STORAGE EXTERNAL',
            reverse_sql='ALTER TABLE exchange_candleblock ALTER COLUMN columns SET STORAGE EXTENDED',
        ),
    ]
