"""How far a result may lie from what it is compared with: one table for all tests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Bounds as `torch.testing.assert_close` and `numpy.testing.assert_allclose` read them."""

    rtol: float
    atol: float

    @property
    def kwargs(self) -> dict[str, float]:
        """For ``assert_close(a, b, **TOLERANCE.kwargs)``."""
        return {"rtol": self.rtol, "atol": self.atol}

    @property
    def approx(self) -> dict[str, float]:
        """For ``a == pytest.approx(b, **TOLERANCE.approx)``."""
        return {"rel": self.rtol, "abs": self.atol}


# Single operations against golden values, float32.
OPS = Tolerance(rtol=1e-4, atol=1e-5)
FILTER_DESIGN = Tolerance(rtol=1e-4, atol=1e-7)
# A float32 path against the float64 reference, on inputs of unit variance.
OPS_REFERENCE = Tolerance(rtol=1e-4, atol=2e-5)
# Two float64 evaluations of one formula in different order.
DOUBLE = Tolerance(rtol=1e-9, atol=1e-10)
HALF = Tolerance(rtol=2e-2, atol=2e-2)

# Whole networks against golden values, float32: styles and logits; pictures and features, as a share of
# max(1, deviation of the picture); gradients, as a share of the largest.
NETS = Tolerance(rtol=1e-4, atol=1e-5)
IMAGE_SHARE = 1e-4
GRADIENT_SHARE = 1e-3
# Styles w and logits against golden values.
STYLES = Tolerance(rtol=1e-4, atol=1e-5)
# Pictures of whole networks in half precision against float32, as a share of max(1, deviation of the picture).
HALF_IMAGE_SHARE = {"float16": 0.03, "bfloat16": 0.2}
# Training losses, their running averages and gradients against golden values.
LOSS = Tolerance(rtol=2e-3, atol=1e-6)
# Spreads estimated from 4,096 samples, against the true ones.
DIRECTIONS = Tolerance(rtol=5e-2, atol=1e-6)
# Scores of discriminators read from older and third-party files.
FORMAT_SCORES = Tolerance(rtol=1e-3, atol=1e-4)
# Means, deviations and largest magnitudes of a layer's activations.
FEATURES = Tolerance(rtol=1e-4, atol=2e-5)
# Power spectra between 0 and 1, as they are drawn: one level.
SPECTRUM = Tolerance(rtol=0, atol=1 / 255)
# Peak signal-to-noise ratios of equivariance, in decibels.
DECIBELS = Tolerance(rtol=0, atol=0.1)
# Scores of a feature network kept in half precision, about -10 to 10, against the published ones.
FEATURE_SCORES = Tolerance(rtol=0, atol=0.08)
# Features of one picture, alone and in a batch.
NETS_BATCHED = Tolerance(rtol=1e-3, atol=1e-4)
# Means and shares over thousands of random draws.
AUGMENT_MEANS = Tolerance(rtol=5e-2, atol=2e-2)
# Finite differences through float32.
GRADIENT_CHECK = Tolerance(rtol=1e-2, atol=1e-2)
# Weights after a few steps of Adam that were computed in parts: a step that is nearly 0 may go either way.
PARTS = Tolerance(rtol=1e-3, atol=2e-5)
# Weights after four steps of two processes against one: sums in another order, through Adam.
RANKS = Tolerance(rtol=2e-3, atol=1e-4)
