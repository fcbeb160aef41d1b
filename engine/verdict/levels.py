"""A verdict on a backtest: one of four levels and the reasons for it, each of which says how much it allows."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from engine.metrics.summary import Statistics
from engine.robustness.costs import Costs
from engine.robustness.luck import MonteCarlo
from engine.verdict.texts import LEVEL_TEXTS, TEXTS
from engine.walk_forward import Comparison


class Level(IntEnum):
    """Worst first. Stored and shown by `word`."""

    UNFIT = 0
    DOUBTFUL = 1
    PROMISING = 2
    CONVINCING = 3

    @property
    def word(self) -> str:
        return self.name.lower()


LEVEL_OF_WORD: Final = {level.word: level for level in Level}


@dataclass(frozen=True, kw_only=True)
class Concentration:
    """Shares of the total result (which is above 0) that the best position and the best month brought; above 1 means
    that without it the run would have lost. `months` are those the run touched."""

    best_position: float
    best_month: float
    months: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known about a backtest. None: it was not tried, which a verdict counts against it.

    `looks_ahead`: whether the check found that a signal changes with candles still to come. `is_coarse`: bars were
    walked by themselves, without the minutes below them. `missing_share`: minutes of the period without a candle."""

    statistics: Statistics
    concentration: Concentration | None = None
    luck: MonteCarlo | None = None
    costs: Costs | None = None
    walk: Comparison | None = None
    looks_ahead: bool | None = None
    is_coarse: bool = False
    missing_share: float = 0.0
    paused_ms: int = 0


@dataclass(frozen=True)
class Reason:
    """`allows` is the best level a run with this finding can have. The values are words, ready to be put into the text
    of this code (`TEXTS`, which a translation may replace)."""

    code: str
    allows: Level
    values: dict[str, str]

    @property
    def text(self) -> str:
        return TEXTS[self.code] % self.values


@dataclass(frozen=True)
class Verdict:
    """The level is the lowest that any reason allows: no strength makes up for a weakness. Reasons: worst first."""

    level: Level
    reasons: tuple[Reason, ...]

    @property
    def text(self) -> str:
        return LEVEL_TEXTS[self.level.word]

    @property
    def deciding(self) -> tuple[Reason, ...]:
        """The reasons that hold it at its level; what would have to change first."""
        return tuple(reason for reason in self.reasons if reason.allows == self.level)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "level": self.level.word,
            "text": self.text,
            "reasons": [
                {"code": one.code, "allows": one.allows.word, "values": one.values, "text": one.text}
                for one in self.reasons
            ],
        }
