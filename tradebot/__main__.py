"""`python -m tradebot VERB …`: what `./run VERB …` becomes once the environment stands."""

import sys

from tradebot.verbs.entrance import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
