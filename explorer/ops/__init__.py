"""Operations under the networks: resampling, activations and modulated convolutions.

Every operation takes torch tensors on any device and is differentiable, twice where the trainer needs it. Which
implementation serves is decided in `explorer.ops.dispatch`.
"""

from explorer.ops.activations import bias_act
from explorer.ops.convolution import conv2d_resample
from explorer.ops.dispatch import KernelStatus, Served, kernel_status, take_served, use, warm_up
from explorer.ops.ends import Epilogue
from explorer.ops.filter_design import lowpass_filter, setup_filter
from explorer.ops.filtered import filtered_lrelu
from explorer.ops.modulated import modulated_conv2d, modulated_conv2d_alias_free
from explorer.ops.resample import downsample2d, filter2d, upfirdn2d, upsample2d

__all__ = [
    "Epilogue",
    "KernelStatus",
    "Served",
    "bias_act",
    "conv2d_resample",
    "downsample2d",
    "filter2d",
    "filtered_lrelu",
    "kernel_status",
    "lowpass_filter",
    "modulated_conv2d",
    "modulated_conv2d_alias_free",
    "setup_filter",
    "take_served",
    "upfirdn2d",
    "upsample2d",
    "use",
    "warm_up",
]
