"""Which model a name, folder or language means."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

from ivr.errors import ModelMissing
from ivr.speech.fst_file import is_whole_fst
from ivr.speech.model_catalog import CATALOG, catalog_model
from ivr.speech.model_store import (
    Origin,
    available_models,
    check_model,
    configured_model,
    configured_models,
    find_model,
    has_closed_lists,
    missing_files,
    model_rate_hz,
)
from tests.speech.conftest import ENGLISH_MODEL

pytestmark = pytest.mark.unit

GRAPH = struct.pack("<ii5si8siiQqqq", 2125659606, 5, b"const", 8, b"standard", 2, 0, 0, 0, 0, 0)


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("IVR_MODELS_DIR", str(folder))
    return folder


def make_model(folder: Path, rate_hz: int | None = 16000) -> Path:
    for name in ("am/final.mdl", "conf/model.conf", "graph/HCLr.fst", "graph/Gr.fst"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(GRAPH if name.endswith(".fst") else b"x")
    (folder / "conf" / "mfcc.conf").write_text(f"--sample-frequency={rate_hz}\n" if rate_hz else "--dither=0\n")
    return folder


@pytest.mark.parametrize("wanted", ["", "en", "en-US", "en-us", "vosk-model-ivr-en-8k-test"])
def test_the_embedded_english_model_is_always_there(wanted: str) -> None:
    model = find_model(wanted)
    assert model.origin is Origin.EMBEDDED
    assert model.path == ENGLISH_MODEL
    assert str(model) == "embedded English (en)"
    assert model.licence == "CC BY-SA 4.0"
    assert 4_000_000 < model.size_bytes < 6_000_000


def test_the_embedded_model_has_its_readme_and_licence() -> None:
    assert "CC-BY-SA-4.0" in (ENGLISH_MODEL / "README.md").read_text()
    assert "Digium" in (ENGLISH_MODEL / "LICENSE.md").read_text()


def test_an_installed_model_goes_before_the_embedded_one(models_folder: Path) -> None:
    make_model(models_folder / "vosk-model-small-en-us-0.15")
    for wanted in ("", "en", "en-us", "vosk-model-small-en-us-0.15"):
        assert find_model(wanted).name == "vosk-model-small-en-us-0.15"
    assert str(find_model("en")) == "installed English (en): vosk-model-small-en-us-0.15"
    assert find_model("vosk-model-ivr-en-8k-test").origin is Origin.EMBEDDED


def test_a_model_of_another_language_is_found_by_language(models_folder: Path) -> None:
    make_model(models_folder / "vosk-model-small-de-0.15")
    assert find_model("de").language == "de"
    assert find_model(language="de-AT").name == "vosk-model-small-de-0.15"


def test_a_folder_is_a_model(tmp_path: Path) -> None:
    model = find_model(str(make_model(tmp_path / "mine")), "de")
    assert (model.origin, model.language) == (Origin.FOLDER, "de")
    assert str(model).startswith("folder German (de): ")


def test_the_language_of_a_folder_is_read_from_its_name(tmp_path: Path) -> None:
    assert find_model(str(make_model(tmp_path / "vosk-model-small-cn-0.22"))).language == "zh"
    assert find_model(str(make_model(tmp_path / "whatever"))).language == ""


def test_a_missing_language_names_the_remedy() -> None:
    with pytest.raises(ModelMissing, match=r"French.*ivr models install fr.*embedded English"):
        find_model("fr")
    with pytest.raises(ModelMissing, match=r"`ivr models` lists"):
        find_model("some-model")


def test_a_missing_folder_is_named() -> None:
    with pytest.raises(ModelMissing, match=r"/no/such/model: no such folder"):
        find_model("/no/such/model")


def test_an_incomplete_folder_names_what_is_missing(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "mine")
    (folder / "graph" / "Gr.fst").unlink()
    (folder / "am" / "final.mdl").write_bytes(b"")
    with pytest.raises(ModelMissing, match=r"incomplete, missing: am/final\.mdl, graph/Gr\.fst"):
        find_model(str(folder))


def test_an_incomplete_installed_model_is_told(models_folder: Path) -> None:
    (make_model(models_folder / "vosk-model-small-fr-0.22") / "graph" / "Gr.fst").unlink()
    with pytest.raises(ModelMissing, match=r"incomplete, missing: graph/Gr\.fst; `ivr models install fr`"):
        find_model("fr")
    assert all(model.language != "fr" for model in available_models())


def test_other_layouts_are_complete(tmp_path: Path) -> None:
    static = make_model(tmp_path / "static")
    shutil.move(static / "graph" / "HCLr.fst", static / "graph" / "HCLG.fst")
    (static / "graph" / "Gr.fst").unlink()
    assert missing_files(static) == ()
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in ("final.mdl", "mfcc.conf", "HCLr.fst", "Gr.fst"):
        (flat / name).write_bytes(b"x")
    assert missing_files(flat) == ()
    (make_model(tmp_path / "ivectors") / "ivector").mkdir()
    assert "ivector/final.ie" in missing_files(tmp_path / "ivectors")


def test_the_rate_is_read_from_the_model(tmp_path: Path) -> None:
    assert model_rate_hz(ENGLISH_MODEL) == 8000
    assert model_rate_hz(make_model(tmp_path / "a")) == 16000
    assert model_rate_hz(make_model(tmp_path / "b", None)) == 16000


def test_the_configuration_names_models_by_language(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "mine")
    models = configured_models({"de-DE": str(folder), "en": ""})
    assert {tag: str(model).split()[0] for tag, model in models.items()} == {"de": "folder", "en": "embedded"}
    assert models["de"].language == "de"
    assert [str(model) for model in configured_models({}).values()] == ["embedded English (en)"]


def test_a_model_named_for_another_language_is_refused(tmp_path: Path) -> None:
    german = make_model(tmp_path / "vosk-model-small-de-0.15")
    assert configured_model("de-AT", str(german)).language == "de"
    with pytest.raises(ModelMissing, match=r"is one of German by its name.*English under speech\.models\.en;"):
        configured_model("en", str(german))
    assert configured_model("en", str(german.rename(tmp_path / "mine"))).language == "en", "unless it is meant"


def test_the_catalogue_has_distinct_keys_and_names() -> None:
    assert len({entry.key for entry in CATALOG}) == len({entry.name for entry in CATALOG}) == len(CATALOG)
    english, german = catalog_model("en"), catalog_model("DE")
    assert english is not None and english.key == "en-us"
    assert german is not None and german.name == "vosk-model-small-de-0.15"
    assert catalog_model("tlh") is None


@pytest.mark.parametrize("name", ["HCLr.fst", "Gr.fst"])
@pytest.mark.parametrize("kept", [0.0001, 0.3, 0.8])
def test_a_graph_that_was_cut_off_is_noticed_before_it_crashes_the_process(
    tmp_path: Path, name: str, kept: float
) -> None:
    shutil.copytree(ENGLISH_MODEL, tmp_path / "model")
    graph = tmp_path / "model" / "graph" / name
    content = graph.read_bytes()
    graph.write_bytes(content[: int(len(content) * kept) + 1])
    with pytest.raises(ModelMissing, match=f"damaged, cut off or changed: {name}"):
        check_model(tmp_path / "model")


def test_whole_graphs_pass() -> None:
    assert is_whole_fst(ENGLISH_MODEL / "graph" / "HCLr.fst")
    assert is_whole_fst(ENGLISH_MODEL / "graph" / "Gr.fst")
    assert not is_whole_fst(ENGLISH_MODEL / "graph" / "words.txt")
    assert not is_whole_fst(ENGLISH_MODEL / "absent.fst")


def test_models_with_a_ready_made_graph_have_no_closed_lists(tmp_path: Path) -> None:
    assert has_closed_lists(ENGLISH_MODEL)
    static = make_model(tmp_path / "static")
    shutil.move(static / "graph" / "HCLr.fst", static / "graph" / "HCLG.fst")
    assert not has_closed_lists(static)
