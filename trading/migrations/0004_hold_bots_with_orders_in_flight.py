"""A bot with an unsettled order stays where that order is: neither moved to another symbol, key or market, nor deleted.

`bots` may not know orders (rooms import one way), so the database says it to whoever tries.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION botconfig_hold_while_ordering() RETURNS trigger AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM trading_order
        WHERE bot_config_id = OLD.id
          AND state IN ('planned', 'sending', 'unknown', 'open', 'partially_filled')
    ) THEN
        RAISE EXCEPTION 'bot % has an order in flight', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'botconfig_order_in_flight';
    END IF;
    RETURN NEW;
END
$$ LANGUAGE plpgsql;
CREATE TRIGGER botconfig_hold_while_ordering
    BEFORE UPDATE ON bots_botconfig FOR EACH ROW
    WHEN ((OLD.symbol, OLD.position_type, OLD.api_key_id, OLD.archived_at)
          IS DISTINCT FROM (NEW.symbol, NEW.position_type, NEW.api_key_id, NEW.archived_at))
    EXECUTE FUNCTION botconfig_hold_while_ordering();
"""
DROP = "DROP TRIGGER botconfig_hold_while_ordering ON bots_botconfig; DROP FUNCTION botconfig_hold_while_ordering();"


class Migration(migrations.Migration):
    dependencies = [
        ("bots", "0003_free_the_keys_of_archived_bots"),
        ("trading", "0003_schedule_tasks"),
    ]
    operations = [migrations.RunSQL(CREATE, DROP)]
