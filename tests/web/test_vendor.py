"""The one file that others have written and browsers run: it is the one that `scripts/jssip_bundle.sh` made."""

from __future__ import annotations

import hashlib

import pytest

from ivr.web.pages import FOLDER

pytestmark = pytest.mark.unit

VENDOR = FOLDER / "static" / "vendor"
JSSIP_SHA256 = "8bdab84dbfe4b7857c144ee283242e1d67f010a0714c28418fd3e269e7f8eeb1"
"""Of the file for the versions that the script names: it comes out the same every time."""


def test_jssip_is_what_its_script_makes() -> None:
    assert hashlib.sha256((VENDOR / "jssip.min.js").read_bytes()).hexdigest() == JSSIP_SHA256


def test_its_licence_lies_beside_it() -> None:
    text = (VENDOR / "jssip.LICENSE.txt").read_text("utf-8")
    assert 'version:"3.13.8"' in (VENDOR / "jssip.min.js").read_text("utf-8") and "jssip 3.13.8" in text
    assert "MIT License" in text


def test_no_other_file_is_there() -> None:
    assert {file.name for file in VENDOR.iterdir()} == {"jssip.min.js", "jssip.LICENSE.txt"}
