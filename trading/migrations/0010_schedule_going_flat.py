"""Going flat asks again until nothing is left, and accounts that lose too much are found, should a process have ended in
between. Creates only what is missing."""

from django.db import migrations
from django.utils import timezone

INTERVALS = {
    "keep going flat every five seconds": ("trading.keep_going_flat", 5),
    "watch the losses of accounts every thirty seconds": ("trading.halt_losing_accounts", 30),
}


def schedule(apps, schema_editor):
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTasks = apps.get_model("django_celery_beat", "PeriodicTasks")
    for name, (task, seconds) in INTERVALS.items():
        interval, _ = IntervalSchedule.objects.get_or_create(every=seconds, period="seconds")
        PeriodicTask.objects.get_or_create(name=name, defaults={"task": task, "interval": interval})
    # Historical models fire none of the signals of beat: this row is how a running beat learns of the change.
    PeriodicTasks.objects.update_or_create(ident=1, defaults={"last_update": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0009_flat_receipts"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
