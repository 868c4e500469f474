import hashlib
import json
import threading
from dataclasses import replace

import pytest

from explorer.errors import Cancelled, CheckpointError
from explorer.project.locking import try_lock
from explorer.remote import cached_by_hash, downloaded, fetch, parse_address
from explorer.remote.cache import slot_of
from tests.remote.server import serving

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        yield server


@pytest.fixture
def get(tmp_path):
    def get(url, **options):
        return fetch(parse_address(url), folder=tmp_path / "cache", **options)

    return get


def test_a_file_is_fetched_whole_under_its_own_name(server, get):
    told = []
    path = get(server.page("/models/face%20one.pkl", CONTENT), progress=told.append)
    assert (path.name, path.read_bytes()) == ("face one.pkl", CONTENT)
    assert (told[0].done, told[-1].done, told[-1].total) == (0, len(CONTENT), len(CONTENT))
    assert told[-1].share == 1
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["about.json", "face one.pkl", "lock"]


def test_a_second_time_only_asks_whether_it_changed(server, get):
    url = server.page("/a.pkl", CONTENT)
    first = get(url)
    before = first.stat().st_mtime_ns
    assert get(url) == first
    assert first.stat().st_mtime_ns == before
    assert server.asked[-1][1]["if-none-match"] == '"1"'


def test_a_newer_version_replaces_the_older_one(server, get):
    url = server.page("/a.pkl", CONTENT)
    get(url)
    server.page("/a.pkl", b"newer", etag='"2"')
    assert get(url).read_bytes() == b"newer"


def test_what_is_in_the_cache_opens_without_a_connection(server, get, tmp_path):
    with serving() as other:
        url = other.page("/a.pkl", CONTENT)
        path = get(url)
    assert get(url) == path
    asked = len(server.asked)
    named = server.page("/b.pkl", CONTENT) + f"#sha256={SHA256}"
    get(named)
    assert get(named).read_bytes() == CONTENT
    assert len(server.asked) == asked + 1


@pytest.mark.parametrize("stop", [1, 1000, len(CONTENT) - 1])
def test_a_download_that_stops_in_the_middle_goes_on_where_it_stopped(server, get, stop):
    url = server.page("/a.pkl", CONTENT, stop_after=stop)
    assert get(url).read_bytes() == CONTENT
    assert server.asked[-1][1]["range"] == f"bytes={stop}-"
    assert server.asked[-1][1]["if-range"] == '"1"'


def test_a_download_that_was_given_up_goes_on_another_time(server, get, tmp_path):
    gate = threading.Event()
    url = server.page("/a.pkl", CONTENT, gate=gate)
    stop = threading.Event()
    told = []

    def watch(progress):
        told.append(progress.done)
        if progress.done >= len(CONTENT) // 2:
            stop.set()
            gate.set()

    with pytest.raises(Cancelled):
        get(url, progress=watch, cancelled=stop.is_set)
    here = told[-1]
    assert 0 < here <= len(CONTENT)
    assert get(url).read_bytes() == CONTENT
    assert server.asked[-1][1].get("range") == f"bytes={here}-"


def test_the_rest_of_another_version_is_not_put_behind_the_first_half(server, get):
    url = server.page("/a.pkl", CONTENT, stop_after=1000)
    page = server.pages["/a.pkl"]
    other = CONTENT[::-1]

    def swap(progress):
        if progress.done == 1000:
            server.pages["/a.pkl"] = replace(page, content=other, etag='"2"', stop_after=None)

    assert get(url, progress=swap).read_bytes() == other


def test_a_server_that_knows_no_versions_is_asked_for_everything_again(server, get):
    url = server.page("/a.pkl", CONTENT, etag=None, stop_after=1000)
    assert get(url).read_bytes() == CONTENT
    assert "range" not in server.asked[-1][1]


def test_a_server_that_answers_with_another_part_is_refused(server, get):
    url = server.page("/a.pkl", CONTENT, stop_after=1000, wrong_range=True)
    with pytest.raises(CheckpointError, match="another part"):
        get(url)


def test_one_that_always_stops_is_given_up_and_says_how_far_it_came(server, get):
    url = server.page("/a.pkl", CONTENT[:100], length=5000)
    with pytest.raises(CheckpointError, match=r"broke off after 100 bytes.*Open it again"):
        get(url)
    assert len(server.asked) <= 5


def test_a_wrong_checksum_is_refused_and_removed(server, get, tmp_path):
    url = server.page("/a.pkl", CONTENT) + f"#sha256={'0' * 64}"
    with pytest.raises(CheckpointError, match=r"should be 000000000000…\. It was removed"):
        get(url)
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["lock"]


def test_the_hash_that_the_hub_tells_on_the_way_is_checked_too(server, get):
    target = server.page("/cdn/a.pkl", CONTENT)
    wrong = {"Location": target, "X-Linked-Etag": f'"{"1" * 64}"'}
    url = server.page("/a.pkl", status=302, headers=wrong)
    with pytest.raises(CheckpointError, match="should be 111111111111"):
        get(url)
    right = {"Location": target, "X-Linked-Etag": f'"{SHA256}"'}
    path = get(server.page("/b.pkl", status=302, headers=right))
    assert path.read_bytes() == CONTENT
    assert (path.parent / "about.json").read_text().count(SHA256) == 1


@pytest.mark.parametrize("length", [None, "true"])
def test_a_body_without_end_is_stopped_at_the_limit(server, get, tmp_path, length):
    url = server.page("/a.pkl", b"x" * 10, endless=True, length=None if length is None else 10**15)
    with pytest.raises(CheckpointError, match=r"1\.0 MiB"):
        get(url, most_bytes=1 << 20)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 1 << 20


def test_more_than_was_promised_is_not_kept(server, get):
    url = server.page("/a.pkl", CONTENT, length=1000)
    assert get(url).stat().st_size == 1000


def test_more_than_the_disk_holds_is_refused_before_it_begins(server, get):
    url = server.page("/a.pkl", CONTENT, length=1 << 50)
    with pytest.raises(CheckpointError, match="are free: free space there"):
        get(url, most_bytes=1 << 60)


def test_redirects_are_followed_but_not_for_ever(server, get):
    target = server.page("/end.pkl", CONTENT)
    for i in range(5):
        server.page(f"/{i}", status=302, headers={"Location": f"/{i + 1}" if i < 4 else target})
    assert get(f"{server.url}/0").read_bytes() == CONTENT
    server.page("/loop", status=301, headers={"Location": "/loop"})
    with pytest.raises(CheckpointError, match="without end"):
        get(f"{server.url}/loop")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "", "javascript:1"])
def test_a_redirect_to_something_else_is_refused(server, get, target):
    server.page("/a.pkl", status=302, headers={"Location": target})
    with pytest.raises(CheckpointError, match="no web address"):
        get(f"{server.url}/a.pkl")


@pytest.mark.parametrize(
    ("status", "said"), [(404, "no such file"), (403, "asks for an account"), (429, "wait a while"), (500, "500")]
)
def test_a_refusal_is_said_in_words(server, get, status, said):
    with pytest.raises(CheckpointError, match=said):
        get(server.page("/a.pkl", status=status))


def test_no_connection_is_said_in_words(get):
    with serving() as server:
        url = server.url + "/a.pkl"
    with pytest.raises(CheckpointError, match="cannot be fetched: no connection") as error:
        get(url)
    assert "\n" not in str(error.value)


def test_two_windows_do_not_fetch_the_same_file_at_once(server, get, tmp_path):
    url = server.page("/a.pkl", CONTENT)
    slot = slot_of(parse_address(url), tmp_path / "cache")
    slot.folder.mkdir(parents=True)
    with open(slot.folder / "lock", "ab") as lock:
        assert try_lock(lock)
        with pytest.raises(CheckpointError, match="another window"):
            get(url)
    assert get(url).read_bytes() == CONTENT


def test_a_damaged_note_only_means_another_download(server, get):
    url = server.page("/a.pkl", CONTENT)
    path = get(url)
    for text in ("", "[]", "{", json.dumps({"size": "x"}), "[" * 10_000):
        (path.parent / "about.json").write_text(text)
        assert get(url).read_bytes() == CONTENT


def test_a_file_that_was_cut_afterwards_is_fetched_again(server, get):
    url = server.page("/a.pkl", CONTENT)
    path = get(url)
    path.write_bytes(CONTENT[:50])
    assert get(url).read_bytes() == CONTENT


def test_what_is_there_is_found_by_its_hash_alone(server, get, tmp_path):
    path = get(server.page("/a.pkl", CONTENT) + "?key=secret")
    assert cached_by_hash(SHA256, tmp_path / "cache") == path
    assert cached_by_hash("0" * 64, tmp_path / "cache") is None
    assert cached_by_hash("../../etc", tmp_path / "cache") is None
    (known,) = downloaded(tmp_path / "cache").values()
    assert (known.size, "secret" in known.url) == (len(CONTENT), False)


def listing(server, *names, status=200):
    body = json.dumps({"siblings": [{"rfilename": name} for name in names]}).encode()
    server.page("/api/models/owner/name/revision/main", body, status=status)


@pytest.fixture
def hub(server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    return server


def test_the_one_model_of_a_repository_is_found(hub, get):
    listing(hub, "README.md", ".gitattributes", "sub/net.pkl")
    hub.page("/owner/name/resolve/main/sub/net.pkl", CONTENT)
    path = get("owner/name")
    assert (path.name, path.read_bytes()) == ("net.pkl", CONTENT)
    assert get("hf://owner/name/sub/net.pkl") == path


def test_safetensors_and_the_usual_name_win(hub, get):
    listing(hub, "a.pkl", "b.safetensors", "model.safetensors", "c.safetensors")
    hub.page("/owner/name/resolve/main/model.safetensors", CONTENT)
    assert get("hf://owner/name").name == "model.safetensors"


def test_several_models_are_named(hub, get):
    listing(hub, "a.pkl", "b.pkl")
    with pytest.raises(CheckpointError, match=r"give one as hf://owner/name/FILE \(a\.pkl, b\.pkl\)"):
        get("owner/name")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"siblings": [1]}', b'{"siblings": null}', b"[" * 100_000])
def test_an_unknown_answer_of_the_hub_is_refused(hub, get, body):
    hub.page("/api/models/owner/name/revision/main", body)
    with pytest.raises(CheckpointError, match="unknown way"):
        get("owner/name")


def test_a_repository_that_is_not_there_or_empty_is_said(hub, get):
    with pytest.raises(CheckpointError, match="no open model owner/name"):
        get("owner/name")
    listing(hub, "README.md")
    with pytest.raises(CheckpointError, match="no file that could be a model"):
        get("owner/name")
    hub.page("/api/models/owner/name/revision/main", endless=True, length=None)
    with pytest.raises(CheckpointError, match="lists more files"):
        get("owner/name")
