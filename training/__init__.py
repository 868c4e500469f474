"""Training, a process of its own: data, losses, loop, snapshots. ``python -m training``."""
