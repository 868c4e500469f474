import pytest

from tests.generators import golden_checks as checks

STYLEGAN2 = ("sg2_64_rgb", "sg2_32_cond3", "sg2_32_resnet", "sg2_32_orig", "sg2_32_gray")

STYLEGAN3 = ("sg3t_64", "sg3t_32_cond4", "sg3r_64")

STYLEGAN_XL = ("sgxl_t_32",)

STYLEGAN_T = ("sgt_32",)

WITH_DISCRIMINATOR = STYLEGAN2 + STYLEGAN3


WITH_CLASSES_ALONE = WITH_DISCRIMINATOR + STYLEGAN_XL


@pytest.fixture(params=WITH_CLASSES_ALONE + STYLEGAN_T)
def net(request):
    return checks.open_net(request.param)


def test_mapping_gives_the_published_styles(net):
    checks.check_mapping(net)


def test_truncation_gives_the_published_styles(net):
    checks.check_truncation(net)


def test_pictures_are_the_published_ones(net):
    checks.check_images(net)


@pytest.mark.parametrize("net", STYLEGAN2 + STYLEGAN_T, indirect=True)
def test_random_noise_and_none_give_the_published_pictures(net):
    checks.check_noise_modes(net)


def test_mixed_styles_give_the_published_pictures(net):
    checks.check_mixing(net)


@pytest.mark.parametrize("net", STYLEGAN3 + STYLEGAN_XL + STYLEGAN_T, indirect=True)
def test_turned_and_shifted_pictures_are_the_published_ones(net):
    checks.check_transforms(net)


def test_every_layer_has_the_published_name_order_and_values(net):
    checks.check_layers(net)


@pytest.mark.parametrize("net", WITH_CLASSES_ALONE, indirect=True)
def test_a_whole_truncated_call_gives_the_published_picture(net):
    checks.check_whole_call(net)


@pytest.mark.parametrize("net", WITH_CLASSES_ALONE, indirect=True)
def test_bytes_are_the_published_ones(net):
    checks.check_bytes(net)


@pytest.mark.parametrize("net", WITH_DISCRIMINATOR, indirect=True)
def test_logits_are_the_published_ones_for_every_batch_size(net):
    checks.check_logits(net)


@pytest.mark.parametrize("net", WITH_CLASSES_ALONE, indirect=True)
def test_centre_of_w_moves_as_published(net):
    checks.check_average_of_w(net)


@pytest.mark.parametrize("net", STYLEGAN3 + STYLEGAN_XL, indirect=True)
def test_magnitudes_move_as_published_and_count_at_once(net):
    checks.check_magnitudes(net)


def test_gradient_to_the_styles_is_the_published_one(net):
    checks.check_style_gradient(net)


@pytest.mark.parametrize("net", WITH_CLASSES_ALONE, indirect=True)
def test_gradients_to_the_parameters_are_the_published_ones(net):
    checks.check_parameter_gradients(net)


@pytest.mark.parametrize("net", WITH_CLASSES_ALONE, indirect=True)
def test_gradient_to_the_latent_is_the_published_one(net):
    checks.check_latent_gradient(net)


@pytest.mark.parametrize("net", WITH_DISCRIMINATOR, indirect=True)
def test_gradients_of_the_discriminator_are_the_published_ones(net):
    checks.check_discriminator_gradients(net)
