"""Making data sets: every kind of picture and source, what is said of bad ones, and being killed."""

import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from explorer.errors import DatasetError
from tests.training.conftest import SAMPLE
from training.data import open_training_set
from training.dataset import Options, Problem, Progress, Report, build, examine
from training.dataset.archive import GrowingZip
from training.dataset.options import parse_size

ROOT = Path(__file__).parents[3]


def scene(seed: int, size: tuple[int, int] = (16, 16)) -> Image.Image:
    """A smooth colourful picture of its own, width x height."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def folder_of(path: Path, count: int = 3) -> Path:
    path.mkdir(parents=True)
    for i in range(count):
        scene(i).save(path / f"{i}.png")
    return path


def made(source: Path, tmp_path: Path, **options: object) -> tuple[Report, Path]:
    target = tmp_path / "out.zip"
    return build(source, target, Options(**options)), target  # type: ignore[arg-type]


def pictures(target: Path) -> dict[str, np.ndarray]:
    """By the name in the source, ``[C, H, W]``."""
    opened = open_training_set(target)
    with zipfile.ZipFile(target) as archive:
        images = sorted(json.loads(archive.read("dataset.json"))["images"], key=lambda entry: entry["file"])
    return {entry["source"]: image.numpy() for entry, image in zip(images, opened.images, strict=True)}


def test_a_folder_becomes_what_the_trainer_reads_and_published_ones_too(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 5)
    report, target = made(source, tmp_path)
    assert (report.pictures, report.found, report.skipped, report.size) == (5, 5, [], (16, 16))
    found = pictures(target)
    for name, image in found.items():
        assert np.array_equal(image.transpose(1, 2, 0), np.asarray(Image.open(source / name)))
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert names == [*(f"00000/img{i:08d}.png" for i in range(5)), "dataset.json"]


def test_the_same_pictures_and_options_give_the_same_bytes(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 6)
    _, first = made(source, tmp_path)
    content = first.read_bytes()
    _, again = made(source, tmp_path)
    assert again.read_bytes() == content


def test_a_data_set_keeps_its_order_its_facts_and_its_licence(tmp_path: Path) -> None:
    report, target = made(SAMPLE, tmp_path)
    before, after = open_training_set(SAMPLE), open_training_set(target)
    assert report.duplicates == []
    assert np.array_equal(before.images.numpy(), after.images.numpy())
    assert after.attributes == before.attributes
    assert after.licence == before.licence


@pytest.mark.parametrize(
    ("how", "size", "red_columns", "blue"),
    [("crop", (16, 16), 0, True), ("fit", (16, 16), 8, True), ("pad", (16, 16), 8, True), ("fit", (16, 24), 12, True)],
)
def test_pictures_are_cut_stretched_or_padded(
    tmp_path: Path, how: str, size: tuple[int, int], red_columns: int, blue: bool
) -> None:
    # The left half red, the right one blue, twice as wide as high.
    wide = np.zeros((32, 64, 3), np.uint8)
    wide[:, :32, 0], wide[:, 32:, 2] = 255, 255
    (tmp_path / "in").mkdir()
    Image.fromarray(wide).save(tmp_path / "in" / "a.png")
    scene(1, (64, 32)).save(tmp_path / "in" / "b.png")
    report, target = made(tmp_path / "in", tmp_path, size=size, how=how, background=(0, 255, 0))
    image = pictures(target)["a.png"]
    assert report.size == image.shape[1:] == size
    middle = image[:, size[0] // 2]
    assert middle[0, 0] > 200
    assert middle[2, -1] > 200
    corner = image[:, 0, 0].tolist()
    assert corner == [0, 255, 0] if how == "pad" else corner[0] > 200


def test_a_phones_picture_stands_upright(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    tag = Image.Exif()
    tag[274] = 6
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png", exif=tag)
    scene(1, (8, 16)).save(tmp_path / "in" / "b.png")
    report, target = made(tmp_path / "in", tmp_path)
    assert report.size == (16, 8)
    assert report.changed == {"turned upright": 1}
    assert pictures(target)["a.png"][0, :, 0].tolist() == [255] * 8 + [0] * 8


def test_every_kind_of_colour_becomes_rgb(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    base = scene(0)
    Image.fromarray(np.full((16, 16), 40000, np.uint16)).save(source / "sixteen.png")
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(source / "cmyk.jpg", quality=95)
    Image.new("RGBA", (16, 16), (255, 0, 0, 0)).save(source / "clear.png")
    Image.new("LA", (16, 16), (0, 128)).save(source / "half.png")
    Image.new("1", (16, 16), 1).save(source / "bits.png")
    base.quantize(8).save(source / "palette.gif", save_all=True, append_images=[scene(1).quantize(8)])
    report, target = made(source, tmp_path, background=(0, 0, 255))
    assert report.skipped == []
    assert report.changed == {"16 bits": 1, "CMYK": 1, "animated, first frame": 1}
    corners = {name: image[:, 0, 0].tolist() for name, image in pictures(target).items()}
    assert corners["sixteen.png"] == [156, 156, 156]
    assert corners["clear.png"] == [0, 0, 255]
    assert corners["half.png"] == [0, 0, 127]
    assert corners["bits.png"] == [255, 255, 255]
    assert corners["cmyk.jpg"][0] > 200
    assert max(corners["cmyk.jpg"][1:]) < 60


def test_colours_of_another_profile_become_srgb(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 2)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    plain = scene(7)
    # A profile of the wrong kind is passed over: its picture keeps its numbers.
    plain.save(source / "x.png", icc_profile=lab.tobytes())
    _, target = made(source, tmp_path)
    assert np.array_equal(pictures(target)["x.png"].transpose(1, 2, 0), np.asarray(plain))


def test_transparency_and_grey_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 3)
    for colour, channels in (("rgba", 4), ("grey", 1)):
        _, target = made(source, tmp_path, colour=colour)
        assert open_training_set(target).images.shape == (3, channels, 16, 16)
    with pytest.raises(DatasetError, match="no transparency"):
        Options(colour="rgba", format="jpg")


def test_mirror_images_double_the_set_and_keep_their_class(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder_of(tmp_path / "in" / name, 2)
    report, target = made(tmp_path / "in", tmp_path, xflip=True, labels="folders")
    opened = open_training_set(target)
    assert report.pictures == 8
    assert np.array_equal(opened.images[1::2].numpy(), opened.images[::2].numpy()[..., ::-1])
    assert opened.labels is not None
    assert opened.labels[1::2].tolist() == opened.labels[::2].tolist()


def test_bad_pictures_are_named_and_left_out(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 3)
    (source / "none.jpg").write_bytes(b"not a picture")
    buffer = io.BytesIO()
    scene(9, (64, 64)).save(buffer, "JPEG")
    (source / "cut.jpg").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (source / "empty.png").touch()
    scene(5, (8, 8)).save(source / "small.png")
    told: list[object] = []
    report = build(source, tmp_path / "out.zip", Options(size=(16, 16)), tell=told.append)
    assert report.pictures == 3
    assert {entry["name"]: entry["kind"] for entry in report.skipped} == {
        "none.jpg": "unreadable", "cut.jpg": "unreadable", "empty.png": "unreadable", "small.png": "small",
    }  # fmt: skip
    assert {event.name for event in told if isinstance(event, Problem)} == {entry["name"] for entry in report.skipped}
    assert [event.done for event in told if isinstance(event, Progress)] == list(range(1, 8))
    larger, _ = made(source, tmp_path, size=(16, 16), enlarge=True)
    assert larger.pictures == 4


def test_lookalikes_and_grey_pictures_are_found_through_resizing_and_jpeg(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for i in range(6):
        scene(i, (64, 64)).save(source / f"{i}.png")
    scene(2, (64, 64)).resize((80, 80), Image.Resampling.BICUBIC).save(source / "again.jpg", quality=80)
    scene(3, (64, 64)).convert("L").save(source / "grey.jpg")
    report, _ = made(source, tmp_path, size=(32, 32))
    assert [sorted(group) for group in report.duplicates] == [["2.png", "again.jpg"]]
    assert report.grey == ["grey.jpg"]
    assert report.pictures == 8
    fewer, target = made(source, tmp_path, size=(32, 32), drop_duplicates=True)
    assert (fewer.pictures, [entry["kind"] for entry in fewer.skipped]) == (7, ["duplicate"])
    assert len(open_training_set(target).images) == 7


def test_classes_come_from_folders_files_and_tables(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for name in ("cats", "dogs"):
        folder_of(source / name, 3)
    report, target = made(source, tmp_path, labels="folders")
    opened = open_training_set(target)
    assert opened.class_names == ("cats", "dogs")
    assert report.classes == [{"name": "cats", "count": 3}, {"name": "dogs", "count": 3}]

    (source / "table.csv").write_text("file,label\n" + "".join(f"cats/{i}.png,{'xyz'[i]}\n" for i in range(3)))
    report, target = made(source, tmp_path, labels="table.csv")
    assert open_training_set(target).class_names == ("x", "y", "z")
    assert report.skipped
    assert {entry["kind"] for entry in report.skipped} == {"unlabelled"}

    (source / "dataset.json").write_text(json.dumps({"labels": [["cats/0.png", 1], ["dogs/1.png", 0]]}))
    report, target = made(source, tmp_path)
    assert report.labels == "dataset.json"
    assert report.pictures == 2
    assert pictures(target).keys() == {"cats/0.png", "dogs/1.png"}


def test_the_last_pictures_are_of_all_classes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder_of(tmp_path / "in" / name, 20)
    _, target = made(tmp_path / "in", tmp_path, labels="folders")
    labels = open_training_set(target).labels
    assert labels is not None
    assert 3 <= labels[-16:, 0].sum() <= 13


def test_frames_of_a_video_are_pictures(tmp_path: Path) -> None:
    import av

    (tmp_path / "in").mkdir()
    with av.open(str(tmp_path / "in" / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 64, 32, "yuv420p", 2_000_000
        for i in range(10):
            container.mux(stream.encode(av.VideoFrame.from_image(scene(i, (64, 32)))))
        container.mux(stream.encode())
    (tmp_path / "in" / "broken.mp4").write_bytes(b"no video")
    report, target = made(tmp_path / "in", tmp_path, size=(16, 32), every=3)
    assert [entry["name"] for entry in report.skipped] == ["broken.mp4"]
    found = pictures(target)
    assert list(found) == [f"clip.mp4#{i:06d}" for i in (0, 3, 6, 9)]
    expected = np.asarray(scene(3, (64, 32)).resize((32, 16)), np.float64).transpose(2, 0, 1)
    assert np.abs(found["clip.mp4#000003"] - expected).mean() < 12


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ([], {}, "holds no pictures"),
        (["a.png"], {}, r"1 of 1 pictures .* at least 2"),
        (["a.png", "b.png", "c.png"], {"labels": "folders"}, "no folders that could be classes"),
        (["a.png", "b.png"], {"labels": "missing.csv"}, "missing.csv cannot be read"),
        (["a.png", "wide.png", "b.png"], {}, r"2 sizes, from .*: name one, as --size 32"),
        (["a.png", "b.png"], {"size": (512, 512)}, "0 of 2 pictures .*too small"),
    ],
)
def test_what_cannot_be_built_is_said(
    tmp_path: Path, files: list[str], options: dict[str, object], message: str
) -> None:
    (tmp_path / "in").mkdir()
    for i, name in enumerate(files):
        scene(i, (64, 32) if name == "wide.png" else (32, 32)).save(tmp_path / "in" / name)
    with pytest.raises(DatasetError, match=message):
        made(tmp_path / "in", tmp_path, **options)
    assert not (tmp_path / "out.zip").exists()


def test_sources_that_are_none_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    for source, message in ((tmp_path / "no", "there is nothing"), (tmp_path / "a.txt", "neither a folder")):
        with pytest.raises(DatasetError, match=message):
            made(source, tmp_path)
    with pytest.raises(DatasetError, match="is no folder"):
        build(folder_of(tmp_path / "in"), tmp_path / "no" / "out.zip", Options())
    for text in ("", "x", "12x", "1x2x3", "0", "99999"):
        with pytest.raises(DatasetError):
            Options(size=parse_size(text))
    assert parse_size("192x256") == (256, 192)


class _StopError(Exception):
    pass


@pytest.mark.parametrize("after", [1, 4, 9])
def test_an_interrupted_build_goes_on_and_gives_the_same_bytes(tmp_path: Path, after: int) -> None:
    source = folder_of(tmp_path / "in", 10)
    (source / "bad.png").write_bytes(b"bad")
    _, whole = made(source, tmp_path)
    expected = whole.read_bytes()

    def stop(event: object) -> None:
        if isinstance(event, Progress) and event.done == after:
            raise _StopError

    target = tmp_path / "again.zip"
    with pytest.raises(_StopError):
        build(source, target, Options(), tell=stop)
    assert not target.exists()
    # A kill leaves what was being written: half a picture, half a line.
    partial, journal = tmp_path / ".again.zip.partial", tmp_path / ".again.zip.journal"
    with open(partial, "ab") as file:
        file.write(b"PK\x03\x04 half a picture")
    with open(journal, "a") as file:
        file.write('{"name": "ha')
    seen: list[int] = []
    report = build(source, target, Options(), tell=lambda e: seen.append(e.done) if isinstance(e, Progress) else None)
    assert seen == list(range(after + 1, 12))
    assert (report.pictures, report.found, len(report.skipped)) == (10, 11, 1)
    assert target.read_bytes() == expected
    assert not partial.exists()
    assert not journal.exists()


def test_a_damaged_or_foreign_beginning_is_not_gone_on_from(tmp_path: Path) -> None:
    target = tmp_path / "a.zip"
    with GrowingZip(target, "one") as archive:
        for name in ("a", "b", "c"):
            archive.add({"members": [name]}, [name.encode() * 100])
    content = bytearray((tmp_path / ".a.zip.partial").read_bytes())
    content[200] ^= 1
    (tmp_path / ".a.zip.partial").write_bytes(bytes(content))
    with GrowingZip(target, "one") as archive:
        assert [record["members"] for record in archive.records] == [["a"]]
    with GrowingZip(target, "two") as archive:
        assert archive.records == []


def test_a_full_disk_is_said_and_the_same_command_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for i in range(8):
        noise = np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(source / f"{i}.png")
    target = tmp_path / "out.zip"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow beyond this: what a full disk looks like to a program.
    resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, limits[1]))
    try:
        with pytest.raises(DatasetError, match=r"no room for out\.zip .* goes on where it stopped"):
            build(source, target, Options())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not target.exists()
    seen: list[int] = []
    report = build(source, target, Options(), tell=lambda e: seen.append(e.done) if isinstance(e, Progress) else None)
    assert report.pictures == 8
    assert 0 < len(seen) < 8


def test_looking_writes_nothing_but_the_report_and_suggests_a_size(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for i in range(4):
        scene(i, (70 + i, 90)).save(source / f"{i}.png")
    before = set(tmp_path.rglob("*"))
    report = examine(source, Options())
    assert set(tmp_path.rglob("*")) == before
    assert (report.size, report.pictures, report.out) == ((64, 64), 4, None)
    assert "--size 64 is suggested" in report.notes[0]


def test_the_report_points_into_its_sheet_of_thumbnails(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 4)
    Image.open(source / "1.png").save(source / "copy.png")
    scene(8, (4, 4)).save(source / "small.png")
    build(source, tmp_path / "out.zip", Options(size=(16, 16)))
    report = json.loads((tmp_path / "out.report.json").read_text())
    sheet = Image.open(tmp_path / "out.report.png")
    kinds = [thumb["kind"] for thumb in report["thumbnails"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {"sample": 5, "duplicate": 2, "small": 1}
    for thumb in report["thumbnails"]:
        x, y, width, height = thumb["box"]
        part = np.asarray(sheet.crop((x, y, x + width, y + height)), np.float64)
        if thumb["kind"] == "sample":
            expected = np.asarray(Image.open(source / thumb["name"]).resize((width, height), Image.Resampling.NEAREST))
            assert np.array_equal(part, expected)


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "main.py", "dataset", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


def test_the_command_speaks_json_lines_and_imports_no_torch(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 3)
    (source / "bad.png").write_bytes(b"bad")
    done = run(str(source), str(tmp_path / "out.zip"), "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert {event["event"] for event in events} == {"progress", "problem", "report"}
    assert events[-1]["pictures"] == 3
    code = "import sys, training.dataset.command; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    done = run(str(tmp_path / "in"), str(tmp_path / "out.zip"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "holds no pictures" in done.stderr
    done = run(str(tmp_path / "in"), "--report-only", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["event"] == "error"
