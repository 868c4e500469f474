"""Every operation against stored reference values, on every path."""

import json

import numpy as np
import pytest
import torch

from explorer import ops
from explorer.errors import KernelUnavailable
from tests.ops.golden import FOLDER, Case, cases, renamed
from tests.tolerances import FILTER_DESIGN, OPS

RESAMPLE = [case for case in cases("upfirdn2d") if case.op != "setup_filter"]
SETUP = [case for case in cases("upfirdn2d") if case.op == "setup_filter"]
MODULATED = {"modulated_conv2d_A": ops.modulated_conv2d, "modulated_conv2d_B": ops.modulated_conv2d_alias_free}


def check_result_and_gradient(run, case: Case) -> None:
    x = case.arrays["x"].clone().requires_grad_("dx" in case.arrays)
    y = run(x)
    torch.testing.assert_close(y.detach(), case.arrays["y"], **OPS.kwargs)
    if "dx" in case.arrays:
        (dx,) = torch.autograd.grad((y * case.arrays["r"]).sum(), x)
        torch.testing.assert_close(dx, case.arrays["dx"], **OPS.kwargs)


@pytest.mark.parametrize("impl", ["reference", "torch", "numba"])
@pytest.mark.parametrize("case", RESAMPLE, ids=str)
def test_resampling_equals_the_stored_values(case, impl):
    options = renamed(case.options, padding="pad", filter="")
    check_result_and_gradient(lambda x: getattr(ops, case.op)(x, case.arrays.get("f"), impl=impl, **options), case)


@pytest.mark.parametrize("case", SETUP, ids=str)
def test_prepared_filters_equal_the_stored_values(case):
    options = dict(case.options)
    torch.testing.assert_close(ops.setup_filter(options.pop("f"), **options), case.arrays["y"], **FILTER_DESIGN.kwargs)


@pytest.mark.parametrize("impl", ["reference", "torch", "numba"])
@pytest.mark.parametrize("case", cases("bias_act"), ids=str)
def test_bias_act_equals_the_stored_values(case, impl):
    if impl == "numba" and case.options["act"] not in ("linear", "relu", "lrelu"):
        with pytest.raises(KernelUnavailable):
            ops.bias_act(case.arrays["x"], impl="numba", act=case.options["act"])
        return
    check_result_and_gradient(lambda x: ops.bias_act(x, case.arrays.get("b"), impl=impl, **case.options), case)


def test_activation_table_has_the_published_gains_and_slopes():
    from explorer.ops.activations import ACTIVATIONS

    with np.load(FOLDER / "bias_act.npz") as stored:
        table = json.loads(str(stored["activation_table_json"]))
    assert {name: (spec.alpha, spec.gain) for name, spec in ACTIVATIONS.items()} == {
        name: (entry["def_alpha"], pytest.approx(entry["def_gain"])) for name, entry in table.items()
    }


@pytest.mark.parametrize("impl", ["reference", "torch", "numba"])
@pytest.mark.parametrize("case", cases("filtered_lrelu"), ids=str)
def test_filtered_lrelu_equals_the_stored_values(case, impl):
    options = renamed(case.options, padding="pad", layer="", radial="")
    arrays = {name: case.arrays.get(name) for name in ("fu", "fd", "b")}
    check_result_and_gradient(lambda x: ops.filtered_lrelu(x, **arrays, impl=impl, **options), case)


@pytest.mark.parametrize("case", cases("conv2d_resample"), ids=str)
def test_conv2d_resample_equals_the_stored_values(case):
    options = renamed(case.options, filter="")
    check_result_and_gradient(lambda x: ops.conv2d_resample(x, case.arrays["w"], case.arrays.get("f"), **options), case)


@pytest.mark.parametrize("case", cases("modulated_conv2d"), ids=str)
def test_modulated_convolutions_equal_the_stored_values(case):
    options = dict(case.options)
    for name, ours in {"noise": "noise", "f": "resample_filter", "input_gain": "input_gain"}.items():
        if name in case.arrays:
            options[ours] = case.arrays[name]
    arrays = case.arrays
    check_result_and_gradient(lambda x: MODULATED[case.op](x, arrays["w"], arrays["s"], **options), case)


@pytest.mark.parametrize("case", cases("filter_design"), ids=str)
def test_designed_filters_equal_the_stored_values(case):
    f = ops.lowpass_filter(**case.options)
    if "y" not in case.arrays:
        assert f is None
        return
    torch.testing.assert_close(f, case.arrays["y"], **FILTER_DESIGN.kwargs)
