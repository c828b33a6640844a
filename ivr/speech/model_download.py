"""Getting an official speech model: resumed download, checks, safe unpacking, put in place in one step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import httpx

from ivr.certificates import tls_context
from ivr.config_services import NO_PROXY, ProxySettings
from ivr.errors import ModelMissing
from ivr.speech.model_catalog import CatalogModel
from ivr.speech.model_store import missing_files, models_dir

OFFICIAL_URL = "https://alphacephei.com/vosk/models"
Progress = Callable[[int, int | None], None]
"""Told (bytes so far, bytes in all, if known)."""

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_ATTEMPTS = 5
_LARGEST_ZIP_BYTES = 6_000_000_000
_MOST_FILES = 10_000
_GREATEST_EXPANSION = 20
_EXPANSION_ALLOWANCE_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Installed:
    """A model that was just installed."""

    path: Path
    checked_by: str
    """How the download was verified, for the operator."""


def models_url() -> str:
    """Where models are downloaded from: `IVR_MODELS_URL`, else the official address."""
    return (os.environ.get("IVR_MODELS_URL") or OFFICIAL_URL).rstrip("/")


def install_model(entry: CatalogModel, progress: Progress | None = None, proxy: ProxySettings = NO_PROXY) -> Installed:
    """Download and unpack into `models_dir()`; what a break left behind is resumed. Raises ModelMissing (retryable)."""
    folder = models_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f".{entry.name}.zip.part"
        with _client(proxy) as client:
            _download(client, f"{models_url()}/{entry.name}.zip", archive, progress or (lambda done, total: None))
            checked_by = _verify(client, entry, archive)
        path = _unpack(archive, folder / entry.name)
    except OSError as error:
        raise ModelMissing(
            f"cannot write the model to {folder} ({error.strerror or error}); "
            "free some space, or set IVR_MODELS_DIR to another folder"
        ) from error
    _remove_download(archive)
    return Installed(path, checked_by)


def _client(proxy: ProxySettings) -> httpx.Client:
    """Goes by the proxy of the settings, and by none that the environment names."""
    return httpx.Client(
        timeout=_TIMEOUT, follow_redirects=True, verify=tls_context(), trust_env=False, proxy=_proxy_for(proxy)
    )


def _proxy_for(proxy: ProxySettings) -> httpx.Proxy | None:
    parts = urlsplit(models_url())
    if not proxy.url or {parts.hostname, parts.netloc} & set(proxy.direct):
        return None
    password = proxy.password.get_secret_value() if proxy.password else ""
    return httpx.Proxy(proxy.url, auth=None if proxy.username is None else (proxy.username, password))


def _remove_download(archive: Path) -> None:
    archive.unlink(missing_ok=True)
    _tag_file(archive).unlink(missing_ok=True)


def _tag_file(archive: Path) -> Path:
    return archive.with_name(archive.name + ".etag")


def _download(client: httpx.Client, url: str, archive: Path, progress: Progress) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size_bytes(archive)
        try:
            _fetch_rest(client, url, archive, progress)
            return
        except httpx.TransportError as error:
            has_advanced = _size_bytes(archive) > before
            if attempt == _ATTEMPTS or not has_advanced:
                raise ModelMissing(_unreachable(url, error, archive), retryable=True) from error


def _size_bytes(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _unreachable(url: str, error: Exception, archive: Path) -> str:
    have = _size_bytes(archive)
    kept = f" ({have / 1e6:.1f} MB are kept and resumed next time)" if have else ""
    named = next((name for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY") if _environment(name)), "")
    by_proxy = f"write `proxy:` into ivr.yaml ({named} of the environment is not used), " if named else ""
    return (
        f"{url} cannot be reached ({type(error).__name__}: {error}){kept}; check the network and try again, {by_proxy}"
        f"set IVR_MODELS_URL to a mirror, or unpack the zip yourself into {models_dir()}"
    )


def _environment(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.lower()) or ""


def _fetch_rest(client: httpx.Client, url: str, archive: Path, progress: Progress) -> None:
    have = _size_bytes(archive)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if _tag_file(archive).exists():  # another version on the server by now: it sends the whole file
            headers["If-Range"] = _tag_file(archive).read_text(encoding="latin-1")
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range") == f"bytes */{have}":
                return  # the break came after the last byte
            _remove_download(archive)
            raise httpx.ReadError("the kept part does not fit the file on the server")
        if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise ModelMissing(
                f"{url}: the server answered {response.status_code} {response.reason_phrase}; "
                "check the name (`ivr models`) and IVR_MODELS_URL"
            )
        _save(response, archive, have, progress)


def _save(response: httpx.Response, archive: Path, have: int, progress: Progress) -> None:
    is_rest = response.status_code == httpx.codes.PARTIAL_CONTENT
    if is_rest and not response.headers.get("Content-Range", f"bytes {have}-").startswith(f"bytes {have}-"):
        raise ModelMissing("the server sent another part than asked for; try again", retryable=True)
    if not is_rest:
        have = 0
    length = response.headers.get("Content-Length")
    total = have + int(length) if length else None
    tag = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        _tag_file(archive).write_text(tag, encoding="latin-1")
    with archive.open("ab" if is_rest else "wb") as file:
        for piece in response.iter_raw():
            file.write(piece)
            have += len(piece)
            if have > _LARGEST_ZIP_BYTES:
                raise ModelMissing(f"the download is larger than {_LARGEST_ZIP_BYTES / 1e9:g} GB; this is no model")
            file.flush()
            progress(have, total)
    if total is not None and have < total:
        raise httpx.ReadError("the connection ended early")


def _verify(client: httpx.Client, entry: CatalogModel, archive: Path) -> str:
    if entry.sha256 and models_url() == OFFICIAL_URL:
        _compare(archive, "sha256", entry.sha256)
        return "SHA-256"
    published = _published_md5(client, entry.name)
    if published:
        _compare(archive, "md5", published)
        return "MD5 of the server's list"
    return "the archive's own check sums"


def _published_md5(client: httpx.Client, name: str) -> str:
    """The sum that the server's `model-list.json` gives; empty where there is no such list."""
    with contextlib.suppress(httpx.HTTPError, ValueError, AttributeError):
        models: Any = client.get(f"{models_url()}/model-list.json").raise_for_status().json()
        return next((str(model.get("md5", "")) for model in models if model.get("name") == name), "")
    return ""


def _compare(archive: Path, algorithm: str, expected: str) -> None:
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, algorithm).hexdigest()
    if actual != expected.lower():
        _remove_download(archive)
        raise ModelMissing(
            f"the download's {algorithm} is {actual}, expected {expected}: it was damaged or replaced on the way; "
            "it has been removed, try again",
            retryable=True,
        )


def _unpack(archive: Path, target: Path) -> Path:
    scratch = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.unpacking")
    try:
        with zipfile.ZipFile(archive) as zipped:
            _check_members(zipped, archive)
            zipped.extractall(scratch)  # compares every file with its CRC
        _replace_folder(_model_root(scratch, target.name), target)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        _remove_download(archive)
        raise ModelMissing(
            f"the download is not a whole zip file ({error}); it has been removed, try again", retryable=True
        ) from error
    except ModelMissing:
        _remove_download(archive)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _check_members(zipped: zipfile.ZipFile, archive: Path) -> None:
    members = zipped.infolist()
    for member in members:
        path = PurePosixPath(member.filename)
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if is_link or path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise ModelMissing(f"the zip holds {member.filename!r}, which no model has; it was not unpacked")
    limit = _size_bytes(archive) * _GREATEST_EXPANSION + _EXPANSION_ALLOWANCE_BYTES
    if len(members) > _MOST_FILES or sum(member.file_size for member in members) > limit:
        raise ModelMissing("the zip unpacks to far more than a model has; it was not unpacked")


def _model_root(scratch: Path, name: str) -> Path:
    candidates = [scratch / name, scratch, *sorted(path for path in scratch.iterdir() if path.is_dir())]
    for candidate in candidates:
        if candidate.is_dir() and not missing_files(candidate):
            return candidate
    first = candidates[0] if candidates[0].is_dir() else scratch
    raise ModelMissing(f"the zip is no whole Vosk model, missing: {', '.join(missing_files(first))}; it was not kept")


def _replace_folder(source: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.old")
    if target.exists():
        target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)
