"""`python -m detection.deep`: prepare the third reader's working files, as `make setup` does. Exit status 2 on one clear line."""

import sys

from detection.deep.third import build_third
from reference.errors import VigieError

if __name__ == "__main__":
    try:
        build_third()
    except VigieError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
