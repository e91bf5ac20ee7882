"""GitHub as `fetch` sees it: its API, its archives and raw files, its redirects, its moods."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field

from .internet import Exchange, Handler

API, WEB, CODELOAD = "api.github.com", "github.com", "codeload.github.com"
RAW, MIRROR, ELSEWHERE = "raw.githubusercontent.com", "mirror.example", "elsewhere.example"
HOSTS = [API, WEB, CODELOAD, RAW, MIRROR, ELSEWHERE]

NAMES = {
    "sigma": "SigmaHQ/sigma",
    "elastic": "elastic/detection-rules",
    "splunk": "splunk/security_content",
    "lolrmm": "magicsword-io/LOLRMM",
    "attack": "mitre-attack/attack-stix-data",
}
BUNDLE = "enterprise-attack/enterprise-attack.json"


@dataclass
class Commit:
    """What the repository is at."""

    sha: str
    date: str
    data: bytes
    """The archive; for `attack` the bundle."""

    @property
    def etag(self) -> str:
        return f'W/"{hashlib.sha256(self.sha.encode()).hexdigest()}"'


@dataclass
class GitHub:
    """Answers as GitHub does, unless a fault is queued for the host."""

    refs: dict[tuple[str, str], Commit] = field(default_factory=dict)
    """(repository, ref) -> commit; ref "" is the default branch."""
    faults: dict[str, list[Handler]] = field(default_factory=dict)

    def publish(self, name: str, data: bytes, sha: str, day: int = 1, ref: str = "") -> Commit:
        """Makes `data` the newest commit of a source's repository."""
        commit = Commit(sha, f"2026-08-{day:02}T10:11:12Z", data)
        self.refs[NAMES[name], ref] = commit
        return commit

    def fault(self, host: str, *handlers: Handler) -> None:
        """The next requests to a host are answered by these, one each."""
        self.faults.setdefault(host, []).extend(handlers)

    def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        queued = self.faults.get(request.host)
        if queued:
            queued.pop(0)(exchange)
            return
        parts = request.path.strip("/").split("/")
        if parts[0] == "repos" and parts[3:] == ["commits"] and request.host in (API, MIRROR):
            self._commits(exchange, "/".join(parts[1:3]))
            return
        name = "/".join(parts[:2])
        commits = {commit.sha: commit for (known, _), commit in self.refs.items() if known == name}
        commit = next((commits[sha] for sha in map(_sha, parts) if sha in commits), None)
        if commit is None:
            exchange.answer(404, {}, b"Not Found")
        elif request.host == WEB:
            self._redirect(exchange, parts)
        else:
            exchange.answer(200, {}, commit.data)

    def _commits(self, exchange: Exchange, repository: str) -> None:
        query = exchange.request.query
        commit = self.refs.get((repository, query.get("sha", "")))
        if commit is None or query["per_page"] != "1":
            exchange.answer(404, {}, b'{"message": "Not Found"}')
        elif exchange.request.headers.get("if-none-match") == commit.etag:
            exchange.head(304, {"ETag": commit.etag})
        else:
            person = {"name": "Who", "date": commit.date}
            latest = {"sha": commit.sha, "commit": {"committer": person, "message": "word " * 99}}
            exchange.answer(200, {"ETag": commit.etag}, json.dumps([latest]).encode())

    def _redirect(self, exchange: Exchange, parts: list[str]) -> None:
        owner, repository, kind, *rest = parts
        where = f"https://{RAW}/{owner}/{repository}/{'/'.join(rest)}"
        if kind == "archive":
            where = f"https://{CODELOAD}/{owner}/{repository}/tar.gz/{_sha(rest[0])}"
        exchange.answer(302, {"Location": where})


def _sha(part: str) -> str:
    return part[: -len(".tar.gz")] if part.endswith(".tar.gz") else part


def sha(seed: str) -> str:
    """A commit's name."""
    return hashlib.sha1(seed.encode()).hexdigest()


def rule(name: str, number: int) -> tuple[str, str]:
    """Path and text of a rule of a source, in words of our own."""
    title = f"Odd process number {number}"
    if name == "elastic":
        return f"rules/linux/odd_{number}.toml", (
            f'[metadata]\nmaturity = "production"\n[rule]\nname = "{title}"\n'
            f'rule_id = "00000000-0000-4000-8000-{number:012}"\nrisk_score = 21\n'
            f'severity = "low"\ntype = "query"\nquery = "process where true"\n'
            f'description = "A test."\nfalse_positives = ["Nightly job {number}"]\n'
            '[[rule.threat]]\nframework = "MITRE ATT&CK"\n[[rule.threat.technique]]\nid = "T1059"\n'
        )
    if name == "splunk":
        return f"detections/endpoint/odd_{number}.yml", (
            f"name: {title}\nid: 00000000-0000-4000-8000-{number:012}\nstatus: production\n"
            f"type: TTP\ndescription: A test.\nsearch: '| tstats count'\n"
            f"known_false_positives: Nightly job {number}.\ntags:\n  mitre_attack_id:\n  - T1059\n"
        )
    if name == "lolrmm":
        return f"yaml/odd_{number}.yaml", (
            f"Name: Odd Desk {number}\nCategory: RMM\nDetails:\n  InstallationPaths:\n"
            f"  - C:\\Program Files\\OddDesk{number}\\*\nArtifacts: {{}}\n"
        )
    return f"rules/linux/odd_{number}.yml", (
        f"title: {title}\nid: 00000000-0000-4000-8000-{number:012}\nstatus: test\n"
        f"logsource:\n  product: linux\ndetection:\n  selection:\n    Image: odd{number}\n"
        f"  condition: selection\nfalsepositives:\n- Nightly job {number}\ntags:\n- attack.t1059\n"
    )


def archive(name: str, commit: str, rules: int) -> bytes:
    """A repository's archive, as GitHub makes it."""
    top = f"{NAMES[name].split('/')[1]}-{commit}"
    return tar(
        [member(f"{top}/{path}", text) for path, text in (rule(name, n) for n in range(rules))],
        commit,
    )


def member(path: str, text: str | bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    """A file of an archive."""
    data = text.encode() if isinstance(text, str) else text
    info = tarfile.TarInfo(path)
    info.size = len(data)
    return info, data


def link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    """A link in an archive."""
    info = tarfile.TarInfo(path)
    info.type = kind
    info.linkname = target
    return info, b""


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]], commit: str = "") -> bytes:
    """A .tar.gz; with a commit in the header that git writes it to."""
    out = io.BytesIO()
    headers = {"comment": commit} if commit else {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers) as t:
        for info, data in members:
            t.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


def bundle(techniques: Iterable[str]) -> bytes:
    """A STIX bundle of techniques in use."""
    objects = [
        {
            "type": "attack-pattern",
            "id": f"attack-pattern--{technique}",
            "name": f"Name of {technique}",
            "external_references": [{"source_name": "mitre-attack", "external_id": technique}],
            "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
            "x_mitre_is_subtechnique": "." in technique,
        }
        for technique in techniques
    ]
    return json.dumps({"type": "bundle", "objects": objects}).encode()
