"""One pass of CSafeLoader and tomllib over the rule archives: the yardstick of `build`."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

for archive in ("sigma", "elastic", "splunk"):
    with tarfile.open(Path(sys.argv[1]) / f"{archive}.tar.gz") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            if member.name.endswith((".yml", ".yaml")):
                list(yaml.load_all(file.read(), Loader=yaml.CSafeLoader))
            elif member.name.endswith(".toml"):
                tomllib.loads(file.read().decode())
