"""One JSON line on stderr per thing worth knowing: event name plus ids, never a request's body, never a secret."""

import json
import sys
from datetime import UTC, datetime
from typing import Any


def log(event: str, **fields: Any) -> None:
    line = {"at": datetime.now(tz=UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
    print(json.dumps(line), file=sys.stderr, flush=True)
