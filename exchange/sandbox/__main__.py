"""`python -m exchange.sandbox`: the sandbox exchange as told by the environment."""

import os
import sys

from exchange.sandbox.journal import JournalInUse, OtherRecording
from exchange.sandbox.logbook import log
from exchange.sandbox.options import OptionsError, options_from


def main() -> int:
    from exchange.sandbox.server import serve

    try:
        serve(options_from(os.environ))
    except OptionsError as wrong:
        log("refused", reason=str(wrong))
        return 2
    except OtherRecording as wrong:
        log("refused", reason=str(wrong))
        return 3
    except JournalInUse as busy:
        log("refused", reason=str(busy))
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
