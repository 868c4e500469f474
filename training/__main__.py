"""``python -m training RUN --data ZIP``: start a training run, resume it, or measure what it would cost."""

import sys

from explorer.process import TRAINER_SPIN, prepare_process

if __name__ == "__main__":
    prepare_process(spin=TRAINER_SPIN)
    # Not before: it imports torch, which reads its environment once.
    from training.command import main

    sys.exit(main())
