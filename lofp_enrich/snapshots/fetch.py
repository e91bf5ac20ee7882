"""Snapshots of the rule repositories, and of ATT&CK, from GitHub or a mirror into the cache.

For each source one question to GitHub's API tells the commit; only if that is not the one in the
cache, its archive is downloaded, read as `build` will read it, and put in the place of the old one.
Whatever fails, the old one stays.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, NamedTuple
from urllib.parse import urlencode

from lofp_enrich.errors import LofpError
from lofp_enrich.snapshots import cache, verify
from lofp_enrich.snapshots.cache import Snapshot
from lofp_enrich.snapshots.download import Downloader, Limits, Refused, check_url

__all__ = ["REPOSITORIES", "Fetched", "Limits", "Repository", "Step", "fetch_all"]

_API = "https://api.github.com"
_WEB = "https://github.com"
_ANSWER_BYTES = 2**20
_LIMITS = Limits()
_SHA = re.compile(r"[0-9a-f]{40}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?=T)")


@dataclass(frozen=True)
class Repository:
    """Where a source is on GitHub."""

    name: str
    """`owner/repository`."""
    file: str = ""
    """The one file that is wanted; empty for an archive of all."""

    @property
    def suffix(self) -> str:
        """How the name of the download ends."""
        return Path(self.file).suffix or ".tar.gz"


REPOSITORIES = {
    "sigma": Repository("SigmaHQ/sigma"),
    "elastic": Repository("elastic/detection-rules"),
    "splunk": Repository("splunk/security_content"),
    "lolrmm": Repository("magicsword-io/LOLRMM"),
    # The whole repository has every version of every matrix, some gigabytes.
    "attack": Repository(
        "mitre-attack/attack-stix-data", "enterprise-attack/enterprise-attack.json"
    ),
}
"""What can be fetched, by name."""


@dataclass(frozen=True)
class Step:
    """What one source is at. Step comes from several threads at once."""

    name: str
    step: str
    """`ask`, `download`, `check`, `wait`, or `done`."""
    text: str = ""
    """Why there is a wait."""
    done: int = 0
    total: int = 0
    """Bytes; 0 where the server does not say."""


@dataclass(frozen=True)
class Fetched:
    """What became of one source. Its text is one line for a person."""

    name: str
    state: str
    """`created`, `updated`, `unchanged` or `failed`."""
    snapshot: Snapshot | None
    """The one now in use; None only where the first fetch failed."""
    previous: Snapshot | None = None
    error: str = ""

    def __str__(self) -> str:
        if self.state != "failed":
            before = f" (before: {self.previous})" if self.state == "updated" else ""
            return f"{self.name}: {self.state}, {self.snapshot}{before}"
        rest = f"Still in use: {self.snapshot}." if self.snapshot else "There is no older snapshot."
        return f"{self.name}: {self.error} {rest}"


def fetch_all(
    names: Iterable[str],
    cache: Path,
    *,
    ref: str = "",
    url: str = "",
    report: Callable[[Step], None] = lambda progress: None,
    limits: Limits = _LIMITS,
    sleep: Callable[[float], object] | None = None,
) -> list[Fetched]:
    """Brings the snapshots of these sources up to date, all at once, and says how each fared.

    `ref` is a branch, tag or commit instead of the default branch; `url` the base of a mirror that
    is asked instead of api.github.com and github.com. Raises LofpError where the arguments or
    GITHUB_TOKEN make no sense; what fails for one source is in its result.
    """
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in REPOSITORIES:
            raise LofpError(f"{name}: cannot be fetched; name one of {', '.join(REPOSITORIES)}.")
    stop = threading.Event()
    job = _Job(
        cache=cache,
        ref=ref,
        api=check_url(url or _API),
        web=check_url(url or _WEB),
        tokens=_tokens(),
        report=report,
        limits=limits,
        sleep=sleep or stop.wait,
        stop=stop,
    )
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
        try:
            return list(pool.map(job.run, wanted))
        except BaseException:
            stop.set()  # Ctrl-C: the pool waits for its threads, so they have to hear of it
            raise


def _tokens() -> dict[str, str]:
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not re.fullmatch(r"[!-~]*", token):
        # requests would say so too, and quote it.
        raise LofpError("GITHUB_TOKEN: holds what no token has (a blank?); set it again.")
    return {"api.github.com": token} if token else {}


class _Latest(NamedTuple):
    commit: str
    date: str
    asked: str
    etag: str


@dataclass(frozen=True)
class _Job:
    cache: Path
    ref: str
    api: str
    web: str
    tokens: dict[str, str] = field(repr=False)
    report: Callable[[Step], None]
    limits: Limits
    sleep: Callable[[float], object]
    stop: threading.Event

    def run(self, name: str) -> Fetched:
        """One source, from the question to the snapshot; nothing that can be mended is raised."""

        def note(reason: str) -> None:
            self._tell(Step(name, "wait", reason))

        old = None
        try:
            old = cache.snapshot(name, self.cache)
            with cache.locked(name, self.cache, note, self._pause):
                old = cache.snapshot(name, self.cache)  # another process may have been quicker
                with Downloader(note, self._pause, self.limits, self.tokens) as client:
                    return self._run(client, name, old)
        except LofpError as error:
            return Fetched(name, "failed", old, error=str(error))
        except OSError as error:
            why = f"{self.cache}: cannot be written ({error.strerror or error}); mend that or name"
            return Fetched(name, "failed", old, error=f"{why} another folder with --cache.")
        finally:
            self.report(Step(name, "done"))

    def _run(self, client: Downloader, name: str, old: Snapshot | None) -> Fetched:
        latest = self._ask(client, name, old)
        if old and (latest is None or latest.commit == old.commit):
            if latest:
                old = replace(old, ref=self.ref, **latest._asdict())
                cache.record(old)
            cache.sweep(old)
            return Fetched(name, "unchanged", old)
        if latest is None:
            raise AssertionError("a 304 without If-None-Match is refused by the client")
        new = self._download(client, name, latest, old)
        return Fetched(name, "updated" if old else "created", new, old)

    def _ask(self, client: Downloader, name: str, old: Snapshot | None) -> _Latest | None:
        """The commit that the ref stands for; None where it is known to be that of `old`."""
        repository = REPOSITORIES[name]
        # The list of commits, because a commit by itself comes with its whole diff.
        query = {"per_page": "1", "sha": self.ref, "path": repository.file}
        asked = f"{self.api}/repos/{repository.name}/commits?" + urlencode(
            {key: value for key, value in query.items() if value}
        )
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if old and old.etag and old.asked == asked:
            headers["If-None-Match"] = old.etag
        self._tell(Step(name, "ask"))
        try:
            answer = client.read(asked, headers, _ANSWER_BYTES)
        except Refused as error:
            if error.status not in (404, 422):
                raise
            what = f"no {self.ref!r} in" if self.ref else "no"
            raise LofpError(
                f"{self.api}: there is {what} {repository.name} (HTTP {error.status}); "
                "see --ref and --url."
            ) from None
        return answer and _latest(*answer, asked)

    def _download(
        self, client: Downloader, name: str, latest: _Latest, old: Snapshot | None
    ) -> Snapshot:
        repository = REPOSITORIES[name]
        what = f"archive/{latest.commit}.tar.gz"
        if repository.file:
            what = f"raw/{latest.commit}/{repository.file}"
        handle, temporary = tempfile.mkstemp(
            dir=self.cache, prefix=f".{name}.part-", suffix=repository.suffix
        )
        os.close(handle)
        path = Path(temporary)

        def progress(done: int, total: int) -> None:
            self._tell(Step(name, "download", done=done, total=total))

        def check() -> int:
            self._tell(Step(name, "check"))
            return verify.count(name, path, latest.commit)

        try:
            rules = client.save(f"{self.web}/{repository.name}/{what}", path, progress, check)
            _check_number(rules, old, self.cache / f"{name}.json")
            sha256 = cache.digest(path)
            place = cache.archive_path(name, self.cache, latest.commit, sha256, repository.suffix)
            new = Snapshot(
                name, place, ref=self.ref, rules=rules, sha256=sha256, **latest._asdict()
            )
            cache.install(path, new)
            return new
        finally:
            path.unlink(missing_ok=True)

    def _tell(self, progress: Step) -> None:
        if self.stop.is_set():
            raise LofpError("stopped.")
        self.report(progress)

    def _pause(self, seconds: float) -> None:
        self.sleep(seconds)
        if self.stop.is_set():
            raise LofpError("stopped.")


def _latest(answer: bytes, etag: str, asked: str) -> _Latest:
    """The commit out of the API's list of one commit."""
    try:
        first: Any = json.loads(answer)[0]
        commit, date = first["sha"], _DATE.match(first["commit"]["committer"]["date"])
        if date and _SHA.fullmatch(commit):
            return _Latest(commit, date[0], asked, etag)
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    where = asked.partition("?")[0]
    raise LofpError(f"{where}: the answer tells no commit; see --url, or try again later.")


def _check_number(rules: int, old: Snapshot | None, metadata: Path) -> None:
    """A layout that we cannot read, or a repository emptied by mistake, does not get in."""
    if not rules:
        raise LofpError("the download holds no rule that can be read; try a newer lofp_enrich.")
    if old and rules * 2 < old.rules:
        raise LofpError(
            f"the download has {rules:,} {old.unit}, less than half of the last one's "
            f"{old.rules:,}; "
            f"if that is right, delete {metadata} and fetch again."
        )
