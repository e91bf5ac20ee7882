"""One name for each product, whoever speaks: Sigma's logsource, a sourcetype, a vendor_product."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from lofp_enrich.search.alert.fields import foreign, words_of
from lofp_enrich.search.alert.leaves import MAX_LAYOUTS, Leaf, names_of
from lofp_enrich.search.alert.shapes import fits

PRODUCT_WORDS = {
    "windows": "windows win wineventlog xmlwineventlog sysmon powershell winlog winlogbeat "
    "windefend defender ntlm wmi registry",
    "linux": "linux auditd syslog linuxsecure ubuntu rhel debian journald",
    "macos": "macos osx unifiedlog jamf",
    "aws": "aws amazon cloudtrail guardduty ec2 iam s3 asl",
    "azure": "azure entra aad azuread activitylogs signinlogs auditlogs",
    "gcp": "gcp gke googlecloud",
    "m365": "m365 o365 office365 exchange sharepoint onedrive teams",
    "google_workspace": "gws gsuite workspace",
    "okta": "okta",
    "onelogin": "onelogin",
    "github": "github",
    "gitlab": "gitlab",
    "bitbucket": "bitbucket",
    "kubernetes": "kubernetes kube k8s eks aks gke",
    "containers": "docker container containers containerd",
    "network": "zeek bro corelight suricata snort firewall netflow panw pan palo fortinet "
    "fortigate checkpoint dns",
    "cisco": "cisco asa ios",
    "web": "web webserver proxy iis apache nginx httpd squid zscaler waf",
    "email": "email mail smtp proofpoint mimecast",
    "vmware": "vmware esxi vcenter",
    "jenkins": "jenkins",
}
"""Words that give a product away, by product."""

_OF_WORD: dict[str, set[str]] = {}
for _product, _words in PRODUCT_WORDS.items():
    for _word in (_product, *_words.split()):
        _OF_WORD.setdefault(_word, set()).add(_product)
_PHRASES = (
    ("google workspace", "google_workspace"),
    ("google_workspace", "google_workspace"),
    ("office 365", "m365"),
    ("google cloud", "gcp"),
)
_WORD = re.compile(r"[a-z0-9]+")
_SEPARATORS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def products_in(text: str) -> frozenset[str]:
    """The products that `text` names: `XmlWinEventLog:Security` gives windows."""
    text = text[:512].lower()
    found: set[str] = set()
    for word in _WORD.findall(text):
        found |= _OF_WORD.get(word, frozenset())
    for phrase, product in _PHRASES:
        if phrase in text:
            found.add(product)
    return frozenset(found)


_NEAR = {
    "m365": ("m365", "email", "azure"),
    "email": ("email", "m365", "google_workspace"),
    "azure": ("azure", "m365"),
    "containers": ("containers", "kubernetes", "linux"),
    "kubernetes": ("kubernetes", "containers", "linux"),
    "network": ("network", "web", "cisco"),
    "web": ("web", "network"),
    "google_workspace": ("google_workspace", "gcp"),
    "linux": ("linux", "containers", "web"),
    "windows": ("windows", "web"),
}
"""Platform -> the products whose explanations fit an alert about it, where that is not itself."""


@lru_cache(maxsize=4096)
def products_for(platform: frozenset[str]) -> frozenset[str]:
    """The products whose explanations can fit an alert about this; none where nothing says it."""
    return frozenset(each for name in platform for each in _NEAR.get(name, (name,)))


_OS_FIELDS = frozenset(
    "os ostype osname osfamily osplatform osversion operatingsystem operatingsystemname platform"
    " platformname agentostype endpointos endpointtype hostos deviceos agentosname eventplatform"
    " osdescription osversionname agentostypename".split()
)
"""Folded names of fields that say which system a machine runs."""
_OS_PARTS = frozenset(("os", "operatingsystem"))
_THINGS = frozenset("resource resources asset assets device devices machine endpoint".split())
_CLIENT = frozenset("client useragent accessdevice authdevice browser".split())
"""Parts of a name that make it the machine from which somebody signs in."""
_OS = (
    ("windows", re.compile(r"\bwin(?:\d\d|nt)?\b|windows|win32", re.IGNORECASE)),
    ("linux", re.compile(r"linux|ubuntu|debian|centos|red ?hat|rhel|suse|fedora", re.IGNORECASE)),
    ("macos", re.compile(r"\bmac\b|mac ?os|os ?x\b|darwin", re.IGNORECASE)),
    ("mobile", re.compile(r"\bandroid\b|\bios\b|ipados|iphone|\bmobile\b", re.IGNORECASE)),
)
_WINDOWS = re.compile(
    r"(?:^|[\s\"'(=/])[A-Za-z]:\\+\w|\\Device\\Harddisk|\bHK(?:LM|CU|EY_)|\\REGISTRY\\"
    r"|%(?:systemroot|appdata|temp|windir)%|\w\.(?:exe|dll|ps1)\b|^file:///[A-Z]%3A",
    re.IGNORECASE,
)
_MACOS = re.compile(r"(?:^|[\s\"'=])/(?:Users|Applications|System/Library|private/var)/")
_LINUX = re.compile(
    r"(?:^|[\s\"'=(])/(?:usr|etc|bin|sbin|home|root|opt|proc|dev|tmp|var/(?:lib|log|www|tmp))/\w"
)
_SHAPES = (("windows", _WINDOWS), ("macos", _MACOS), ("linux", _LINUX))
"""What stands in paths and command lines."""
_LOGS = (
    ("aws", "eventsource awsregion"),
    ("aws", "awsaccountid"),
    ("aws", "accountid region schemaversion"),
    ("kubernetes", "objectref verb"),
    ("kubernetes", "kubernetesdetails"),
    ("kubernetes", "k8s"),
    ("kubernetes", "kubernetes"),
    ("kubernetes", "cluster namespace"),
    ("github", "actor org action"),
    ("github", "actor repo action"),
    ("azure", "calleripaddress operationname"),
    ("azure", "riskeventtype userprincipalname"),
    ("azure", "appdisplayname userprincipalname"),
    ("azure", "eventname operationname subscriptionid"),
    ("okta", "displaymessage legacyeventtype"),
    ("duo", "accessdevice authdevice"),
    ("duo", "username action isotimestamp"),
    ("web", "clientrequesthost"),
    ("web", "urlcategory"),
    ("web", "urlcat useragent"),
    ("containers", "containerinfo"),
    ("containers", "containerid"),
    ("containers", "container"),
    ("windows", "eventid channel"),
    ("windows", "eventcode computername"),
    ("windows", "eventid computer"),
    ("windows", "winlog"),
    ("windows", "eventdata"),
    ("slack", "actor context datecreate entity"),
    ("slack", "actor context ua"),
    ("email", "recipientemailaddress"),
    ("email", "networkmessageid"),
    ("email", "messageparts"),
)
"""Fields that together only the log of one service has, folded: whole names and last parts."""
_VALUES = (
    ("aws", re.compile(r"\barn:aws\b|\bamazonaws\.com\b")),
    ("azure", re.compile(r"\bmicrosoft\.aadiam\b|\bAzure ?AD\b|\bAzureActiveDirectory\b", re.I)),
    ("gcp", re.compile(r"\bgoogleapis\.com\b|gserviceaccount\.com\b")),
    ("kubernetes", re.compile(r"system:serviceaccount:|\bkube-system\b")),
    ("okta", re.compile(r"\.okta\.com\b")),
    ("m365", re.compile(r"\bOffice ?365\b|\bExchangeOnline\b|sharepoint\.com\b", re.I)),
)
_HINTS = (
    *("arn:aws", "amazonaws.com", "microsoft.aadiam", "azuread", "azure ad", "azureactive"),
    *("googleapis.com", "gserviceaccount.com", "system:serviceaccount:", "kube-system"),
    *(".okta.com", "office365", "office 365", "exchangeonline", "sharepoint.com"),
)
"""What stands in any text that one of these patterns finds something in: quicker to look for."""
_SAYS = (
    (
        ("windows",),
        re.compile(
            r"AdvancedHunting-(?:Device|Identity)|Defender ?for ?(?:Endpoint|Identity)|DefenderATP",
            re.I,
        ),
    ),
    (("email", "m365"), re.compile(r"AdvancedHunting-Email|Defender ?for ?Office|OfficeATP", re.I)),
    (("azure",), re.compile(r"Identity ?Protection|AzureAD|Entra", re.I)),
    (("m365",), re.compile(r"Cloud ?App ?Security|Defender ?for ?Cloud ?Apps", re.I)),
    (("mobile",), re.compile(r"\bfor Mobile\b|\bMobile (?:Threat|Security|Endpoint)\b", re.I)),
)
"""What the alerts of a suite say of that part of it which raised them."""
_SAY_FIELDS = frozenset(
    "category servicesource detectionsource productname sourceproducts source provider"
    " vendor".split()
)
_KIND_FIELDS = frozenset("type resourcetype kind".split())
_KINDS = {
    **dict.fromkeys("pod daemonset statefulset replicaset".split(), ("kubernetes", "containers")),
    **dict.fromkeys(("container", "containerimage"), ("containers",)),
}
"""What an alert is about by the kind of the thing that it names."""
_CLOUDS = frozenset(("aws", "azure", "gcp"))
_CLOUD_FIELDS = frozenset("provider cloud platform source".split())
"""Last words of the fields that hold a cloud's name and nothing else."""
_LOG_FIELDS = frozenset(
    "logsourceproduct logsourceservice eventdataset eventmodule datasetname vendorproduct"
    " sourcetype integrationname inputtype product logname index channel provider dataset"
    " module decodername rulegroups workload devicevendor deviceproduct logsourcestypename"
    " parentimage eventrecordid".split()
)
_SENSORS = re.compile(
    r"cisco[: _]?(?:amp|secure)|vmware:cbc|pan[:_]?xdr|crowdstrike|defender|sentinelone|cortex"
    r"|carbon.?black|sophos|trellix|mcafee|symantec|kaspersky|eset|tanium|trend.?micro|wazuh"
    r"|elastic|splunk|wiz|lacework|qradar|alienvault|tehtris|darktrace",
    re.IGNORECASE,
)
"""Products that watch machines of any kind: their name says nothing of what an alert is about."""
_SERVICES = frozenset(("duo", "slack", "auth0", "cyberark", "1password"))
_OF_HOSTS = frozenset(("process", "parent", "command_line", "registry", "event_code", "user_agent"))
"""Attributes that an alert about traffic between two addresses has not."""
_NAMED = re.compile(
    r"\b(windows|linux|macos|aws|azure|okta|kubernetes|github|gcp|o365|duo|slack|cyberark|auth0)\b",
    re.IGNORECASE,
)
_OF_WINDOWS = re.compile(
    r"\b(?:win(?:32|64)|w32|registry|regsvr32|rundll32|mshta|lsass\w*|ntds\w*|dcsync|kerberoast\w*"
    r"|sysvol|active directory|group policy|image file execution)\b",
    re.IGNORECASE,
)
"""What only Windows has, in a rule's title or a technique's name."""
_WINDOWS_ACCOUNT = re.compile(r"[\w.\-]+\\[^\\/]+")
"""`CORP\\alice`, `NT AUTHORITY\\SYSTEM`."""
_WINDOWS_GROUP = re.compile(r"(?:Domain |Enterprise |Schema )?Admin(?:istrator)?s", re.IGNORECASE)
_UNIX_APPS = frozenset("su sudo sshd cron crond".split())
_PREFIX = re.compile(r"/\d{1,3}$")
"""Of a network: `10.0.0.0/8`."""


def platforms_of(
    leaves: Sequence[Leaf], values: Mapping[str, tuple[str, ...]], techniques: Sequence[str] = ()
) -> tuple[str, ...]:
    """What an alert is about, sorted: from OS fields or else the shape of paths; from the fields
    that only one service's log has; else from what its log, its rule and its `techniques` (names)
    are called. Whoever sells the sensor says nothing of it."""
    layout = _layout(names_of(leaves))
    service = _of_service(leaves, layout) | _of_clouds(leaves, layout, values)
    if {"src_ip", "dest_ip"} <= values.keys() and not _OF_HOSTS & values.keys():
        # A signature is called by what may have sent the traffic (`Win32/Odd check-in`), which
        # nobody has seen where neither a machine nor a person is named.
        seen = {"user", "host"} & values.keys()
        titled = _of_titles(values, techniques) if seen else set()
        return tuple(sorted(service or titled or {"network"}))
    # What collects the log of a service runs anywhere.
    found = _of_os(leaves, layout.systems) or _of_shapes(values)
    found = found or (set() if service else _of_os(leaves, layout.systems_of_agents))
    found |= service
    found = found or _of_names(leaves, layout) or _of_titles(values, techniques)
    return tuple(sorted(found or _of_accounts(leaves, values) or _of_any(leaves, values)))


class _Layout(NamedTuple):
    """Where an event has the fields that say what it is about, by their names."""

    logs: frozenset[str]
    """The services whose logs alone have such fields."""
    systems: tuple[int, ...]
    systems_of_agents: tuple[int, ...]
    clouds: tuple[int, ...]
    kinds: tuple[int, ...]
    said: tuple[int, ...]
    names: tuple[int, ...]


@lru_cache(maxsize=MAX_LAYOUTS)
def _layout(fields: tuple[str, ...]) -> _Layout:
    def places(is_one: Callable[[str], object]) -> tuple[int, ...]:
        return tuple(at for at, name in enumerate(fields) if is_one(name))

    return _Layout(
        _logs_of(fields),
        places(lambda name: _is_os(name) and not _of_agent(name)),
        places(lambda name: _is_os(name) and _of_agent(name)),
        places(lambda name: _CLOUD_FIELDS.intersection(words_of(name)[-1:])),
        places(lambda name: _last(name) in _KIND_FIELDS),
        places(lambda name: _last(name) in _SAY_FIELDS),
        places(lambda name: _key(name) in _LOG_FIELDS),
    )


def _of_agent(name: str) -> bool:
    return "agent" in name.lower().split(".")


@lru_cache(maxsize=5_000)
def _key(name: str) -> str:
    return _SEPARATORS.sub("", name[-200:].lower())


@lru_cache(maxsize=5_000)
def _is_os(name: str) -> bool:
    parts = [_key(part) for part in name.split(".")]
    if _CLIENT & set(parts):
        return False
    if parts[-1] in _OS_FIELDS:
        return True
    above = parts[-2] if len(parts) > 1 else ""
    return (above in _OS_PARTS and parts[-1] in ("type", "family", "name", "full")) or (
        above in _THINGS and parts[-1] in ("type", "version")
    )


def _of_os(leaves: Sequence[Leaf], places: Sequence[int]) -> set[str]:
    """The systems that the fields at these places name."""
    texts = [leaves[at].value[:100] for at in places]
    if not texts:
        return set()
    return {product for product, pattern in _OS if any(map(pattern.search, texts))}


def _of_shapes(values: Mapping[str, tuple[str, ...]]) -> set[str]:
    for attribute in ("process", "parent", "command_line", "registry", "file", "signer"):
        for text in values.get(attribute, ()):
            for product, pattern in _SHAPES:
                if pattern.search(text[:500]):
                    return {product}
    return set()


def _of_any(leaves: Sequence[Leaf], values: Mapping[str, tuple[str, ...]]) -> set[str]:
    """By the shape of any value: last, for a rule's description may tell of other systems.

    An address alone is about traffic, one beside a machine or a person only where these are.
    """
    texts = [leaf.value[:300] for leaf in leaves if not foreign(leaf.name)]
    for product, pattern in _SHAPES:
        if any(map(pattern.search, texts)):
            return {product}
    if {"user", "host"} <= values.keys():
        return set()
    return {"network"} if any(fits("src_ip", _PREFIX.sub("", text)) for text in texts) else set()


def _of_accounts(leaves: Sequence[Leaf], values: Mapping[str, tuple[str, ...]]) -> set[str]:
    """By who did it, or with what program somebody signed in: weak, where all else is silent."""
    if any(map(_WINDOWS_ACCOUNT.fullmatch, values.get("user", ()))) or any(
        _WINDOWS_GROUP.fullmatch(leaf.value) and "group" in leaf.name.lower() for leaf in leaves
    ):
        return {"windows"}
    return {"linux"} if _UNIX_APPS.intersection(values.get("app", ())) else set()


def _of_clouds(
    leaves: Sequence[Leaf], layout: _Layout, values: Mapping[str, tuple[str, ...]]
) -> set[str]:
    """The clouds named in fields for that. On a machine's alert it is only where that runs."""
    if "host" in values:
        return set()
    return {leaves[at].value.lower() for at in layout.clouds} & _CLOUDS


def _of_service(leaves: Sequence[Leaf], layout: _Layout) -> set[str]:
    found = set(layout.logs)
    short = [leaf.value for leaf in leaves if len(leaf.value) < 300]
    all_of_them = "\n".join(short).lower()
    if any(map(all_of_them.__contains__, _HINTS)):
        found |= {p for p, pattern in _VALUES if any(map(pattern.search, short))}
    for at in layout.kinds:
        found.update(_KINDS.get(leaves[at].value.lower(), ()))
    for at in layout.said:
        for products, pattern in _SAYS:
            if pattern.search(leaves[at].value):
                found.update(products)
    return found


def _logs_of(fields: tuple[str, ...]) -> frozenset[str]:
    """The services whose logs alone have these fields."""
    parts = {_key(name) for name in fields}
    parts |= {_key(part) for name in fields for part in name.split(".")}
    return frozenset(product for product, needed in _LOGS if parts.issuperset(needed.split()))


@lru_cache(maxsize=5_000)
def _last(name: str) -> str:
    return _key(name.rpartition(".")[2])


def _of_names(leaves: Sequence[Leaf], layout: _Layout) -> set[str]:
    found: set[str] = set()
    for at in layout.names:
        value = leaves[at].value
        if not _SENSORS.search(value):
            found |= products_in(value[:200])
            found |= {name for name in _SERVICES if name in _key(value[:200])}
    return found


def _of_titles(values: Mapping[str, tuple[str, ...]], techniques: Sequence[str]) -> set[str]:
    found: set[str] = set()
    texts = [*values.get("rule", ())[:1], *values.get("title", ())[:1]]
    for text in texts:
        found |= {name.lower() for name in _NAMED.findall(text[:300])}
    if not found and any(_OF_WINDOWS.search(text[:300]) for text in (*texts, *techniques)):
        return {"windows"}
    return found
