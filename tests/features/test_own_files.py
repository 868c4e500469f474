import pickle
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from safetensors.torch import save_file

from explorer.errors import CheckpointError
from explorer.features import bundled_features, feature_distance, load_features, unit_features
from tests.features.nets import WIDTHS, lpips, torchvision_features, torchvision_vgg
from tests.tolerances import OPS


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    torch.save(torchvision_vgg(), path)
    return path


def test_a_state_dict_of_torchvision_gives_its_features(vgg_file: Path) -> None:
    images = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    found = load_features(vgg_file)(images * 2 - 1)
    for ours, theirs in zip(found, torchvision_features(torchvision_vgg(), images), strict=True):
        torch.testing.assert_close(ours, theirs, **OPS.kwargs)


def test_an_lpips_file_brings_the_weights_of_its_channels(tmp_path: Path) -> None:
    state = lpips()
    torch.save({"state_dict": state}, tmp_path / "lpips.pth")
    network = load_features(tmp_path / "lpips.pth")
    assert [len(head) for head in network.heads if head is not None] == list(WIDTHS)

    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    a, b = (unit_features(network(picture)) for picture in pictures.split(1))
    expected = sum(
        ((left - right).square() * state[f"lin{stage}.model.1.weight"]).sum(dim=1).mean()
        for stage, (left, right) in enumerate(zip(a, b, strict=True))
    )
    torch.testing.assert_close(feature_distance(a, b, heads=network.heads)[0], expected, **OPS.kwargs)


def test_safetensors_of_anybody_are_read(tmp_path: Path, vgg_file: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in torchvision_vgg().items()}, tmp_path / "vgg.safetensors")
    picture = torch.zeros(1, 3, 16, 16)
    pairs = zip(load_features(tmp_path / "vgg.safetensors")(picture), load_features(vgg_file)(picture), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_torchscript_program_is_refused_unread(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "vgg16.pt", "w") as archive:
        archive.writestr("vgg16/data.pkl", b"\x80\x02}.")
        archive.writestr("vgg16/code/__torch__.py", "op_version_set = 1")
    with pytest.raises(CheckpointError, match="TorchScript"):
        load_features(tmp_path / "vgg16.pt")


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("sprung"),))


def test_nothing_in_a_file_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": _Trap()}, "trap.pth")
    with pytest.raises(CheckpointError, match="nothing was run"):
        load_features("trap.pth")
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match="no plain weights"):
        load_features("plain.pkl")
    assert not (tmp_path / "sprung").exists()


def test_weights_of_another_kind_are_named(tmp_path: Path) -> None:
    torch.save({"layer4.weight": torch.zeros(2)}, tmp_path / "resnet.pth")
    with pytest.raises(CheckpointError, match=r"no feature network that is known \(the file holds layer4\.weight\)"):
        load_features(tmp_path / "resnet.pth")


def test_a_wrong_shape_and_a_missing_tensor_are_refused(tmp_path: Path) -> None:
    state = torchvision_vgg()
    torch.save({**state, "features.2.bias": torch.zeros(3)}, tmp_path / "shape.pth")
    with pytest.raises(CheckpointError, match=r"\(3,\): it should have \(64,\)"):
        load_features(tmp_path / "shape.pth")
    torch.save({name: tensor for name, tensor in state.items() if name != "features.28.bias"}, tmp_path / "cut.pth")
    with pytest.raises(CheckpointError, match=r"no tensor features\.28\.bias"):
        load_features(tmp_path / "cut.pth")


def test_a_missing_file_and_an_unknown_name_are_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        load_features(tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match="there is no feature network 'other'"):
        bundled_features("other")
