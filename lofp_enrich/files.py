"""Files that are replaced in one step."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace_file(path: Path, data: bytes) -> str:
    """Makes `data` the content of `path` in one step; says `created`, `updated` or `unchanged`.

    A search that reads the file meanwhile sees the old or the new one, never a part: the bytes are
    written beside it and put in its place.
    """
    existed = path.exists()
    if existed and path.read_bytes() == data:
        return "unchanged"
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return "updated" if existed else "created"
