"""The secret that splunkd asks for: from the environment, a file or a prompt.

Never from the command line, which every user of a machine can see, and which shells remember.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable
from urllib.parse import quote, quote_plus

from lofp_enrich.errors import LofpError

TOKEN = "LOFP_SPLUNK_TOKEN"
"""Environment variable of an authentication token (Settings > Tokens in Splunk Web)."""
SESSION = "LOFP_SPLUNK_SESSION"
"""Environment variable of a session key, as `/services/auth/login` gives it."""

_MAX_BYTES = 2**16


@dataclass(frozen=True)
class Secret:
    """A token or a session key; its text shows neither."""

    scheme: str
    """How splunkd wants it announced: `Bearer` for a token, `Splunk` for a session key."""
    value: str = field(repr=False)

    def hide_in(self, text: str) -> str:
        """`text` without the secret, should a server have quoted it."""
        for spelling in (self.value, quote(self.value, safe=""), quote_plus(self.value)):
            text = text.replace(spelling, "***")
        return text


def find_secret(
    environment: Mapping[str, str],
    token_file: Path | None = None,
    prompt: Callable[[], str] | None = None,
) -> Secret:
    """The secret to use: the file if one is named, else the environment, else what is typed.

    `prompt` asks a person and is None where there is nobody to ask. Raises LofpError where there
    is no secret, where two are set, or where the file can be read by others.
    """
    if token_file is not None:
        return _secret("Bearer", _read(token_file), str(token_file))
    token, session = environment.get(TOKEN, ""), environment.get(SESSION, "")
    if token and session:
        raise LofpError(f"{TOKEN} and {SESSION} are both set; unset the one that is not meant.")
    if token:
        return _secret("Bearer", token, TOKEN)
    if session:
        return _secret("Splunk", session, SESSION)
    if prompt is None:
        raise LofpError(
            f"there is no token for splunkd; set {TOKEN} or {SESSION}, or name a file with "
            "--token-file."
        )
    return _secret("Bearer", prompt(), "the prompt")


def _secret(scheme: str, text: str, origin: str) -> Secret:
    value = text.strip()
    if not re.fullmatch(r"[!-~]+", value):
        # Said here in our words: a library that refuses such a header would quote it.
        what = "holds what no token has (a blank?)" if value else "is empty"
        raise LofpError(f"{origin}: {what}; put the token there, and nothing else.")
    return Secret(scheme, value)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # Asked of the open file: the name could stand for another one a moment later.
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES)
    except OSError as error:
        raise LofpError(
            f"{path} cannot be read ({error.strerror}); name another file with --token-file."
        ) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise LofpError(f"{path} can be read by others; run chmod 600 on it and renew the token.")
    return data.decode("utf-8", errors="replace")
