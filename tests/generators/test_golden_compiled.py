"""Whole networks on the compiled path, everywhere that it can serve, against the published values."""

import pytest

from explorer import ops
from explorer.ops import filtered, modulated, resample
from tests.generators import golden_checks as checks

NETS = ("sg2_64_rgb", "sg2_32_cond3", "sg2_32_resnet", "sg3t_64", "sg3r_64", "sgxl_t_32")


@pytest.fixture(params=NETS)
def net(request, monkeypatch):
    # Golden networks are small: where the loops would not pay, they serve all the same.
    for module in (filtered, modulated, resample):
        monkeypatch.setattr(module, "_pays", lambda *args, **options: True)
    ops.warm_up()
    before = ops.kernel_status().policy
    ops.use("auto")
    yield checks.open_net(request.param)
    ops.use(before)


def test_pictures_are_the_published_ones(net):
    checks.check_images(net)


def test_every_layer_has_the_published_values(net):
    checks.check_layers(net)


def test_gradient_to_the_styles_is_the_published_one(net):
    checks.check_style_gradient(net)
