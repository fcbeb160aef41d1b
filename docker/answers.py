"""Health check of a container: exit 0 when the address answers 200 within three seconds."""

import sys
import urllib.request

if __name__ == "__main__":
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(sys.argv[1], timeout=3) as answer:
        sys.exit(0 if answer.status == 200 else 1)
