"""`last_updated_at` is set by the database, because set-based writes skip `auto_now`."""

from django.db import migrations

CREATE = """
CREATE FUNCTION botstate_touch() RETURNS trigger AS $$
BEGIN
    NEW.last_updated_at := clock_timestamp();
    RETURN NEW;
END
$$ LANGUAGE plpgsql;
CREATE TRIGGER botstate_touch BEFORE INSERT OR UPDATE ON bots_botstate
    FOR EACH ROW EXECUTE FUNCTION botstate_touch();
"""
DROP = "DROP TRIGGER botstate_touch ON bots_botstate; DROP FUNCTION botstate_touch();"


class Migration(migrations.Migration):
    dependencies = [("bots", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
