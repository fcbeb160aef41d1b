"""`manage.py parity`: compares bots with their backtests, in this process. Exit 1 where a difference is of logic, 2
where there is no such bot.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots.models import BotConfig
from engine.parity import Cause
from trading.models import ParityCheck
from trading.research.parity import check_parity

USAGE: Final = 2


class Command(BaseCommand):
    help = "Compare what bots traded with what their backtests trade over the same candles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bots", nargs="*", type=int, help="numbers of bots; without any, all that work")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = BotConfig.objects.filter(archived_at__isnull=True)
        wanted = wanted.filter(pk__in=options["bots"]) if options["bots"] else wanted.filter(is_active=True)
        missing = set(options["bots"]) - set(wanted.values_list("pk", flat=True))
        if missing:
            raise CommandError(f"There is no bot {', '.join(map(str, sorted(missing)))}.", returncode=USAGE)
        checks = [self.compare(bot) for bot in wanted.order_by("pk")]
        logic = sum(check.causes.get(Cause.LOGIC, 0) + len(check.signals_apart) for check in checks)
        if options["json"]:
            trades = sum(check.trades for check in checks)
            self.stdout.write(json.dumps({"bots": len(checks), "trades": trades, "logic": logic}))
        if logic:
            sys.exit(1)

    def compare(self, bot: BotConfig) -> ParityCheck:
        line = check_parity(bot.pk)
        check: ParityCheck = ParityCheck.objects.get(bot_config=bot)
        causes = ", ".join(f"{count} {cause}" for cause, count in check.causes.items()) or check.message
        told = f"{bot.name}: {line}, {check.agreeing} of {check.trades} trades"
        self.stdout.write(f"{told}; {causes}" if causes else told)
        return check
