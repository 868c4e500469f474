"""``python -m training.distil TEACHER OUT.safetensors``: begin a lesson, or go on with it."""

import sys

from explorer.process import TRAINER_SPIN, prepare_process

if __name__ == "__main__":
    prepare_process(spin=TRAINER_SPIN)
    # Not before: it imports torch, which reads its environment once.
    from training.distil.command import main

    sys.exit(main())
