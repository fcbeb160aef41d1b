"""The same year through backtesting.py, in an environment of its own that is made for the bench and thrown away.

No dependency of ours: it is a yardstick, and what it prints about itself is written beside our numbers.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np

from engine.market import Candles

PEER: Final = "backtesting==0.6.6"
RUNS: Final = 5
SCRIPT: Final = """
import sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
from backtesting import Backtest, Strategy

columns = np.load(sys.argv[1])
frame = pd.DataFrame(
    {name: columns[name] / 1e8 for name in ("Open", "High", "Low", "Close")},
    index=pd.to_datetime(columns["at"], unit="ms"),
)
frame["Volume"] = columns["Volume"] / 1e8

def ema(values, length):
    return pd.Series(values).ewm(span=length, adjust=False).mean().to_numpy()

def rsi(values, length):
    change = pd.Series(values).diff()
    gain = change.clip(lower=0).ewm(alpha=1 / length, adjust=False).mean()
    loss = (-change.clip(upper=0)).ewm(alpha=1 / length, adjust=False).mean()
    return (100 * gain / (gain + loss)).to_numpy()

class Crossing(Strategy):
    def init(self):
        close = self.data.Close
        self.fast, self.slow = self.I(ema, close, 8, plot=False), self.I(ema, close, 21, plot=False)
        self.strength = self.I(rsi, close, 14, plot=False)

    def next(self):
        fast, slow = self.fast, self.slow
        crossed_up = fast[-1] > slow[-1] and fast[-2] <= slow[-2]
        crossed_down = fast[-1] < slow[-1] and fast[-2] >= slow[-2]
        if self.position:
            if crossed_down and self.strength[-1] > 35:
                self.position.close()
                return
            for trade in self.trades:
                trade.sl = max(trade.sl, self.data.High[-1] * 0.997)
        elif crossed_up and self.strength[-1] < 65:
            price = self.data.Close[-1]
            self.buy(sl=price * 0.995, tp=price * 1.015)

for _ in range(int(sys.argv[2])):
    started = time.perf_counter()
    found = Backtest(frame, Crossing, cash=10_000_000, commission=0.001, finalize_trades=True).run()
    print(time.perf_counter() - started, int(found["# Trades"]), flush=True)
"""


def peer_seconds(minutes: Candles, folder: Path) -> list[float]:
    """Seconds of each run: orders, equity and its own statistics. RuntimeError with what went wrong."""
    python = folder / "peer" / "bin" / "python"
    run([sys.executable, "-m", "venv", str(folder / "peer")])
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER])
    np.savez(
        folder / "year.npz", at=minutes.open_ms, Open=minutes.open, High=minutes.high, Low=minutes.low,
        Close=minutes.close, Volume=minutes.volume,
    )  # fmt: skip
    (folder / "peer.py").write_text(SCRIPT)
    lines = run([str(python), str(folder / "peer.py"), str(folder / "year.npz"), str(RUNS)]).splitlines()
    return [float(line.split()[0]) for line in lines]


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} failed:\n{done.stderr[-1500:]}")
    return done.stdout
