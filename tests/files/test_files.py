import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro.files.text import read_text, write_text

ROOT = Path(__file__).parents[2]
IN_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
WRITING = """
import sys
from pathlib import Path
from repro.files.text import read_text, write_text

path = Path("text")
write_text(path, "\\u03bb1 in " + sys.argv[1])
assert read_text(path) == "\\u03bb1 in D\\u00e4ten"
"""


def test_text_is_utf8_in_any_locale_and_so_is_what_a_path_puts_into_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITING, "Däten"]  # which the C locale holds in surrogates
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **IN_C}, check=True)
    assert (tmp_path / "text").read_bytes() == "λ1 in Däten".encode()


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbfseeds = 3")
    assert read_text(tmp_path / "text") == "seeds = 3"


def test_what_cannot_be_written_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "before")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "text", "after" * 10000 + "\ud800")
    assert (tmp_path / "text").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
