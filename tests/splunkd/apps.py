"""An installed app as splunkd sees it: its commands, and what of it reaches an indexer."""

from __future__ import annotations

import re
import shutil
from configparser import ConfigParser
from pathlib import Path, PurePosixPath

# distsearch.conf's default allow list, as far as an app is concerned.
_REPLICATED = re.compile(r"(default|local)/[^/]*\.conf|metadata/.*|(.*/)?(bin|lookups)/.*")


def read_conf(path: Path) -> dict[str, dict[str, str]]:
    """A .conf file as stanzas of settings; none where the file is absent."""
    parser = ConfigParser(
        interpolation=None,
        delimiters=("=",),
        comment_prefixes=("#",),
        strict=False,
        default_section="default",
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    if path.exists():
        joined = path.read_text(encoding="utf-8").replace("\\\n", " ")
        parser.read_string("\n".join(line.strip() for line in joined.splitlines()))
    return {name: dict(parser.items(name)) for name in parser.sections()}


def is_true(value: str | None) -> bool:
    """Whether splunkd reads this setting as true."""
    return (value or "").strip().lower() in {"1", "t", "true", "y", "yes"}


def find_commands(app: Path) -> dict[str, Path]:
    """The app's search commands and their scripts, from default/commands.conf.

    Raises `ValueError` for a command that isn't chunked or whose script is missing.
    """
    commands = {}
    for name, settings in read_conf(app / "default" / "commands.conf").items():
        if not is_true(settings.get("chunked")):
            raise ValueError(f"commands.conf: [{name}] is not chunked = true")
        script = app / "bin" / settings.get("filename", "")
        if not script.is_file():
            raise ValueError(f"commands.conf: [{name}] has no script {script}")
        commands[name] = script
    return commands


def replicate(app: Path, bundle: Path) -> Path:
    """Copy what the knowledge bundle carries into it, and return where the app lies there.

    `lib/`, `static/` and `README/` stay at home, and so does a lookup with `replicate = false`.
    """
    target = bundle / "apps" / app.name
    definitions = read_conf(app / "default" / "transforms.conf")
    local = app / "local" / "transforms.conf"
    for stanza, changed in (read_conf(local) if local.is_file() else {}).items():
        definitions[stanza] = {**definitions.get(stanza, {}), **changed}
    kept_home = {
        f"lookups/{settings['filename']}"
        for settings in definitions.values()
        if "filename" in settings and not is_true(settings.get("replicate", "true"))
    }
    for path in sorted(app.rglob("*")):
        name = str(PurePosixPath(path.relative_to(app)))
        if path.is_file() and _REPLICATED.fullmatch(name) and name not in kept_home:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / name)
    return target
