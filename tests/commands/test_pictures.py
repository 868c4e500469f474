import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.checkpoints import open_checkpoint
from explorer.commands.errors import run
from explorer.rendering import use_threads
from explorer.session import Session
from explorer.state import ClassMix, EditState, Mix, Noise, SeedBlend, SeedPad, Slider, Transform, Truncation
from main import cli
from tests.models import GOLDEN, write_stylegan2, write_stylegan3

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "plain": write_stylegan2(folder / "plain.safetensors"),
        "classes": write_stylegan2(folder / "classes.safetensors", seed=1, c_dim=3),
        "stylegan3": write_stylegan3(folder / "third.safetensors"),
        "grey": GOLDEN / "nets" / "sg2_32_gray.pkl",
    }


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def seed_state(seed: int, **values: object) -> EditState:
    return EditState(latent=SeedBlend(((seed, 1.0),)), **values)


def test_every_seed_becomes_a_file_of_its_own(files: dict[str, Path], tmp_path: Path) -> None:
    assert run(cli, ["render", str(files["plain"]), "--seeds", "0-2,7", "--out", str(tmp_path / "new" / "out")]) == 0

    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [
        "seed0000.png",
        "seed0001.png",
        "seed0002.png",
        "seed0007.png",
    ]
    expected = explorer.render(seed_state(7), open_checkpoint(files["plain"])).pixels
    assert np.array_equal(read(tmp_path / "new" / "out" / "seed0007.png"), expected)


@pytest.mark.parametrize(
    ("model", "flags", "state"),
    [
        ("plain", "--psi 0.7 --cutoff 3", seed_state(0, truncation=Truncation(0.7, 3))),
        ("plain", "--psi -0.5", seed_state(0, truncation=Truncation(-0.5))),
        ("plain", "--noise none", seed_state(0, noise=Noise("none"))),
        ("plain", "--noise random --noise-seed 5", seed_state(0, noise=Noise("random", 5))),
        ("classes", "--class 2", seed_state(0, condition=ClassMix(((2, 1.0),)))),
        ("stylegan3", "--translate 0.1,0 --rotate 30", seed_state(0, transform=Transform(0.1, 0, 30))),
        ("stylegan3", "--translate -0.1,-.2", seed_state(0, transform=Transform(-0.1, -0.2))),
        ("grey", "--psi 0.5", seed_state(0, truncation=Truncation(0.5))),
    ],
)
def test_each_option_is_a_field_of_the_state(
    files: dict[str, Path], tmp_path: Path, model: str, flags: str, state: EditState
) -> None:
    assert run(cli, ["render", str(files[model]), "--seeds", "0", *flags.split(), "--out", str(tmp_path)]) == 0

    assert np.array_equal(read(tmp_path / "seed0000.png"), explorer.render(state, open_checkpoint(files[model])).pixels)


def test_the_windows_picture_is_the_command_lines(files: dict[str, Path], tmp_path: Path) -> None:
    session = Session()
    try:
        session.open(files["stylegan3"])
        assert session.wait(120)
        edited = replace(
            session.state,
            latent=SeedPad(3.5, 0.25),
            sliders=(Slider("pca", 0, 1.5),),
            mixing=(Mix(SeedPad(9, 0), (1, 2)),),
            transform=Transform(0.1, 0, 20),
        )
        session.edit(edited, "Edit")
        assert session.wait(120)
        frame = session.newest_frame()
        session.save_project(tmp_path / "face.latent")
    finally:
        session.close()
    assert frame is not None

    done = subprocess.run(
        [sys.executable, "main.py", "render", str(tmp_path / "face.latent"), "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert np.array_equal(read(tmp_path / "face.png"), frame.pixels)


def test_options_override_what_a_project_says(files: dict[str, Path], tmp_path: Path) -> None:
    session = Session(threads=use_threads(), compile_kernels=False)
    try:
        session.open(files["plain"])
        assert session.wait(120)
        session.edit(replace(session.state, noise=Noise("none")), "Noise")
        session.save_project(tmp_path / "a.latent")
        state = session.state
    finally:
        session.close()

    arguments = ["render", str(tmp_path / "a.latent"), "--seeds", "4", "--psi", "0.2", "--out", str(tmp_path)]
    assert run(cli, arguments) == 0

    wanted = replace(state, latent=SeedBlend(((4, 1.0),)), truncation=Truncation(0.2))
    assert np.array_equal(
        read(tmp_path / "seed0004.png"), explorer.render(wanted, open_checkpoint(files["plain"])).pixels
    )


def test_a_sheet_has_pure_seeds_on_its_edges_and_mixtures_inside(files: dict[str, Path], tmp_path: Path) -> None:
    checkpoint, path = open_checkpoint(files["plain"]), tmp_path / "sheet.png"
    arguments = ["mix", str(files["plain"]), "--rows", "1-2", "--cols", "5-7", "--layers", "0-3", "--psi", "0.8"]
    assert run(cli, [*arguments, "--out", str(path)]) == 0

    sheet, size = read(path), checkpoint.spec.resolution[0]
    psi = Truncation(0.8)

    def cell(row: int, column: int) -> np.ndarray:
        return sheet[row * size : (row + 1) * size, column * size : (column + 1) * size]

    assert sheet.shape == (3 * size, 4 * size, 3)
    assert not cell(0, 0).any()
    assert np.array_equal(cell(0, 2), explorer.render(seed_state(6, truncation=psi), checkpoint).pixels)
    assert np.array_equal(cell(2, 0), explorer.render(seed_state(2, truncation=psi), checkpoint).pixels)
    mixed = seed_state(2, truncation=psi, mixing=(Mix(SeedBlend(((7, 1.0),)), (0, 1, 2, 3)),))
    assert np.array_equal(cell(2, 3), explorer.render(mixed, checkpoint).pixels)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("render MISSING", "MISSING"),
        ("render plain --seeds 3-", "ranges and numbers like 0-3,7"),
        ("render plain --seeds 7-3", "backwards"),
        ("render plain --seeds 0-99999999", "ask for fewer"),
        ("render plain --psi much", "no number"),
        ("render plain --psi nan", "no number"),
        ("render plain --translate 1", "two numbers"),
        ("render plain --noise loud", "loud"),
        ("render plain --cutoff -1", "-1"),
        ("render plain --class 0", "classes"),
        ("render classes --class 3", "classes 0 to 2"),
        ("render plain --rotate 30", "only StyleGAN3"),
        ("render stylegan3 --noise random", "no noise maps"),
        ("render bundled:nothing", "nothing"),
        ("render plain --unknown", "--unknown"),
        ("render plain --out plain", "plain.safetensors"),
        ("mix plain --rows 1", "--cols"),
        ("mix plain --rows 1 --cols 2 --layers 0-99", "layer 99"),
        ("mix plain --rows 1 --cols 2 --layers 0 --out MISSING/sheet.png", "MISSING"),
        ("rendr", "neither a file nor one of the verbs"),
        ("info MISSING", "MISSING"),
    ],
)
def test_an_input_error_is_one_line_and_exit_two(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str], arguments: str, words: str
) -> None:
    assert run(cli, [str(files.get(word, word)) for word in arguments.split()]) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("error: ")
    assert words in shown.err


def test_a_picture_is_no_model_and_the_refusal_says_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo.pkl").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(50))

    assert run(cli, ["render", str(tmp_path / "photo.pkl"), "--out", str(tmp_path)]) == 2
    assert "JPEG" in capsys.readouterr().err


def test_help_names_every_verb_and_loads_no_framework() -> None:
    script = "import sys, main; code = main.run(main.cli, ['--help']); print('torch' in sys.modules, code)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "False 0"
    for verb in ("render", "mix", "project", "info", "convert"):
        assert f"\n  {verb} " in done.stdout


@pytest.mark.parametrize("display", [None, ":4711", "nowhere.invalid:0"])
def test_without_a_display_the_window_says_so_in_one_line(display: str | None) -> None:
    environment = {"PATH": "/usr/bin:/bin"} | ({} if display is None else {"DISPLAY": display})
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=ROOT, capture_output=True, text=True, check=False, env=environment
    )

    if sys.platform.startswith("linux"):
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "xvfb-run" in done.stderr
        assert "main.py render" in done.stderr
        assert display is None or display in done.stderr


def test_info_is_json(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["info", str(files["plain"])]) == 0

    assert json.loads(capsys.readouterr().out)["family"] == "stylegan2"
