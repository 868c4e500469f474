import json
import threading
from pathlib import Path

import pytest

from explorer.errors import CheckpointError, ProjectFileError
from explorer.project import load_project, read_recipe
from explorer.remote import cache
from explorer.session import Session
from explorer.session.opening import find_model, name_of, open_model
from explorer.state import CheckpointRef, EditState
from main import main
from tests.models import write_stylegan2
from tests.remote.server import serving

WAIT_S = 60


@pytest.fixture(autouse=True)
def kept(monkeypatch, tmp_path):
    folder = tmp_path / "cache"
    monkeypatch.setattr(cache, "cache_folder", lambda: folder)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return write_stylegan2(tmp_path_factory.mktemp("model") / "net.safetensors").read_bytes()


@pytest.fixture
def session():
    session = Session(threads=1, compile_kernels=False)
    yield session
    session.close()


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return end.value.code, out, err


def test_a_session_opens_an_address_and_remembers_it_without_its_secrets(server, content, session):
    url = server.page("/face.safetensors", content)
    job = session.open(f"{url}?token=secret")
    assert (job.name, session.wait(WAIT_S)) == ("Open face.safetensors", True)
    assert (job.error, job.progress) == (None, 1)
    assert session.state.checkpoint.hint == url
    assert session.model_name == "face"
    assert session.newest_frame() is not None


def test_a_project_finds_its_fetched_model_again_without_asking(server, content, session, tmp_path):
    url = server.page("/face.safetensors", content)
    session.open(url)
    assert session.wait(WAIT_S)
    session.save_project(tmp_path / "face.latent")
    asked = len(server.asked)
    state = load_project(tmp_path / "face.latent").state
    assert find_model(state, tmp_path / "face.latent").hint == url
    assert open_model(state.checkpoint).spec == session.spec
    assert len(server.asked) == asked


def test_a_model_that_is_no_longer_kept_is_not_fetched_behind_ones_back(server, tmp_path):
    url = server.page("/face.safetensors", b"x")
    reference = CheckpointRef("0" * 64, "stylegan2", url)
    with pytest.raises(CheckpointError, match="open that address again"):
        open_model(reference)
    with pytest.raises(ProjectFileError, match=r"face\.safetensors"):
        find_model(EditState(checkpoint=reference), tmp_path / "face.latent")
    assert server.asked == []


def test_a_download_can_be_cancelled_while_the_server_says_nothing(server, content, session):
    gate = threading.Event()
    url = server.page("/face.safetensors", content, gate=gate)
    job = session.open(url)
    while not job.progress:
        assert not job.wait(0.01)
    job.cancel()
    try:
        assert job.wait(WAIT_S)
        assert session.wait(WAIT_S)
        assert session.spec is None
        assert session.messages() == []
    finally:
        gate.set()


def test_closing_does_not_wait_for_a_server_that_says_nothing(server, content):
    gate = threading.Event()
    session = Session(threads=1, compile_kernels=False)
    job = session.open(server.page("/face.safetensors", content, gate=gate))
    while not job.progress:
        assert not job.wait(0.01)
    session.close()
    assert job.done
    gate.set()


def test_what_goes_wrong_is_told(server, session):
    session.open(server.page("/page.pkl", b"<!doctype html><html>not a model</html>"))
    assert session.wait(WAIT_S)
    (message,) = session.messages()
    assert "a web page" in message.text
    session.open("ftp://host/a.pkl")
    assert session.wait(WAIT_S)
    (message,) = session.messages()
    assert "cannot be opened" in message.text


def test_the_verbs_take_addresses(server, content, tmp_path, capsys):
    url = server.page("/face.safetensors", content)
    code, out, err = run(capsys, "info", url)
    assert (code, err, json.loads(out)["spec"]["family"]) == (0, "", "stylegan2")
    code, out, err = run(capsys, "convert", url, tmp_path / "copy.safetensors")
    assert (code, err) == (0, "")
    code, out, err = run(capsys, "render", url, "--no-compiled", "--out", tmp_path)
    assert (code, err) == (0, "")
    assert read_recipe(Path(out.strip())).state.checkpoint.hint == url


def test_the_verbs_say_in_a_line_what_cannot_be_fetched(server, capsys):
    code, out, err = run(capsys, "info", server.url + "/nothing.pkl")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no such file" in err


def test_a_project_that_was_fetched_is_not_saved_into_the_cache(server, content, session, tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    session.open(str(path))
    assert session.wait(WAIT_S)
    session.save_project(tmp_path / "face.latent")
    session.open(server.page("/face.latent", (tmp_path / "face.latent").read_bytes()))
    assert session.wait(WAIT_S)
    assert session.project_path is None


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("bundled:toons64", "toons64"),
        ("https://me:pass@host/a/net.pkl?x=1#sha256=2", "net.pkl"),
        ("hf://owner/name", "name"),
        (Path("/a/b.pkl"), "b.pkl"),
    ],
)
def test_sources_have_a_short_name(source, name):
    assert name_of(source) == name
