import json

import pytest
import torch

from explorer.checkpoints import open_checkpoint
from main import main
from tests.checkpoints.networks import discriminator, snapshot_bytes, stylegan2_generator


@pytest.fixture
def snapshot(tmp_path):
    path = tmp_path / "net.pkl"
    path.write_bytes(snapshot_bytes(stylegan2_generator(c_dim=2), discriminator(c_dim=2)))
    return path


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return end.value.code, out, err


def test_info_prints_json_that_tells_what_the_file_is(snapshot, capsys):
    code, out, err = run(capsys, "info", snapshot)
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert facts["format"] == "published pickle"
    assert facts["entries"] == ["D", "G_ema"]
    assert facts["spec"]["c_dim"] == 2
    assert facts["size_bytes"] == snapshot.stat().st_size


@pytest.mark.parametrize("half", [False, True])
def test_convert_writes_a_file_that_opens_as_the_same_model(snapshot, tmp_path, capsys, half):
    target = tmp_path / "net.safetensors"
    code, out, err = run(capsys, "convert", snapshot, target, *(["--half"] if half else []))
    assert (code, out.strip(), err) == (0, str(target), "")
    before, after = open_checkpoint(snapshot), open_checkpoint(target)
    assert after.spec == before.spec
    assert after.info.card["converted_from"] == before.info.sha256
    numbers = before.generator.state_dict()
    assert half != all(torch.equal(value, numbers[name]) for name, value in after.generator.state_dict().items())


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "nothing.pkl"),
        ("info", "."),
        ("info", __file__),
        ("info", "bundled:no-such-model"),
        ("info",),
        ("convert", "nothing.pkl", "out.safetensors"),
        ("convert", __file__, "out.safetensors"),
        ("convert", __file__, "out.png"),
        ("convert", __file__, "nowhere/out.safetensors"),
        ("convert", __file__),
        ("convert", __file__, "out.onnx"),
        ("convert", __file__, "out.onnx", "--half"),
        ("convert", __file__, "nowhere/out.onnx"),
    ],
)
def test_an_input_error_is_one_line_and_code_2(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_conversion_that_fails_leaves_the_old_file(snapshot, tmp_path, capsys):
    target = tmp_path / "old.safetensors"
    target.write_bytes(b"something")
    snapshot.write_bytes(snapshot.read_bytes()[:1000])
    assert run(capsys, "convert", snapshot, target)[0] == 2
    assert target.read_bytes() == b"something"
