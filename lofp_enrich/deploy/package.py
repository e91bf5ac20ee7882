"""The app as one archive: the template, what runs in Splunk, and the lookups."""

from __future__ import annotations

import csv
import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from lofp_enrich import __version__
from lofp_enrich.errors import LofpError
from lofp_enrich.files import replace_file
from lofp_enrich.search.knowledge.columns import CATALOGUE, SITE

APP = "lofp_enrich"
LIB = "bin/lib"
"""Vendored code lies under `bin/`, for Splunk leaves `lib/` out of the knowledge bundle."""
_PACKAGE = Path(__file__).resolve().parents[1]
_BESIDE = _PACKAGE.parent
TEMPLATE = next(
    (path for path in (_PACKAGE / "splunk_app", _BESIDE / "splunk_app") if path.is_dir()),
    _PACKAGE / "splunk_app",
)
"""Inside the package where pip installed it, beside it in a checkout."""


def write_app(lookups: Path, out: Path) -> str:
    """Writes the app with the lookups of a folder to `out`; `created`, `updated` or `unchanged`.

    The same input gives the same bytes: names sorted, no times, no owners.
    Raises LofpError where the template or a lookup file is missing.
    """
    files = app_files(lookups)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return replace_file(out, archive(files))
    except OSError as error:
        raise LofpError(
            f"{out} cannot be written ({error.strerror}); name another file with --out."
        ) from error


def app_files(lookups: Path) -> dict[str, bytes]:
    """Every file of the app by its path inside the app's folder."""
    files = dict(_template())
    files.update(_search_code())
    files.update(_splunklib())
    files.update(_lookups(lookups))
    files["LICENSE.txt"] = _license()
    files["NOTICE.txt"] = notice(files["lookups/lofp_meta.csv"])
    return files


def archive(files: Mapping[str, bytes]) -> bytes:
    """The files as a `.tar.gz` with one top folder, in the form that AppInspect accepts."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        folders = {parent.as_posix() for name in files for parent in Path(APP, name).parents} - {
            "."
        }
        for folder in sorted(folders):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(f"{APP}/{name}")
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    packed = io.BytesIO()
    # Not gzip.compress: what it writes as the operating system differs from Python to Python.
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(data.getvalue())
    return packed.getvalue()


def _template() -> Iterator[tuple[str, bytes]]:
    if not TEMPLATE.is_dir():
        raise LofpError(
            "the app's template is not here; install lofp_enrich again, or run it from a checkout."
        )
    for path in sorted(TEMPLATE.rglob("*")):
        parts = path.relative_to(TEMPLATE).parts
        if path.is_file() and not any(_is_litter(part) for part in parts):
            yield "/".join(parts), path.read_bytes()


def _license() -> bytes:
    """This project's own licence: among the metadata where pip installed it."""
    beside = _BESIDE / "LICENSE"
    if beside.is_file():
        return beside.read_bytes()
    return (metadata.distribution(APP).read_text("licenses/LICENSE") or "").encode()


def _is_litter(name: str) -> bool:
    """What an editor, a desktop or Splunk itself leaves in a folder, and AppInspect refuses."""
    return (
        name.startswith(".")
        or name in ("local", "local.meta", "__pycache__")
        or name.endswith((".pyc", "~"))
    )


def _search_code() -> Iterator[tuple[str, bytes]]:
    for path in [_PACKAGE / "__init__.py", *sorted((_PACKAGE / "search").rglob("*.py"))]:
        yield f"{LIB}/{APP}/{path.relative_to(_PACKAGE).as_posix()}", path.read_bytes()


def _splunklib() -> Iterator[tuple[str, bytes]]:
    """splunk-sdk as it is installed, byte for byte: AppInspect knows its files by their hashes."""
    files = metadata.files("splunk-sdk")
    if not files:
        raise LofpError("splunk-sdk is installed without a list of its files; install it with pip.")
    for file in sorted(files, key=str):
        name = file.as_posix()
        if name.startswith("splunklib/") and name.endswith(".py") and "/modularinput/" not in name:
            yield f"{LIB}/{name}", Path(str(file.locate())).read_bytes()


def _lookups(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name, wanted in CATALOGUE.items():
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise LofpError(
                f"{folder / name} cannot be read ({error.strerror}); run lofp-enrich build first."
            ) from error
        if data.split(b"\n", 1)[0].decode("utf-8", errors="replace") != ",".join(wanted):
            raise LofpError(f"{folder / name} is not of this version; run lofp-enrich build first.")
        yield f"lookups/{name}", data
    # Empty, as `<name>.default`, of which Splunk makes the file where there is none: so a search
    # finds it, and an upgrade overwrites nothing that the site wrote.
    for name, header in SITE.items():
        yield f"lookups/{name}.default", (",".join(header) + "\n").encode()


def notice(meta: bytes) -> bytes:
    """The NOTICE of an app: which rule sources its lookups were made of, under which licence."""
    lines = [
        f"lofp_enrich {__version__}",
        "",
        "The explanations in lookups/ are the words of the authors named beside each of them,",
        "under the licence named there. They were taken from:",
        "",
    ]
    rows = csv.DictReader(io.StringIO(meta.decode("utf-8", errors="replace")))
    for row in rows:
        commit = f", commit {row['commit']}" if row["commit"] else ""
        licence = f"licence {row['license']}" if row["license"] else "licence as the rule says"
        lines.append(f"* {row['source']}{commit}: {row['rules']} rules, {licence}")
    lines += [
        "",
        "ATT&CK technique names and IDs: (c) The MITRE Corporation. This work is reproduced and",
        "distributed with the permission of The MITRE Corporation.",
        "",
        "bin/lib/splunklib is the Splunk SDK for Python, (c) Splunk Inc., Apache License 2.0.",
        "",
    ]
    return "\n".join(lines).encode()
