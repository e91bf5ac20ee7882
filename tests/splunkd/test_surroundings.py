"""What a command is told, where it runs, and what it finds there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from . import FakeSplunkd, ProtocolError
from .conftest import TinyApp

ECHO = """
info, _ = read()
reply(type="streaming")
while True:
    chunk, body = read()
    reply(body, finished=chunk["finished"])
"""


def test_getinfo(raw_app: TinyApp, tmp_path: Path) -> None:
    splunkd = raw_app(ECHO)
    search = 'search index=x | tiny text="a b" "c|d" pattern="\\w+" é, f=1,2 | head 5'
    info = splunkd.search(search, remote=False).sent[0].metadata["searchinfo"]
    assert info["args"] == ["text=a b", "c|d", "pattern=\\w+", "é", "f=1", "2"]
    assert info["raw_args"] == ['text="a b"', '"c|d"', 'pattern="\\w+"', "é", "f=1", "2"]
    # The run of a streaming command, recorded as such on a search head.
    assert unquote(info["search"]) == "litsearch" + search[len("search") :]
    assert "|" not in info["search"]
    assert (info["command"], info["maxresultrows"]) == ("tiny", 50000)
    assert Path(info["dispatch_dir"]).is_dir()
    assert not info["sid"].startswith("remote_")


SURROUNDINGS = """
info, _ = read()
reply(type=info["searchinfo"]["args"][0])
chunk, body = read()
import os
told = {"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "file": __file__,
        "path": sys.path, "search": info["searchinfo"]["search"], "sid": info["searchinfo"]["sid"]}
reply("told\\n" + '"' + json.dumps(told).replace('"', '""') + '"' + "\\n", finished=True)
"""


def _told(splunkd: FakeSplunkd, *, remote: bool) -> dict[str, object]:
    event = splunkd.search("search x | tiny streaming", remote=remote).events[0]
    told: dict[str, object] = json.loads(str(event["told"]))
    return told


def test_surroundings(raw_app: TinyApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = _told(raw_app(SURROUNDINGS), remote=False)
    home = tmp_path / "splunk"
    assert told["argv"] == []
    assert told["file"] == str(home / "etc" / "apps" / "tiny" / "bin" / "tiny.py")
    assert isinstance(told["env"], dict)
    assert told["env"]["SPLUNK_HOME"] == str(home)
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "LOFP_CORPORA"} & set(told["env"])
    assert str(tmp_path) not in str(told["path"]).replace(str(home), "")
    checkout = str(Path(__file__).parents[2]) + os.sep
    assert checkout not in str(told["path"])


def test_remote(raw_app: TinyApp) -> None:
    splunkd = raw_app(SURROUNDINGS)
    transforms = "[kept]\nfilename = kept.csv\nreplicate = false\n[sent]\nfilename = sent.csv\n"
    (splunkd.app / "default" / "transforms.conf").write_text(transforms)
    for name in ("lib/a.py", "lookups/kept.csv", "lookups/sent.csv", "default/data/ui/x.xml"):
        (splunkd.app / name).parent.mkdir(parents=True, exist_ok=True)
        (splunkd.app / name).write_text("a\n")
    told = _told(splunkd, remote=True)
    script = Path(str(told["file"]))
    assert script.parts[-4:] == ("apps", "tiny", "bin", "tiny.py")
    assert "searchpeers" in script.parts
    assert str(told["sid"]).startswith("remote_")
    assert str(told["search"]).startswith("litsearch")
    assert "SPLUNK" not in str(told["env"])
    app = script.parents[1]
    assert sorted(str(path.relative_to(app)) for path in app.rglob("*.*") if path.is_file()) == [
        "bin/tiny.py",
        "default/commands.conf",
        "default/transforms.conf",
        "lookups/sent.csv",
    ]


def test_only_streaming_goes_to_indexers(raw_app: TinyApp) -> None:
    with pytest.raises(ProtocolError, match="of type stateful on the search head"):
        raw_app(SURROUNDINGS).search("search x | tiny stateful", remote=True)
