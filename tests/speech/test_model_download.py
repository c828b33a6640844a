"""Installing models from a local server that behaves like the official one, or worse."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ivr.config_services import ProxySettings
from ivr.errors import ModelMissing
from ivr.speech.model_catalog import CatalogModel
from ivr.speech.model_download import install_model
from ivr.speech.model_store import find_model
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.scenario import scenario
from tests.services.proxy_server import ProxyServer
from tests.speech.conftest import ENGLISH_MODEL

pytestmark = pytest.mark.adapter

ENTRY = CatalogModel("xx", "vosk-model-small-xx-1.0", "en", 5)


def zip_of(files: dict[str, bytes], folder: str = ENTRY.name) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(f"{folder}/{name}" if folder else name, content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def model_zip() -> bytes:
    files = {
        str(path.relative_to(ENGLISH_MODEL)): path.read_bytes() for path in ENGLISH_MODEL.rglob("*") if path.is_file()
    }
    return zip_of(files)


@dataclass
class Server:
    """What the server has, and how it misbehaves."""

    archive: bytes = b""
    listing: object = None
    breaks_after_bytes: list[int] = field(default_factory=list)
    """For each request in turn: end the connection after so many bytes."""
    knows_range: bool = True
    etag: str = '"one"'
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server(model_zip: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    state = Server(archive=model_zip)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.endswith("model-list.json") and state.listing is not None:
                self._send(200, json.dumps(state.listing).encode(), {})
            elif self.path == f"/models/{ENTRY.name}.zip":
                self._archive()
            else:
                self._send(404, b"", {})

        def _archive(self) -> None:
            wanted = self.headers.get("Range")
            state.ranges.append(wanted)
            fits = self.headers.get("If-Range", state.etag) == state.etag
            begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.knows_range and fits else 0
            total = len(state.archive)
            if begin >= total:
                self._send(416, b"", {"Content-Range": f"bytes */{total}"})
                return
            headers = {"ETag": state.etag}
            if begin:
                headers["Content-Range"] = f"bytes {begin}-{total - 1}/{total}"
            self._send(206 if begin else 200, state.archive[begin:], headers)

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if state.breaks_after_bytes and body:
                body = body[: state.breaks_after_bytes.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/models"
    monkeypatch.setenv("IVR_MODELS_URL", state.url)
    monkeypatch.setenv("IVR_MODELS_DIR", str(tmp_path / "models"))
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def left_over(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "models").iterdir())


def test_a_model_is_installed_and_hears(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    installed = install_model(ENTRY, lambda done, total: told.append((done, total)))
    assert installed.path == tmp_path / "models" / ENTRY.name
    assert installed.checked_by == "the archive's own check sums"
    assert told[-1] == (len(server.archive), len(server.archive))
    assert left_over(tmp_path) == [ENTRY.name]
    model = find_model(ENTRY.name)
    engine = VoskRecognizer({"en": model.path})
    assert engine.unknown_words("en", ["yes", "frobnicate"]) == ("frobnicate",)
    engine.close()


def test_a_break_is_resumed_within_the_same_command(server: Server, tmp_path: Path) -> None:
    server.breaks_after_bytes = [1_000_000, 500_000]
    install_model(ENTRY)
    assert server.ranges == [None, "bytes=1000000-", "bytes=1500000-"]
    assert left_over(tmp_path) == [ENTRY.name]


def test_a_break_is_resumed_by_the_next_command(server: Server, tmp_path: Path) -> None:
    server.breaks_after_bytes = [1_000_000, 0]
    with pytest.raises(ModelMissing, match=r"1\.0 MB are kept and resumed") as caught:
        install_model(ENTRY)
    assert caught.value.retryable
    install_model(ENTRY)
    assert server.ranges[-1] == "bytes=1000000-"
    assert left_over(tmp_path) == [ENTRY.name]


def test_a_server_without_range_sends_all_again(server: Server) -> None:
    server.breaks_after_bytes = [1_000_000]
    server.knows_range = False
    assert install_model(ENTRY).path.is_dir()


def test_another_version_on_the_server_is_not_glued_to_the_first(server: Server) -> None:
    server.breaks_after_bytes = [1_000_000, 0]
    with pytest.raises(ModelMissing):
        install_model(ENTRY)
    server.etag = '"two"'
    assert install_model(ENTRY).path.is_dir()


def test_a_download_that_was_complete_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / f".{ENTRY.name}.zip.part").write_bytes(server.archive)
    assert install_model(ENTRY).path.is_dir()
    assert server.ranges == [f"bytes={len(server.archive)}-"]


def test_a_kept_part_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / f".{ENTRY.name}.zip.part").write_bytes(server.archive + b"more")
    with pytest.raises(ModelMissing):
        install_model(ENTRY)
    assert install_model(ENTRY).path.is_dir()


def test_the_sum_of_the_servers_list_is_compared(server: Server, tmp_path: Path) -> None:
    server.listing = [
        {"name": "other", "md5": "0"},
        {"name": ENTRY.name, "md5": hashlib.md5(server.archive).hexdigest()},
    ]
    assert install_model(ENTRY).checked_by == "MD5 of the server's list"
    shutil.rmtree(tmp_path / "models")
    server.listing = [{"name": ENTRY.name, "md5": "0" * 32}]
    with pytest.raises(ModelMissing, match=r"md5 is .*damaged or replaced"):
        install_model(ENTRY)
    assert left_over(tmp_path) == []


def test_a_damaged_zip_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    middle = len(server.archive) // 2
    server.archive = server.archive[:middle] + b"\0" * 2000 + server.archive[middle + 2000 :]
    with pytest.raises(ModelMissing, match="not a whole zip file"):
        install_model(ENTRY)
    assert left_over(tmp_path) == []


def test_what_is_no_zip_is_refused(server: Server, tmp_path: Path) -> None:
    server.archive = b"<html>Please log in to the hotel's network</html>"
    with pytest.raises(ModelMissing, match="not a whole zip file"):
        install_model(ENTRY)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../../evil", "..\\evil", "C:/evil"])
def test_a_zip_that_reaches_outside_is_refused(server: Server, tmp_path: Path, name: str) -> None:
    server.archive = zip_of({name: b"evil"}, folder="")
    with pytest.raises(ModelMissing, match="which no model has"):
        install_model(ENTRY)
    assert left_over(tmp_path) == []
    assert list(tmp_path.rglob("*evil*")) == []


def test_a_zip_with_a_link_is_refused(server: Server, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        link = zipfile.ZipInfo(f"{ENTRY.name}/am")
        link.external_attr = 0o120777 << 16
        zipped.writestr(link, "/etc")
    server.archive = buffer.getvalue()
    with pytest.raises(ModelMissing, match="which no model has"):
        install_model(ENTRY)


def test_a_zip_bomb_is_refused(server: Server, tmp_path: Path) -> None:
    server.archive = zip_of({"zeros": b"\0" * 120_000_000})
    assert len(server.archive) < 1_000_000
    with pytest.raises(ModelMissing, match="far more than a model"):
        install_model(ENTRY)
    assert left_over(tmp_path) == []


def test_a_zip_without_the_needed_files_names_them(server: Server, tmp_path: Path) -> None:
    server.archive = zip_of({"am/final.mdl": b"x", "README": b"y"})
    with pytest.raises(ModelMissing, match=r"missing: conf/mfcc\.conf"):
        install_model(ENTRY)
    assert left_over(tmp_path) == []


def test_a_model_that_the_server_lacks_is_told(server: Server) -> None:
    with pytest.raises(ModelMissing, match="answered 404"):
        install_model(CatalogModel("yy", "vosk-model-absent", "en", 5))


def test_an_address_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IVR_MODELS_URL", "http://127.0.0.1:9/models")
    monkeypatch.setenv("IVR_MODELS_DIR", str(tmp_path))
    with pytest.raises(ModelMissing, match=r"cannot be reached.*IVR_MODELS_URL") as caught:
        install_model(ENTRY)
    assert caught.value.retryable


def test_a_folder_that_cannot_be_written_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IVR_MODELS_DIR", str(tmp_path / "file"))
    with pytest.raises(ModelMissing, match="cannot write the model"):
        install_model(ENTRY)


def test_installing_again_replaces_the_old_model(server: Server, tmp_path: Path) -> None:
    path = install_model(ENTRY).path
    (path / "old").write_text("old")
    install_model(ENTRY)
    assert not (path / "old").exists()
    assert left_over(tmp_path) == [ENTRY.name]


# --- through a proxy


def test_a_model_comes_through_the_proxy_of_the_settings_and_by_no_other(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    @scenario
    async def play() -> None:
        async with ProxyServer() as proxy, ProxyServer() as other:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, other.url)
            await asyncio.to_thread(install_model, ENTRY, None, ProxySettings(url=proxy.url))
            assert proxy.asked_for[0].startswith("GET http://127.0.0.1") and other.asked_for == []
            await asyncio.to_thread(install_model, ENTRY)
            direct = ProxySettings(url=other.url, direct=("127.0.0.1",))
            await asyncio.to_thread(install_model, ENTRY, None, direct)
            assert other.asked_for == [], "the environment's, or one that is not for this host"

    play()


def test_who_relies_on_a_proxy_of_the_environment_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IVR_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("IVR_MODELS_URL", "http://127.0.0.1:1/models")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(
        ModelMissing, match=r"write `proxy:` into ivr[.]yaml .HTTPS_PROXY of the environment is not used"
    ):
        install_model(ENTRY)
