"""The audit log is append-only in the database too: no row goes, and no row changes but once, when it is sealed."""

from django.db import migrations

CREATE = """
CREATE FUNCTION auditentry_append_only() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.sequence IS NULL AND NEW.sequence IS NOT NULL
            AND (NEW.id, NEW.created_at, NEW.at, NEW.event, NEW.actor_id, NEW.owner_id, NEW.address,
                 NEW.subject_kind, NEW.subject_id, NEW.subject, NEW.before, NEW.after)
            IS NOT DISTINCT FROM
                (OLD.id, OLD.created_at, OLD.at, OLD.event, OLD.actor_id, OLD.owner_id, OLD.address,
                 OLD.subject_kind, OLD.subject_id, OLD.subject, OLD.before, OLD.after)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$ LANGUAGE plpgsql;
CREATE TRIGGER auditentry_append_only BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION auditentry_append_only();
"""
DROP = """
DROP TRIGGER auditentry_append_only ON accounts_auditentry;
DROP FUNCTION auditentry_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_add_audit_log_and_reset_token")]
    operations = [migrations.RunSQL(CREATE, DROP)]
