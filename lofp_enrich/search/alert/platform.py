"""One name for each product, whoever speaks: Sigma's logsource, a sourcetype, a vendor_product."""

from __future__ import annotations

import re
from functools import lru_cache

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
    "network": "zeek bro corelight suricata firewall netflow panw pan palo fortinet fortigate "
    "checkpoint dns",
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
