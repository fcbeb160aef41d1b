# Written by makemigrations: one more word for what was done.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_name_renamed_keys'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditentry',
            name='event',
            field=models.CharField(choices=[('signed_up', 'Signed up'), ('signed_in', 'Signed in'), ('sign_in_failed', 'Sign-in failed'), ('signed_out', 'Signed out'), ('session_ended', 'Session ended'), ('password_changed', 'Password changed'), ('password_reset_asked', 'Password reset asked for'), ('password_reset', 'Password reset'), ('user_changed', 'Rights changed'), ('key_added', 'Key added'), ('key_renamed', 'Key renamed'), ('key_deleted', 'Key deleted'), ('key_invalid', 'Key refused by its exchange'), ('key_valid', 'Key valid again'), ('paper_reset', 'Paper balance reset'), ('account_limit_changed', 'Account limit changed'), ('bot_created', 'Bot created'), ('bot_changed', 'Configuration changed'), ('bot_deleted', 'Bot deleted'), ('bot_started', 'Bot started'), ('bot_stopped', 'Bot stopped'), ('bot_state_changed', 'Bot state changed'), ('exit_prices_changed', 'Stop or target moved by hand'), ('position_close_asked', 'Position closed by hand'), ('halt_set', 'Halt set'), ('halt_ended', 'Halt ended'), ('went_flat', 'Everything stopped and sold')], max_length=30),
        ),
    ]
