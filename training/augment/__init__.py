"""Augmentation of what the discriminator sees: the adaptive pipe of StyleGAN2-ADA, and DiffAugment.

All of it is differentiable with respect to the pictures, twice where R1 needs it, on every device.
"""

from training.augment.differentiable import POLICIES, diff_augment
from training.augment.draws import AugmentDraws
from training.augment.pipe import GROUPS, PIPES, augment

__all__ = ["GROUPS", "PIPES", "POLICIES", "AugmentDraws", "augment", "diff_augment"]
