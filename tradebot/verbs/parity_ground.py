"""The ground of `./run parity`: an instance of its own whose market stands at a fixed instant of the recording, and
bots made over its API.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from exchange.sandbox.control import ControlClient
from tradebot.verbs.chaos_ground import WAKE_EVERY_SECOND
from tradebot.verbs.own_api import Api
from tradebot.verbs.own_instance import OwnInstance
from tradebot.verbs.parity_bots import ParityBot

GIVE_UP_SECONDS = 60.0
OTHERS_HOLD = "SELECT count(*) FROM trading_position WHERE closed_at IS NULL"


def step_instance(folder: Path, start_ms: int) -> OwnInstance:
    """Not started yet; its market will stand at `start_ms` of recorded time, wherever the present is."""
    instance = OwnInstance(folder)
    instance.environment |= {"SANDBOX_CLOCK": "step", "SANDBOX_START_MS": str(start_ms)}
    return instance


class Ground:
    """A started instance, its market and its database."""

    def __init__(self, instance: OwnInstance) -> None:
        self.instance = instance
        records = instance.records
        self.control = ControlClient(records["sandbox_url"], records["sandbox_token"])
        self.database = psycopg.connect(records["database_url"], autocommit=True)
        self.api = Api(instance)

    def __enter__(self) -> Ground:
        return self

    def __exit__(self, *exception: object) -> None:
        self.database.close()

    def prepare(self, bots: Sequence[ParityBot]) -> dict[int, ParityBot]:
        """The demo's bots stopped and flat, ours made and started: by their ids."""
        self.api.sign_in()
        self.send_demo_home()
        keys = {
            number: int(self.api.post("api-keys/", {"label": f"Parity {number}", "venue": "sandbox"})["id"])
            for number in sorted({bot.account for bot in bots})
        }
        made = {self.make(bot, keys[bot.account]): bot for bot in bots}
        for bot_id in made:
            self.api.post(f"bots/{bot_id}/start/", {})
        return made

    def send_demo_home(self) -> None:
        for bot in self.api.get("bot-configs/?limit=200")["results"]:
            self.api.post(f"bots/{bot['id']}/stop/", {"position": "close"})
        # Midnight of a stepped market may come at any second: whom the new day wakes is not left to the full minute.
        done = self.instance.manage("shell", "-c", WAKE_EVERY_SECOND)
        if done.returncode != 0:
            raise RuntimeError(f"The schedule could not be changed:\n{done.stderr[-1500:]}")
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while self.count(OTHERS_HOLD):
            if time.monotonic() > give_up_at:
                raise RuntimeError("The demo's bots did not sell what they hold.")
            time.sleep(0.1)

    def make(self, bot: ParityBot, key: int) -> int:
        return int(self.api.post("bot-configs/", bot.body(key))["id"])

    def count(self, query: str) -> int:
        row = self.database.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])
