import pytest

from explorer.errors import CheckpointError
from explorer.remote import parse_address


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.chdir(tmp_path)


HUB = "https://huggingface.co"


@pytest.mark.parametrize(
    ("text", "url", "name"),
    [
        ("https://host/a/net.pkl", "https://host/a/net.pkl", "net.pkl"),
        (" HTTP://host:8080/net.pkl?x=1 ", "HTTP://host:8080/net.pkl?x=1", "net.pkl"),
        ("https://host/", "https://host/", "model"),
        ("https://host/..%2f..%2fetc", "https://host/..%2f..%2fetc", "_.._etc"),
        ("https://host/%2e%2e", "https://host/%2e%2e", "model"),
        ("https://host/lock", "https://host/lock", "model-lock"),
        ("hf://owner/name/a/b c.pkl", f"{HUB}/owner/name/resolve/main/a/b%20c.pkl", "b c.pkl"),
        ("hf://owner/name@v1/net.pkl", f"{HUB}/owner/name/resolve/v1/net.pkl", "net.pkl"),
        ("hf://owner/name", "", "name"),
        ("owner/name", "", "name"),
        ("owner/name@v1", "", "name"),
    ],
)
def test_addresses_say_what_is_fetched_and_how_it_is_called(text, url, name):
    address = parse_address(text)
    assert (address.url, address.name) == (url, name)


@pytest.mark.parametrize(
    "text",
    [
        "net.pkl",
        "models/net.pkl",
        "/a/b",
        "./a/b",
        "../a",
        "a/b/c",
        "~/net.pkl",
        "C:\\nets\\a.pkl",
        "bundled:toons64",
        "",
    ],
)
def test_paths_are_no_addresses(text):
    assert parse_address(text) is None


def test_a_folder_of_this_machine_comes_before_a_repository(tmp_path):
    assert parse_address("runs/first") is not None
    (tmp_path / "runs").mkdir()
    assert parse_address("runs/first") is None


@pytest.mark.parametrize(
    "text",
    [
        "ftp://host/a.pkl",
        "file:///etc/passwd",
        "https://",
        "https:///a.pkl",
        "http://[::1/a",
        "hf://owner",
        "hf://owner/na me/x",
        "hf://owner/name/../x",
        "hf://owner/name/a//b",
        "https://host/a\nb",
        "https://host/a.pkl#sha256=12",
        "https://host/a.pkl#part",
        "https://host/" + "a" * 5000,
    ],
)
def test_what_cannot_be_fetched_is_refused_in_a_line(text):
    with pytest.raises(CheckpointError) as error:
        parse_address(text)
    assert "\n" not in str(error.value)


def test_a_hash_belongs_to_the_address():
    address = parse_address("https://host/net.pkl#sha256=" + "A" * 64)
    assert (address.url, address.sha256) == ("https://host/net.pkl", "a" * 64)


def test_what_is_shown_and_kept_holds_no_secrets():
    assert parse_address("https://me:pass@host/net.pkl?token=x").shown == "https://host/net.pkl"
    assert parse_address("owner/name").shown == "hf://owner/name"


def test_a_mirror_of_the_hub_is_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror/")
    assert parse_address("hf://o/n/f.pkl").url == "http://mirror/o/n/resolve/main/f.pkl"
