"""Puts the schedules into the database: every minute, every few seconds, hourly, and midnight UTC. Literal values, so
that this migration means the same for ever; an operator's own changes to a schedule are kept."""

from django.db import migrations
from django.utils import timezone

CRONTABS = {
    "run all due bots every minute": ("trading.run_bot_task_for_all", {"minute": "*", "hour": "*"}),
    "reset daily counters at midnight UTC": ("trading.reactivate_bots_after_reset", {"minute": "0", "hour": "0"}),
    "refresh symbol rules every hour": ("exchange.warm_symbols", {"minute": "7", "hour": "*"}),
    "pack finished months of candles": ("exchange.pack_candles", {"minute": "20", "hour": "0"}),
}
INTERVALS = {"settle orders every five seconds": ("trading.settle_orders", 5)}


def schedule(apps, schema_editor):
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    CrontabSchedule = apps.get_model("django_celery_beat", "CrontabSchedule")
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTasks = apps.get_model("django_celery_beat", "PeriodicTasks")
    for name, (task, when) in CRONTABS.items():
        crontab, _ = CrontabSchedule.objects.get_or_create(
            **when, day_of_week="*", day_of_month="*", month_of_year="*", timezone="UTC"
        )
        PeriodicTask.objects.get_or_create(name=name, defaults={"task": task, "crontab": crontab})
    for name, (task, seconds) in INTERVALS.items():
        interval, _ = IntervalSchedule.objects.get_or_create(every=seconds, period="seconds")
        PeriodicTask.objects.get_or_create(name=name, defaults={"task": task, "interval": interval})
    # Historical models fire none of beat's signals: this row is how a running beat learns of the change.
    PeriodicTasks.objects.update_or_create(ident=1, defaults={"last_update": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0002_draw_installation_tag"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
