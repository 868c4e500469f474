"""Checkpoints of any origin, opened as data: nothing in a file is ever executed."""
