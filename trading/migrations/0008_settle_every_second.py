"""Protection is placed within a second or two, so whatever is not final is looked at every second. A schedule that an
operator has changed is left as it is."""

from django.db import migrations
from django.utils import timezone

OLD, NEW = "settle orders every five seconds", "settle orders every second"


def schedule(apps, schema_editor):
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTasks = apps.get_model("django_celery_beat", "PeriodicTasks")
    every_second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.filter(name=OLD, interval__every=5).update(name=NEW, interval=every_second)
    # Historical models fire none of the signals of beat: this row is how a running beat learns of the change.
    PeriodicTasks.objects.update_or_create(ident=1, defaults={"last_update": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0007_decide_twice_on_a_candle"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
