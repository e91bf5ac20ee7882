"""LoFP: generated pages and saved tag pages."""

from __future__ import annotations

import pytest

from lofp_enrich.model import FalsePositive, Location, LogSource, Rule
from lofp_enrich.sources import lofp

SIGMA = "https://github.com/SigmaHQ/sigma/blob/master/"
ELASTIC = "https://github.com/elastic/detection-rules/blob/main/"


def sample(title: str, source: str, url: str, techniques: str = "") -> str:
    return (
        f"### {title}\n\n* **source**: [{source}]({url})\n* **technicques**:\n{techniques}\n\n"
        "#### Description\nDoes a\nthing.\n\n#### Detection logic\n```yaml\n### not a rule\n```\n\n"
    )


def page(
    samples: str, tags: str = "[T1021, windows, sigma]", heading: str = "## Techniques\n"
) -> str:
    return (
        f"---\ndescription: ''\ntags: {tags}\n"
        f'title: the \\"branch\\" mirrors its\n  files\n---\n\n'
        f"{heading}\n- [t1021](https://a/)\n- [T1570](https://a/)\n\n## Sample rules\n\n{samples}"
    )


def rules(text: str, path: str = "x.md") -> list[Rule]:
    return [found for found in lofp.parse(text, path) if isinstance(found, Rule)]


def test_a_page() -> None:
    one = sample("One", "sigma", SIGMA + "rules/windows/registry/a.yml", "  - t1021\n  - T1112\n")
    two = sample("Two", "elastic", ELASTIC + "rules/_deprecated/b.toml")
    assert rules(page(one + two)) == [
        Rule(
            source="lofp",
            id="sigma:rules/windows/registry/a.yml",
            title="One",
            location=Location("x.md", 15),
            techniques=("T1021", "T1112", "T1570"),
            falsepositives=(FalsePositive('the "branch" mirrors its files'),),
            logsource=LogSource(product="windows|registry"),
            description="Does a thing.",
            license="DRL-1.1",
            url=SIGMA + "rules/windows/registry/a.yml",
        ),
        Rule(
            source="lofp",
            id="elastic:rules/_deprecated/b.toml",
            title="Two",
            location=Location("x.md", 32),
            techniques=("T1570",),
            falsepositives=(FalsePositive('the "branch" mirrors its files'),),
            logsource=LogSource(product="_deprecated"),
            deprecated=True,
            description="Does a thing.",
            license="Elastic-2.0",
            url=ELASTIC + "rules/_deprecated/b.toml",
        ),
    ]


def test_a_doubled_page_gives_each_rule_once() -> None:
    one = sample("One", "sigma", SIGMA + "rules/a.yml")
    assert len(rules(page(f"{one}## Sample rules\n\n{one}{one}"))) == 1


def test_a_page_without_the_heading_has_its_techniques_all_the_same() -> None:
    one = sample("One", "splunk", "https://github.com/splunk/security_content/blob/x/d/a.yml")
    (found,) = rules(page(one, tags="[]", heading=""))
    assert found.techniques == ("T1021", "T1570")
    assert found.license == "Apache-2.0"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('---\ntitle: "T1566"\n---\n\n> [T1566](https://a/)', "tags/T1566/_index.md"),
        ("# A README\n", "README.md"),
        ("requests==2\n", "requirements.txt"),
        ("<html><body>Something else</body></html>", "x.html"),
    ],
)
def test_what_is_no_page_gives_nothing(text: str, path: str) -> None:
    assert list(lofp.parse(text, path)) == []


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (page(""), "x.md", "x.md:1: no rule under `## Sample rules`"),
        ("---\ntags: []\n---\n", "x.md", "x.md:2: title: missing"),
        ("---\ntags: [a\n---\n", "x.md", "x.md:3: not YAML: "),
        ("---\n- a\n---\n", "x.md", "x.md:1: the front matter is no mapping"),
        ("---\ntitle: !bad a\n---\n", "x.md", "x.md:2: not plain YAML: the tag !bad"),
        ("LoFP LoFP / t1\n\nt1\n", "x.txt", "x.txt: expected a tag page: "),
        ("<html><p>LoFP</p></html>", "x.html", "x.html: expected a tag page: "),
    ],
)
def test_what_cannot_be_read(text: str, path: str, message: str) -> None:
    (error,) = lofp.parse(text, path)
    assert str(error).startswith(message)


def test_a_tag_page_as_text() -> None:
    text = 'LoFP LoFP / t1566\n\nt1566\n\nTitleTags\nb\na  c\nsay \\"x\\"\nb'
    assert rules(text, "saved.txt") == [
        Rule(
            source="lofp",
            id="t1566",
            title="LoFP tag page t1566",
            location=Location("saved.txt", 5),
            techniques=("T1566",),
            falsepositives=tuple(map(FalsePositive, ["b", "a c", 'say "x"'])),
        )
    ]


def test_a_tag_page_as_html() -> None:
    text = """<!doctype html><html><head><style>TitleTags</style>
<script>document.write("LoFP / evil")</script></head>
<body><p><a href="/">LoFP</a> <a href="/">LoFP</a> / T1059.001</p><h1>T1059.001</h1>
<table><thead><tr><th>Title</th><th>Tags</th></tr></thead>
<tr><td><a href="/a">admin &amp; backup
 <b>scripts</b></a></td><td>t1059</td></tr><tr><td></td></tr></table>
<footer>A copyright</footer></body></html>"""
    (found,) = rules(text, "saved.html")
    assert found.id == "T1059.001"
    assert found.location == Location("saved.html")
    assert found.techniques == ("T1059.001",)
    assert found.falsepositives == (FalsePositive("admin & backup scripts"),)
