"""Draws this installation's tag at the moment its database is created."""

from django.db import migrations


def draw(apps, schema_editor):
    from trading.models.installation import draw_tag

    apps.get_model("trading", "Installation").objects.get_or_create(id=1, defaults={"tag": draw_tag()})


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial")]
    operations = [migrations.RunPython(draw, migrations.RunPython.noop)]
