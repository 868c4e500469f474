"""``python -m training RUN --data ZIP``: start a training run, resume it, or measure what it would cost."""

import sys

from training.command import main

if __name__ == "__main__":
    sys.exit(main())
