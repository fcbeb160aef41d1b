"""Health check of a worker, beat or feed: exit 0 when the process gave a sign of life in the last twenty seconds."""

import os
import sys
import time

import redis

if __name__ == "__main__":
    client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2)
    last = client.get(f"tradebot:heartbeat:{sys.argv[1]}")
    sys.exit(0 if last is not None and time.time() - float(last) < 20 else 1)
