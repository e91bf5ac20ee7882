"""What an event of any product says, in the form of the product and in that of Splunk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert import fields, names, platform, reader, shapes, wrappers
from lofp_enrich.search.alert.fields import ATTRIBUTES, SPLUNK, meanings
from lofp_enrich.search.alert.leaves import MAX_LEAVES, MAX_NAME, MAX_NAMES, MAX_TEXT
from lofp_enrich.search.alert.reader import (
    MAX_VALUES,
    Alert,
    as_lists,
    read,
    texts_of,
    what_was_read,
    with_more,
)
from lofp_enrich.search.alert.techniques import MAX_TECHNIQUES
from lofp_enrich.search.attack import Attack
from tests.conftest import ATTACK, examples

TABLE = Attack.load(ATTACK)
Event = dict[str, Any]
GUID = "0b1f6a0c-1111-4a4a-8a8a-0123456789ab"
SHA256 = "0123456789abcdef" * 4


def flattened(event: Mapping[str, Any]) -> dict[str, list[str]]:
    """The event as Splunk has it: `a.b`, `a{}`, `a{}.b`, every value a text, empty objects gone."""
    found: dict[str, list[str]] = {}
    for name, text in _flat("", event):
        found.setdefault(name, []).append(text)
    return found


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(f"{name}.{key}" if name else key, each)
    elif isinstance(value, list):
        for each in value:
            yield from _flat(f"{name}{{}}", each)
    else:
        yield name, str(value)


def both(event: Event) -> list[Alert]:
    """What is read of an event as its product wrote it, and as Splunk has it."""
    return [read(event, TABLE), read(flattened(event), TABLE)]


def techniques(alert: Alert) -> list[str]:
    return [each.technique for each in alert.techniques]


@pytest.mark.parametrize(
    "event",
    [
        # as Splunk has them
        {"tags{}": ["attack.t1059.001"]},
        {"mitre_technique_id{}": ["T1059.001"]},
        {"kibana.alert.rule.threat{}.technique{}.id": "T1059.001"},
        {"properties.AttackTechniques": '["PowerShell (T1059.001)"]'},
        {"event.MitreAttack{}.TechniqueID": "T1059.001"},
        {"annotations.mitre_attack": ["T1059.001"]},
        # as their products wrote them
        {"tags": ["attack.execution", "attack.t1059.001"]},
        {"techniques": ["T1059.001"]},
        {"rule": {"mitre": {"id": ["T1059.001"]}}},
        {"behaviors": [{"technique_id": "T1059.001"}]},
        {"mitre": {"techniques": [{"id": "T1059.001", "name": "PowerShell"}]}},
        {"finding_info": {"attacks": [{"technique": {"uid": "T1059.001"}}]}},
        {"annotations": '{"mitre_attack": ["T1059.001"]}'},
        {"RuleName": "technique_id=T1059.001,technique_name=PowerShell"},
        # in what exports put round them
        {"preview": False, "result": {"annotations.mitre_attack": ["T1059.001"]}},
        {"value": [{"mitreTechniques": ["T1059.001"]}]},
        {"hits": {"hits": [{"_source": {"threat.technique.id": ["T1059.001"]}}]}},
        # headers of tables
        {"MITRE ATT&CK techniques": "T1059.001"},
        {"Technique ID": "T1059.001"},
    ],
)
def test_the_technique_is_found_in_whatever_field_names_it(event: Event) -> None:
    for alert in both(event):
        assert techniques(alert) == ["T1059.001"]
        assert alert.read_from["techniques"] == alert.techniques[0].field


@pytest.mark.parametrize("field", ["technique", "mitre_attack", "MITRE Techniques", "ttps"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("T1059.001", ["T1059.001"]),
        ("t1059.001", ["T1059.001"]),
        ("T1059-001", ["T1059.001"]),
        ("T1059:001", ["T1059.001"]),
        ("T1059_001", ["T1059.001"]),
        ("T1059/001", ["T1059.001"]),
        ("T1059.001, T1566", ["T1059.001", "T1566"]),
        ("T1086", ["T1059.001"]),
        ("https://attack.mitre.org/techniques/T1059/001/", ["T1059.001"]),
        (["PowerShell"], ["T1059.001"]),
        ("Command and Scripting Interpreter: PowerShell", ["T1059.001"]),
        ("Execution: PowerShell", ["T1059.001"]),
        ("Execution - Command and Scripting Interpreter: PowerShell", ["T1059.001"]),
        ('["PowerShell"]', ["T1059.001"]),
        ("['PowerShell', 'Phishing']", ["T1059.001", "T1566"]),
        ("PowerShell; Phishing", ["T1059.001", "T1566"]),
        ("Command & Scripting Interpreter", ["T1059"]),
        ("command_and_scripting_interpreter", ["T1059"]),
        ("Credential Dumping", ["T1003"]),
        ("Remote File Copy", ["T1105"]),
        ("T0886", ["T0886"]),
        ("AML.T0051", ["AML.T0051"]),
        ("Execution", []),
        ("TA0002", []),
        ("CST0001", []),
        ("-", []),
    ],
)
def test_ids_and_names_in_a_field_for_techniques(
    field: str, value: Any, expected: list[str]
) -> None:
    assert techniques(read({field: value}, TABLE)) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        # an ID is known wherever it stands, as a whole word
        ({"rule_name": "Odd shell (T1059-001) seen"}, ["T1059.001"]),
        ({"rule_name": "Odd shell T1059:001"}, ["T1059.001"]),
        ({"rule_name": "T1035-SERVICE-EXEC_PsExec"}, ["T1569.002"]),
        ({"description": "See https://attack.mitre.org/techniques/T1059/001/."}, ["T1059.001"]),
        ({"note": "T1059.999"}, ["T1059"]),
        ({"note": "T9999"}, []),
        ({"note": "AT1059 T10590 TA0002 CST0002"}, []),
        # a name only in a field that is there for techniques
        ({"title": "PowerShell"}, []),
        ({"tactic": "Execution"}, []),
        # what the fields say goes before what a text says
        ({"rule_name": "not T1003", "technique_id": "T1059"}, ["T1059"]),
        ({"technique": "PowerShell", "title": "Phishing"}, ["T1059.001"]),
        # a name beside an ID in one list is one more; in a field of its own it says the ID again
        ({"technique": ["T1059.001", "Phishing"]}, ["T1059.001", "T1566"]),
        ({"technique_id": "T1059.001", "technique_name": "Phishing"}, ["T1059.001"]),
    ],
)
def test_ids_anywhere_names_only_where_they_belong(event: Event, expected: list[str]) -> None:
    for alert in both(event):
        assert techniques(alert) == expected


@pytest.mark.parametrize(
    "event",
    [
        {"event": {"Technique": "Malicious File", "TechniqueId": "CST0001"}},
        {"behaviors": [{"technique": "Malicious File", "technique_id": "CST0001"}]},
        {"event": {"MitreAttack": [{"Technique": "Malicious File", "TechniqueID": "CST0001"}]}},
        {"technique": "Exploit via Suspicious Document", "technique_id": "CST0002"},
    ],
)
def test_a_vendors_own_technique_is_none(event: Event) -> None:
    for alert in both(event):
        assert alert.techniques == ()
        assert "techniques" not in alert.read_from


def test_a_vendors_own_technique_beside_one_of_attcks() -> None:
    own = {"technique": "Malicious File", "technique_id": "CST0001"}
    known = {"technique": "PowerShell", "technique_id": "T1059.001"}
    for alert in both({"behaviors": [own, known]}):
        assert techniques(alert) == ["T1059.001"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"file": {"path": "C:\\Users\\a\\x.exe"}, "sourcetype": "cisco:amp:event"}, ["windows"]),
        ({"file": {"path": "\\\\?\\C:\\a\\x.exe"}, "sourcetype": "cisco:amp"}, ["windows"]),
        ({"process_path": "/usr/bin/curl", "sourcetype": "vmware:cbc:alert"}, ["linux"]),
        ({"process_path": "/Applications/A.app/A", "sourcetype": "pan:xdr_issue"}, ["macos"]),
        ({"sourcetype": "cisco:amp:event"}, []),
        ({"sourcetype": "crowdstrike:events"}, []),
        ({"sourcetype": "cisco:asa"}, ["cisco"]),
        ({"sourcetype": "XmlWinEventLog"}, ["windows"]),
        ({"os": "Linux", "process_path": "C:\\a\\b.exe"}, ["linux"]),
        ({"host": {"os": {"type": "macos"}}}, ["macos"]),
        ({"logsource": {"product": "windows"}}, ["windows"]),
        ({"user": "arn:aws:iam::1:user/x"}, ["aws"]),
        ({"eventSource": "iam.amazonaws.com"}, ["aws"]),
        ({"object": "microsoft.aadiam/tenants"}, ["azure"]),
        ({"user": "system:serviceaccount:a:b"}, ["kubernetes"]),
        ({"container": {"id": "a"}, "process": {"executable": "/bin/sh"}}, ["containers", "linux"]),
        ({"src": "10.0.0.1", "dest": "10.0.0.2"}, ["network"]),
        ({"note": "10.0.0.0/8"}, ["network"]),
        # an address alone; beside a machine and a person it is where these are
        ({"src": "10.0.0.1", "dest": "web01", "user": "alice"}, []),
        # a signature is called by what may have sent the traffic
        ({"src": "10.0.0.1", "dest": "10.0.0.2", "signature": "Win32/Odd Check-in"}, ["network"]),
        ({"src": "10.0.0.1", "dest": "10.0.0.2", "user": "a", "title": "DCSync Seen"}, ["windows"]),
        ({"log_sources": [{"type_name": "Snort"}]}, ["network"]),
        # the kind of a thing and its version
        ({"resources": [{"version": "Microsoft Windows Server 2019"}]}, ["windows"]),
        ({"resource": {"type": "server::windows_server"}}, ["windows"]),
        ({"resource": {"type": "Pod"}}, ["containers", "kubernetes"]),
        ({"kind": "DaemonSet"}, ["containers", "kubernetes"]),
        ({"rule": {"version": "Windows 1.0"}}, []),
        # what collects the log of a service runs anywhere
        ({"agent": {"os": {"name": "Ubuntu"}}, "object": "Office365"}, ["m365"]),
        ({"agent": {"os": {"name": "Ubuntu"}}}, ["linux"]),
        # a cloud is what it is about, or where a machine runs
        ({"cloud": {"provider": "aws"}}, ["aws"]),
        ({"derived": {"source": "AWS"}}, ["aws"]),
        ({"cloud": {"provider": "azure"}, "host": {"name": "web01"}}, []),
        ({"note": "AWS"}, []),
        # accounts and what somebody signed in with, where all else is silent
        ({"user": "CORP\\alice"}, ["windows"]),
        ({"user": "alice", "group": {"name": "Domain Admins"}}, ["windows"]),
        ({"user": "alice", "group": {"name": "Payroll"}}, []),
        ({"user": "AzureAD\\alice"}, ["azure"]),
        ({"user": "root", "app": "sudo"}, ["linux"]),
        ({"SourceProducts": "Shield for Mobile"}, ["mobile"]),
        ({"actor": {"user": {"name": "a"}}, "context": {"ua": "x"}}, ["slack"]),
        ({"rule_name": "Windows Shell Seen"}, ["windows"]),
        ({"rule_name": "Shell Seen"}, []),
        # where somebody signs in from is not what the alert is about
        ({"client": {"os": {"name": "Windows"}}, "legacyEventType": "x"}, []),
    ],
)
def test_platform_is_what_it_is_about(event: Event, expected: list[str]) -> None:
    for alert in both(event):
        assert list(alert.platform) == expected


@pytest.mark.parametrize(
    ("event", "attribute", "expected"),
    [
        ({"Image": "C:\\a\\b.exe"}, "process", ["C:\\a\\b.exe"]),
        ({"process": {"executable": "/bin/sh", "name": "sh"}}, "process", ["/bin/sh"]),
        ({"NewProcessName": "C:\\a\\b.exe", "ProcessName": "c.exe"}, "process", ["C:\\a\\b.exe"]),
        ({"process": "b.exe /x", "process_name": "b.exe"}, "process", ["b.exe"]),
        ({"process": "b.exe /x", "process_name": "b.exe"}, "command_line", ["b.exe /x"]),
        ({"event_data": {"CommandLine": "b.exe /x"}}, "command_line", ["b.exe /x"]),
        ({"winlog": {"event_data": {"CommandLine": "b /x"}}}, "command_line", ["b /x"]),
        ({"process": {"command_line": "b.exe /x"}}, "command_line", ["b.exe /x"]),
        ({"process": {"cmd_line": "b.exe /x"}}, "command_line", ["b.exe /x"]),
        ({"Command Line": "b.exe /x"}, "command_line", ["b.exe /x"]),
        ({"command-line": "b.exe /x"}, "command_line", ["b.exe /x"]),
        ({"OriginalFileName": "b.exe"}, "original_file_name", ["b.exe"]),
        ({"Hashes": f"SHA256={SHA256}"}, "hash", [f"SHA256={SHA256}"]),
        ({"process": {"hash": {"sha256": SHA256}}}, "hash", [SHA256]),
        ({"user": ["alice", "bob"]}, "user", ["alice", "bob"]),
        ({"userIdentity": {"userName": "alice"}, "user": "bob"}, "user", ["alice"]),
        ({"host": {"name": "web01"}, "agent": {"name": "sensor1"}}, "host", ["web01"]),
        ({"ComputerName": "web01"}, "host", ["web01"]),
        ({"source": {"ip": "10.0.0.1"}}, "src_ip", ["10.0.0.1"]),
        ({"src_host": {"ip": "10.0.0.1"}}, "src_ip", ["10.0.0.1"]),
        ({"requestMetadata": {"callerIp": "10.0.0.1"}}, "src_ip", ["10.0.0.1"]),
        ({"userDomainName": "CORP"}, "domain", []),
        ({"sourceIPAddress": "2001:db8::1"}, "src_ip", ["2001:db8::1"]),
        ({"destination": {"ip": "10.0.0.2"}}, "dest_ip", ["10.0.0.2"]),
        ({"destination": {"port": 443}}, "dest_port", ["443"]),
        ({"TargetFilename": "C:\\a\\c.txt"}, "file", ["C:\\a\\c.txt"]),
        ({"TargetObject": "HKLM\\SOFTWARE\\a"}, "registry", ["HKLM\\SOFTWARE\\a"]),
        ({"TargetObject": "HKLM\\a", "Details": "C:\\b.exe /x"}, "registry_data", ["C:\\b.exe /x"]),
        # Who was reached into, what was loaded and where was listened are what it was done to.
        ({"TargetImage": "C:\\a\\lsass.exe"}, "object", ["C:\\a\\lsass.exe"]),
        ({"TargetImage": "C:\\a\\lsass.exe"}, "process", []),
        ({"ImageLoaded": "C:\\a\\b.dll"}, "object", ["C:\\a\\b.dll"]),
        ({"PipeName": "\\a"}, "object", ["\\a"]),
        ({"ImagePath": "C:\\a\\b.exe -s"}, "service", ["C:\\a\\b.exe -s"]),
        ({"ServiceName": "odd"}, "service", ["odd"]),
        ({"url": {"full": "https://example.com/a"}}, "url", ["https://example.com/a"]),
        ({"userAgent": "curl/8"}, "user_agent", ["curl/8"]),
        ({"detail": {"eventName": "CreateUser"}}, "operation", ["CreateUser"]),
        ({"EventCode": 4688}, "event_code", ["4688"]),
        ({"container": {"image": {"name": "a/b:1"}}}, "image", ["a/b:1"]),
        ({"userIdentity": {"invokedBy": "a.example.com"}}, "invoked_by", ["a.example.com"]),
        # Where a service calls for itself, CloudTrail has its name for the address.
        ({"sourceIPAddress": "a.amazonaws.com"}, "invoked_by", ["a.amazonaws.com"]),
        ({"sourceIPAddress": "a.example.com"}, "invoked_by", []),
        ({"sourceIPAddress": "10.0.0.1"}, "invoked_by", []),
        ({"search_name": "Access - Odd - Rule"}, "rule", ["Access - Odd - Rule"]),
        ({"kibana": {"alert": {"rule": {"name": "Odd shell"}}}}, "rule", ["Odd shell"]),
        ({"alert": {"signature": "Odd traffic"}}, "rule", ["Odd traffic"]),
        ({"alert": {"title": "Odd shell"}}, "title", ["Odd shell"]),
        ({"rule": {"description": "A shell."}, "rule_name": "a b"}, "description", ["A shell."]),
        ({"severity": "high"}, "severity", ["high"]),
        ({"tactic": "Execution"}, "tactics", ["Execution"]),
        # A title names the rule where nothing else does, and a code what happened.
        ({"title": "Odd shell"}, "rule", ["Odd shell"]),
        ({"rule_name": "Odd shell"}, "title", ["Odd shell"]),
        ({"EventCode": "4688"}, "operation", ["4688"]),
        ({"Subject": "Your invoice"}, "rule", []),
        # The file is what ran, where the command line says so.
        ({"file_path": "C:\\a\\b.exe", "cmdline": "b.exe /x"}, "process", ["C:\\a\\b.exe"]),
        ({"file_path": "C:\\a\\b.txt", "cmdline": "type c"}, "process", []),
        # A value must have the shape of the attribute.
        ({"user": GUID, "title": GUID}, "title", []),
        ({"source": "Access - Odd Logins - Rule"}, "rule", ["Access - Odd Logins - Rule"]),
        ({"source": "WinEventLog:Security"}, "rule", []),
        ({"rule_id": GUID}, "rule", []),
        ({"src": "web01"}, "src_ip", []),
        ({"EventCode": "logon"}, "event_code", []),
        ({"object_path": "C:\\a\\b.txt"}, "file", ["C:\\a\\b.txt"]),
        ({"object_path": "/etc/passwd"}, "file", ["/etc/passwd"]),
        ({"object_path": "arn:aws:iam::1:user/x"}, "file", []),
        ({"object_path": "arn:aws:iam::1:user/x"}, "object", ["arn:aws:iam::1:user/x"]),
        ({"object_path": "\\REGISTRY\\MACHINE\\a"}, "file", []),
        ({"command": "useradd bob"}, "command_line", ["useradd bob"]),
        ({"command": "useradd bob"}, "operation", []),
        # No value.
        ({"user": "-"}, "user", []),
        ({"user": "N/A"}, "user", []),
        ({"user": ["(null)", " alice "]}, "user", ["alice"]),
        ({"user": []}, "user", []),
    ],
)
def test_attributes(event: Event, attribute: str, expected: list[str]) -> None:
    for alert in both(event):
        assert list(alert.get(attribute)) == expected
        assert (attribute in alert.values) == (attribute in alert.read_from) == bool(expected)


@pytest.mark.parametrize(
    "wrapper", ["event", "alert", "detail", "fields", *wrappers.OF_MANY, *wrappers.OF_ONE]
)
def test_what_is_put_round_an_alert_does_not_matter(wrapper: str) -> None:
    event = {"Image": "C:\\a\\b.exe", "user": "alice", "title": "Odd shell", "TechniqueId": "T1105"}
    plain = read(event, TABLE)
    for alert in (*both({wrapper: event}), *both({wrapper: [event]})):
        assert (alert.values, alert.platform) == (plain.values, plain.platform)
        assert techniques(alert) == techniques(plain)


def test_wrapped_twice() -> None:
    held = {"user": {"name": "alice"}, "process": {"executable": "/bin/sh"}}
    for alert in both({"hits": {"hits": [{"_index": "a", "_source": held}]}}):
        assert alert.values == read(held, TABLE).values


def test_the_nearer_to_the_top_the_better() -> None:
    for alert in both({"data": {"user": "bob"}, "user": "alice"}):
        assert alert.get("user") == ("alice",)


def test_what_splunk_adds_is_no_content() -> None:
    added: Event = {
        **{"sourcetype": "json", "source": "streams", "index": "main", "punct": "__"},
        **{"eventtype": "odd_shell", "tag": ["attack"], "tag::eventtype": "x", "date_hour": "5"},
        **{"splunk_server": "idx1", "linecount": "1", "_time": "1", "_cd": "1:2"},
    }
    assert read(added, TABLE).values == {}


class TestCollisions:
    """Names with several meanings."""

    def test_signature_of_cim_is_the_rule(self) -> None:
        alert = read({"signature": "Odd shell seen", "vendor_product": "a"}, TABLE)
        assert alert.get("rule") == alert.get("signature") == ("Odd shell seen",)

    def test_description_of_an_alert(self) -> None:
        alert = read({"description": "Somebody ran a shell."}, TABLE)
        assert alert.get("description") == ("Somebody ran a shell.",)

    def test_description_of_a_file_is_its_authors(self) -> None:
        program = {"Description": "Shell of Contoso", "Company": "Contoso", "Image": "C:\\a\\b.exe"}
        for alert in (*both(program), *both({"winlog": {"event_data": program}})):
            assert alert.get("description") == ()
        for alert in both({"event_data": program, "description": "Somebody ran a shell."}):
            assert alert.get("description") == ("Somebody ran a shell.",)
        for alert in both({"file": {"description": "Shell of Contoso"}}):
            assert alert.get("description") == ()

    def test_image_that_ran_and_image_of_a_container(self) -> None:
        for alert in both({"Image": "C:\\a\\b.exe"}):
            assert (alert.get("process"), alert.get("image")) == (("C:\\a\\b.exe",), ())
        for event in (
            {"container": {"image": "registry.example/a:1"}},
            {"container": {"image": {"name": "registry.example/a:1"}}},
            {"container_image": "registry.example/a:1"},
        ):
            for alert in both(event):
                assert (alert.get("process"), alert.get("image")) == ((), ("registry.example/a:1",))

    @pytest.mark.parametrize("field", ["image", "Image", "object.image", "image_name"])
    @pytest.mark.parametrize(
        ("value", "is_container"),
        [
            ("nginx:1.25", True),
            ("docker.io/library/nginx", True),
            ("a/b:v1.2-rc", True),
            ("localhost:5000/a", True),
            ("registry:5000/a/b", True),
            ("a@sha256:" + SHA256, True),
            ("C:\\a\\b.exe", False),
            ("C:/a/b.exe", False),
            ("/usr/bin/nginx", False),
            ("bin/sh", False),
            ("b.exe", False),
            ("c:b", False),
        ],
    )
    def test_image_by_its_shape(self, field: str, value: str, is_container: bool) -> None:
        for alert in both({field: value}):
            assert alert.get("image") == ((value,) if is_container else ())
            ran = not is_container and field != "image_name"
            assert alert.get("process") == ((value,) if ran else ())

    def test_dest_as_host_and_as_address(self) -> None:
        named = read({"dest": "web01.example"}, TABLE)
        assert (named.get("host"), named.get("dest_ip")) == (("web01.example",), ())
        numbered = read({"dest": "10.0.0.2"}, TABLE)
        assert (numbered.get("host"), numbered.get("dest_ip")) == ((), ("10.0.0.2",))
        mixed = read({"dest": ["10.0.0.2", "web01"]}, TABLE)
        assert (mixed.get("host"), mixed.get("dest_ip")) == (("web01",), ("10.0.0.2",))

    def test_the_message_that_an_agent_has_taken_apart(self) -> None:
        event = {"winlog": {"event_data": {"CommandLine": "b /x"}}, "message": "Process Create:\nx"}
        for alert in both(event):
            assert alert.get("description") == ()

    @pytest.mark.parametrize(
        ("url", "host", "domain"),
        [
            ("/a?b=c", (), ("web01.example",)),
            ("https://web01.example/a", (), ("web01.example",)),
            ("web01.example", (), ("web01.example",)),
            ("https://elsewhere.example/a", ("web01.example",), ()),
        ],
    )
    def test_hostname_of_a_machine_and_of_what_it_asked_for(
        self, url: str, host: tuple[str, ...], domain: tuple[str, ...]
    ) -> None:
        event = {"hostname": "web01.example", "url": url}
        for alert in (*both(event), *both({"event": event})):
            assert (alert.get("host"), alert.get("domain")) == (host, domain)

    @pytest.mark.parametrize(
        ("name", "value"), [("out.proc.pname", "proc.pname"), ("user.name", "<NA>")]
    )
    def test_a_field_that_was_not_filled_holds_nothing(self, name: str, value: str) -> None:
        assert read({name: value}, TABLE).values == {}

    def test_a_field_may_hold_its_own_name(self) -> None:
        assert read({"user": "user"}, TABLE).get("user") == ("user",)

    @pytest.mark.parametrize(("source", "host"), [("http:in", ()), ("/var/log/a", ("pc1",))])
    def test_splunks_host_of_json(self, source: str, host: tuple[str, ...]) -> None:
        event = {"host": "pc1", "sourcetype": "_json", "source": source}
        assert read(event, TABLE).get("host") == host

    @pytest.mark.parametrize("sourcetype", ["aws:cloudtrail", "crowdstrike:events", "stash"])
    def test_splunks_host_is_who_sent_it(self, sourcetype: str) -> None:
        event = {"host": "collector1", "sourcetype": sourcetype}
        assert read(event, TABLE).get("host") == ()
        assert read({**event, "dest": "web01"}, TABLE).get("host") == ("web01",)
        assert read({**event, "host.name": "web01"}, TABLE).get("host") == ("web01",)

    @pytest.mark.parametrize(
        "sourcetype", ["XmlWinEventLog", "WinEventLog:Security", "linux_secure", "syslog", ""]
    )
    def test_splunks_host_where_the_machine_itself_sends(self, sourcetype: str) -> None:
        assert read({"host": "pc1", "sourcetype": sourcetype}, TABLE).get("host") == ("pc1",)


class TestParents:
    """What stands before a name and turns its meaning."""

    @pytest.mark.parametrize(
        "event",
        [
            {
                "process": {
                    "executable": "/a/b",
                    "command_line": "b -x",
                    "parent": {"executable": "/p/q", "command_line": "q -y"},
                    "grandparent": {"executable": "/g/h", "command_line": "h -z"},
                }
            },
            {
                **{"Image": "/a/b", "CommandLine": "b -x"},
                **{"ParentImage": "/p/q", "ParentCommandLine": "q -y"},
                **{"GrandParentImage": "/g/h", "GrandparentCommandLine": "h -z"},
            },
            {
                "process": {"executable": "/a/b", "command_line": "b -x"},
                "parent": {"process": {"executable": "/p/q", "command_line": "q -y"}},
                "grandparent": {"process": {"executable": "/g/h", "command_line": "h -z"}},
            },
        ],
    )
    def test_process_parent_and_grandparent(self, event: Event) -> None:
        for alert in both(event):
            assert alert.values == {
                **{"process": ("/a/b",), "command_line": ("b -x",)},
                **{"parent": ("/p/q",), "parent_command_line": ("q -y",)},
            }

    def test_a_grandparent_alone_is_nothing(self) -> None:
        for alert in both({"grandparent": {"process": {"name": "h", "command_line": "h -z"}}}):
            assert alert.values == {}

    def test_initiating(self) -> None:
        event = {"InitiatingProcessFileName": "q.exe", "InitiatingProcessCommandLine": "q /y"}
        assert read(event, TABLE).values == {
            "parent": ("q.exe",),
            "parent_command_line": ("q /y",),
        }

    @pytest.mark.parametrize(
        "event",
        [
            {"target": {"process": {"name": "b.exe", "command_line": "b /x"}}},
            {"target": {"process": {"executable": "b.exe", "parent": {"name": "p.exe"}}}},
            {"TargetProcessName": "b.exe", "tgtProcessCmdLine": "b /x"},
        ],
    )
    def test_what_was_opened_or_injected_into_has_done_nothing(self, event: Event) -> None:
        for alert in both(event):
            assert alert.values == {}
        for alert in both({"SourceImage": "C:\\a\\c.exe", **event}):
            assert alert.values == {"process": ("C:\\a\\c.exe",)}

    @pytest.mark.parametrize(
        "event",
        [
            {"AccountName": "bob", "InitiatingProcessAccountName": "alice"},
            {"AccountUpn": "bob", "InitiatingProcessAccountUpn": "alice"},
            {"AccountName": "bob", "UserName": "carol", "InitiatingProcessAccountName": "alice"},
        ],
    )
    def test_who_acts_is_the_initiating_account(self, event: Event) -> None:
        for alert in (*both(event), *both({"properties": event})):
            assert alert.get("user") == ("alice",)

    def test_the_user_of_a_parent_is_nobodys(self) -> None:
        for alert in both({"parent": {"user": {"name": "bob"}}, "user": {"name": "alice"}}):
            assert alert.get("user") == ("alice",)
        for alert in both({"parent": {"process": {"user": {"name": "bob"}}}}):
            assert alert.get("user") == ()

    def test_the_hash_of_a_parent_is_not_the_alerts(self) -> None:
        for alert in both({"process": {"parent": {"hash": {"sha256": SHA256}}}}):
            assert alert.values == {}

    @pytest.mark.parametrize(
        "event",
        [
            {"user": {"name": "alice"}, "target": {"user": {"name": "bob"}}},
            {"SubjectUserName": "alice", "TargetUserName": "bob"},
            {"actor": {"name": "alice"}, "target": {"name": "bob"}},
            {"src_user": "alice", "dest_user": "bob"},
        ],
    )
    def test_who_acts_goes_before_whom_it_is_done_to(self, event: Event) -> None:
        for alert in both(event):
            assert alert.get("user") == ("alice",)

    def test_whom_it_is_done_to_where_nobody_else_is(self) -> None:
        assert read({"TargetUserName": "bob"}, TABLE).get("user") == ("bob",)

    def test_source_and_destination(self) -> None:
        for alert in both({"src": {"ip": "10.0.0.1"}, "dest": {"ip": "10.0.0.2"}}):
            assert alert.get("src_ip") == ("10.0.0.1",)
            assert alert.get("dest_ip") == ("10.0.0.2",)
        for alert in both({"target": {"ip": "10.0.0.9"}}):
            assert alert.get("src_ip") == ()

    def test_what_a_rule_looks_for_is_not_what_was_seen(self) -> None:
        held = {"file": {"path": "C:\\a\\b.exe"}, "ip": "10.0.0.9", "url": "https://example.com"}
        for alert in both({"threat": {"indicator": held}}):
            assert alert.values == {}

    def test_the_name_of_a_rule_is_that_of_no_process(self) -> None:
        for alert in both({"rule": {"name": "Odd shell"}, "process": {"name": "b.exe"}}):
            assert alert.get("rule") == alert.names == ("Odd shell",)
            assert alert.get("process") == ("b.exe",)


class TestInsideOfTexts:
    @pytest.mark.parametrize(
        "event",
        [
            {"properties": '{"commandLine": "b.exe /x"}'},
            {"AdditionalFields": '[{"CommandLine": "b.exe /x"}]'},
            {"x": json.dumps({"y": json.dumps({"CommandLine": "b.exe /x"})})},
            {"x": [' {"CommandLine": "b.exe /x"} ']},
        ],
    )
    def test_json_is_opened(self, event: Event) -> None:
        assert read(event, TABLE).get("command_line") == ("b.exe /x",)

    @pytest.mark.parametrize("text", ["{b.exe /x}", '{"a":', "[x]", "{}", "[]", "[[[["])
    def test_what_only_looks_like_it_is_a_value(self, text: str) -> None:
        assert read({"CommandLine": text}, TABLE).get("command_line") == (text,)

    @pytest.mark.parametrize(
        "event",
        [
            {"details": [{"Name": "Process Path", "Value": "C:\\x.exe"}]},
            {"details": {"Name": "Process Path", "Value": "C:\\x.exe"}},
            {"details": '[{"Name": "Process Path", "Value": "C:\\\\x.exe"}]'},
            {"a": {"b": [{"key": "process_path", "values": ["C:\\x.exe"]}]}},
            {"a": [{"value": "C:\\x.exe", "name": "Image"}, {"name": "b", "value": "D:\\y.exe"}]},
        ],
    )
    def test_objects_of_name_and_value(self, event: Event) -> None:
        assert read(event, TABLE).get("process") == ("C:\\x.exe",)

    @pytest.mark.parametrize(
        ("above", "name", "value"),
        [
            ("properties", "key", "value"),
            ("data", "Name", "Value"),
            ("Event", "Name", "#text"),
            ("ExtendedProperties", "Name", "Value"),
            ("Parameters", "Name", "Value"),
        ],
    )
    def test_each_object_has_its_own_name_and_that_is_no_rules(
        self, above: str, name: str, value: str
    ) -> None:
        event = {
            above: [{name: "User Name", value: "alice"}, {name: "Process Path", value: "C:\\x.exe"}]
        }
        for alert in both(event):
            assert alert.values == {"user": ("alice",), "process": ("C:\\x.exe",)}
            assert alert.read_from == {
                "user": f"{above}.User Name",
                "process": f"{above}.Process Path",
            }
            assert alert.names == ()

    def test_windows_events_as_spath_takes_them_apart(self) -> None:
        alert = read(
            {
                "Event.EventData.Data{@Name}": ["Image", "User"],
                "Event.EventData.Data": ["C:\\x.exe", "CORP\\alice"],
            },
            TABLE,
        )
        assert alert.values == {"process": ("C:\\x.exe",), "user": ("CORP\\alice",)}


class TestRaw:
    RAW = '{"process": {"executable": "C:\\\\a\\\\b.exe"}, "technique": "T1059.001"}'

    def test_is_read_where_the_fields_say_too_little(self) -> None:
        for event in ({}, {"user": "alice"}, {"technique": "T1003"}, {"Image": "C:\\c.exe"}):
            alert = read({**event, "_raw": self.RAW}, TABLE)
            assert alert.raw
            assert "T1059.001" in techniques(alert)
            assert "C:\\a\\b.exe" in alert.get("process")

    def test_is_not_where_they_say_enough(self) -> None:
        alert = read({"technique": "T1003", "title": "Odd one", "_raw": self.RAW}, TABLE)
        assert not alert.raw
        assert techniques(alert) == ["T1003"]
        assert alert.get("process") == ()

    @pytest.mark.parametrize("raw", ["", None, [], [RAW], 5, {"a": "b"}, "nothing in here"])
    def test_in_any_form(self, raw: Any) -> None:
        alert = read({"user": "alice", "_raw": raw}, TABLE)
        assert alert.get("user") == ("alice",)
        assert bool(alert.techniques) == (raw == [self.RAW])

    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            (
                "A process began.\n\nCreator Subject:\n\tAccount Name:\t\talice\n\n"
                "Target Subject:\n\tAccount Name:\t\tbob\n\nProcess Information:\n"
                "\tNew Process Name:\tC:\\a\\b.exe\n\tCreator Process Name:\tC:\\a\\c.exe\n"
                "\tProcess Command Line:\tb.exe /x",
                {
                    **{"user": ("alice",), "process": ("C:\\a\\b.exe",)},
                    **{"parent": ("C:\\a\\c.exe",), "command_line": ("b.exe /x",)},
                },
            ),
            (
                "Logged on.\n\nSubject:\n\tAccount Name:\t\t-\n\nNew Logon:\n"
                "\tAccount Name:\t\tbob\n\nNetwork Information:\n\tWorkstation Name:\tws1\n"
                "\tSource Network Address:\t10.0.0.1",
                {"user": ("bob",), "src_ip": ("10.0.0.1",)},
            ),
            (
                "Allowed.\n\nNetwork Information:\n\tSource Address:\t\t10.0.0.1\n"
                "\tDestination Address:\t10.0.0.2\n\tDestination Port:\t\t443",
                {"src_ip": ("10.0.0.1",), "dest_ip": ("10.0.0.2",), "dest_port": ("443",)},
            ),
            (
                "Opened.\n\nSubject:\n\tAccount Name:\t\talice\n\nObject:\n"
                "\tObject Name:\t\tC:\\a\\c.txt\n\nProcess Information:\n"
                "\tProcess Name:\t\tC:\\a\\b.exe",
                {
                    **{"user": ("alice",), "file": ("C:\\a\\c.txt",)},
                    **{"object": ("C:\\a\\c.txt",), "process": ("C:\\a\\b.exe",)},
                },
            ),
            (
                "A service was put in.\n\nService Name:  odd\nService File Name:  C:\\a\\b.exe",
                {"service": ("odd", "C:\\a\\b.exe")},
            ),
        ],
    )
    def test_windows_text(self, message: str, expected: dict[str, tuple[str, ...]]) -> None:
        head = "01/02/2026 10:00:00 AM\nLogName=Security\nEventCode=4688\nComputerName=pc1\n"
        alert = read({"_raw": f"{head}Message={message}\n"}, TABLE)
        assert alert.platform == ("windows",)
        description = message.partition("\n")[0]
        assert alert.values == {
            **{"event_code": ("4688",), "operation": ("4688",), "host": ("pc1",)},
            **{"description": (description,), **expected},
        }


class TestNames:
    def test_the_likeliest_first_then_those_of_a_title(self) -> None:
        event = {"title": "A title", "rule_name": "A rule", "search_name": "A search"}
        for alert in both(event):
            assert alert.names == ("A rule", "A search", "A title")
            assert alert.get("rule") == ("A rule",)
            assert alert.get("title") == ("A title",)

    def test_none_of_something_else(self) -> None:
        event = {
            **{"process": {"name": "Odd Process"}, "user": {"name": "A B"}, "rule_id": GUID},
            **{"file": {"name": "a b.txt"}, "host": {"name": "A Host"}, "tactic": {"name": "C D"}},
        }
        for alert in both(event):
            assert alert.names == ()

    def test_no_more_than_the_most(self) -> None:
        alert = read({"rule_name": [f"Rule number {n}" for n in range(50)]}, TABLE)
        assert len(alert.names) == MAX_VALUES


def test_read_from_names_the_field_as_the_event_has_it() -> None:
    event = {
        "winlog": {"event_data": {"Image": "C:\\a\\b.exe"}},
        "tags": ["attack.t1105"],
        "users": "{}",
        "data": [{"user_name": "alice"}],
    }
    for alert in both(event):
        assert alert.read_from == {
            "process": "winlog.event_data.Image",
            "techniques": "tags",
            "user": "data.user_name",
        }


def test_as_lists_has_every_attribute() -> None:
    lists = as_lists(read({"Image": "C:\\a\\b.exe", "technique": "T1086"}, TABLE))
    assert set(lists) == {*ATTRIBUTES, "techniques", "techniques_written", "platform", "read_from"}
    assert lists["techniques"] == ["T1059.001"]
    assert lists["techniques_written"] == ["T1086"]
    assert lists["platform"] == ["windows"]
    assert lists["process"] == ["C:\\a\\b.exe"]
    assert lists["user"] == []
    assert lists["read_from"] == {"process": "Image", "techniques": "technique"}
    assert json.loads(json.dumps(lists)) == lists
    empty = as_lists(read({}, TABLE))
    assert set(empty) == set(lists)
    assert not any(empty.values())


def test_what_was_read_is_one_line_an_attribute() -> None:
    event = {
        **{"Image": "C:\\a\\b.exe", "user": ["alice", "bob"], "technique": "T1086, T1105"},
        "CommandLine": "b.exe\n\t/x " + "y" * 500,
    }
    command = "b.exe /x " + "y" * 191
    assert what_was_read(read(event, TABLE)) == (
        "techniques from technique: T1059.001, T1105",
        "platform: windows",
        "process from Image: C:\\a\\b.exe",
        f"command_line from CommandLine: {command}",
        "user from user: alice",
    )
    assert what_was_read(read({}, TABLE)) == ()


def test_with_more() -> None:
    alert = read({"object": "a thing", "user": "alice"}, TABLE)
    assert with_more(alert, []) is alert
    more = with_more(alert, ["c", "d"])
    assert more.get("object") == ("a thing", "c", "d")
    assert alert.get("object") == ("a thing",)
    assert more.get("user") == ("alice",)
    assert with_more(read({}, TABLE), ["c"]).values == {"object": ("c",)}


@pytest.mark.parametrize(
    ("event", "field", "expected"),
    [
        ({}, "a", []),
        ({"a": None}, "a", []),
        ({"a": ""}, "a", []),
        ({"a": "x"}, "a", ["x"]),
        ({"a": 5}, "a", ["5"]),
        ({"a": 0}, "a", ["0"]),
        ({"a": ["x", "", None, "y"]}, "a", ["x", "y"]),
        ({"a": ("x", "y")}, "a", ["x", "y"]),
        ({"a{}.b": ["x", "y"]}, "a{}.b", ["x", "y"]),
        ({"a.b": "x", "a": {"b": "y"}}, "a.b", ["x"]),
        ({"a": {"b": "x"}}, "a.b", ["x"]),
        ({"a": [{"b": "x"}, {"c": "z"}, "w", {"b": ["y", 3]}]}, "a{}.b", ["x", "y", "3"]),
        ({"a": [{"b": "x"}]}, "a.b", ["x"]),
        ({"a": {"b": "x"}}, "a.c", []),
        ({"a": "x"}, "a.b", []),
        ({"a": "x"}, "", []),
    ],
)
def test_texts_of_a_field_that_somebody_names(
    event: Event, field: str, expected: list[str]
) -> None:
    assert texts_of(event, field) == expected


Json = Union[None, bool, int, float, str, list[Any], dict[str, Any]]
NAMES = st.sampled_from(
    [
        *sorted({name for names in SPLUNK.values() for name in names}),
        *("_raw", "Name", "Value", "key", "threat", "parent", "", ".", "a..b", "a{}"),
    ]
)
TEXTS = st.text(max_size=40) | st.sampled_from(
    ["C:\\a\\b.exe", "T1059.001", "PowerShell", "10.0.0.1", '{"user": "a"}', "[[1]]", "a=b c=d e=f"]
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=4)
    ),
    max_leaves=25,
)
EVENTS = st.dictionaries(NAMES | st.text(), VALUES, max_size=8)


@given(EVENTS)
@examples(150)
def test_whatever_the_event_it_is_read(event: Event) -> None:
    alert = read(event, TABLE)
    for attribute, values in alert.values.items():
        assert attribute in ATTRIBUTES
        assert isinstance(values, tuple)
        assert 0 < len(values) == len(set(values)) <= MAX_VALUES
        assert all(isinstance(each, str) and each.strip() for each in values)
    assert set(alert.values) == set(alert.read_from) - {"techniques"}
    assert all(isinstance(each, str) for each in alert.read_from.values())
    assert list(alert.platform) == sorted(set(alert.platform))
    assert len(alert.names) <= MAX_VALUES
    assert all(TABLE.current(each) == each for each in techniques(alert))
    assert len(set(techniques(alert))) == len(alert.techniques) <= MAX_TECHNIQUES
    assert (event, read(event, TABLE)) == (event, alert)
    json.dumps(as_lists(alert))
    what_was_read(alert)


def _paths(names: str, *values: Any) -> list[tuple[str, tuple[Any, ...]]]:
    return [(name, values) for name in names.split()]


KNOWN = [
    *_paths("process.executable Image event_data.Image process_path", "C:\\a\\b.exe", "/bin/sh"),
    *_paths("process.command_line CommandLine winlog.event_data.CommandLine", "b.exe /x", "b -y"),
    *_paths("process.parent.executable ParentImage parent_process_path", "C:\\p\\q.exe", "/p/q"),
    *_paths("process.grandparent.executable", "C:\\g\\h.exe"),
    *_paths("user.name user actor.user.name TargetUserName data.user_name", "alice", "bob"),
    *_paths("host.name dest ComputerName agent.name", "web01", "db02.example"),
    *_paths("source.ip src_ip dest.ip dest", "10.0.0.1", "2001:db8::1"),
    *_paths("file.path TargetFilename threat.indicator.file.path", "C:\\a\\c.txt", "/tmp/c"),
    *_paths("rule.name search_name title result.title alert.signature", "Odd shell", "A B rule"),
    *_paths("description rule.description message event_data.Description", "Somebody ran it."),
    *_paths("threat.technique.id mitre.techniques tags annotations.mitre_attack", "T1059.001"),
    *_paths("technique.id TechniqueId note", "T1105", "T1086"),
    *_paths("eventName event.action operation", "CreateUser", "logon", 7),
    *_paths("EventCode winlog.event_id destination.port", 1, 4688),
    *_paths("sourcetype os host.os.type", "XmlWinEventLog", "cisco:amp", "linux"),
]
"""Names and values of an alert, of several products at once."""


@st.composite
def alerts(draw: st.DrawFn) -> Event:
    """An event of known names, nested as its dots say, some of them in a list of objects."""
    event: Event = {}
    for name, values in draw(st.lists(st.sampled_from(KNOWN), max_size=8)):
        one = st.sampled_from(values)
        value = draw(one | st.lists(one, min_size=1, max_size=2))
        inside, *parts = name.split(".")[::-1]
        held = event
        for part in reversed(parts):
            held = held.setdefault(part, {})
            if not isinstance(held, dict):
                break
        if isinstance(held, dict):
            held.setdefault(inside, value)
    return event


def _said(alert: Alert) -> dict[str, Any]:
    """What an alert says, without the order: Splunk puts the values of one name together."""
    return {
        **{attribute: set(values) for attribute, values in alert.values.items()},
        "techniques": {(each.technique, each.written) for each in alert.techniques},
        "platform": alert.platform,
        "names": set(alert.names),
    }


@given(alerts(), st.booleans())
@examples(200)
def test_as_splunk_has_it_an_event_says_the_same(event: Event, listed: bool) -> None:
    if event and listed:
        event = {"items": [event, {"user": "carol"}]}
    nested, flat = both(event)
    assert _said(nested) == _said(flat)
    assert _said(read({"x": event}, TABLE)) == _said(read({"x": json.dumps(event)}, TABLE))


def _deep(depth: int) -> Event:
    event: Event = {"user": "alice", "CommandLine": "b /x"}
    for _ in range(depth):
        event = {"a": event}
    return event


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(
            {"a": [{"user": {"name": "alice"}, "pad": "x" * 1000} for _ in range(200)]}, id="200 kB"
        ),
        pytest.param(
            {"a": json.dumps([{"user": {"name": "alice"}, "pad": "x" * 50} for _ in range(2000)])},
            id="200 kB of JSON in a text",
        ),
        pytest.param({f"user{n}.name": "alice" for n in range(10_000)}, id="10,000 fields"),
        pytest.param({"user": [str(n) + "alice" for n in range(10_000)]}, id="10,000 values"),
        pytest.param(
            {"a": [{"Name": "user", "Value": f"alice{n}"} for n in range(10_000)]},
            id="10,000 names and values",
        ),
        pytest.param(_deep(200), id="depth 200"),
        pytest.param({"a" * 1_000_000 + ".user": "alice"}, id="a name of 1 MB"),
        pytest.param({"a." * 500_000 + "user": "alice"}, id="a name of 500,000 parts"),
        pytest.param({"CommandLine": "b " * 500_000}, id="a value of 1 MB"),
        pytest.param({"technique": "T1059.001 " * 100_000}, id="1 MB of techniques"),
        pytest.param({"technique": "PowerShell," * 100_000}, id="1 MB of names of techniques"),
        pytest.param({"technique": [f"T{n}" for n in range(1000, 9999)]}, id="8,999 techniques"),
        pytest.param({"_raw": "a=b " * 250_000}, id="1 MB of raw event"),
        pytest.param({"_raw": '{"a":' * 100_000}, id="JSON of depth 100,000 in the raw event"),
        pytest.param({"a": "[" * 100_000 + "]" * 100_000}, id="JSON of depth 100,000 in a text"),
    ],
)
def test_a_hostile_event_gives_no_more_than_the_caps(event: Event) -> None:
    alert = read(event, TABLE)
    assert all(len(values) <= MAX_VALUES for values in alert.values.values())
    # An alert's rule is its title besides, and the like: a text may stand in a few attributes.
    assert sum(len(each) for values in alert.values.values() for each in values) <= 3 * MAX_TEXT
    assert all(len(name) <= MAX_NAME + 101 for name in alert.read_from.values())
    assert len(alert.techniques) <= MAX_TECHNIQUES
    assert len(alert.names) <= MAX_VALUES
    assert sum(map(len, what_was_read(alert))) < 500 * (len(ATTRIBUTES) + 2)
    assert len(json.dumps(as_lists(alert))) < 8 * MAX_TEXT


def test_the_first_64_kb_are_read_and_no_more() -> None:
    event = {"pad": "x" * (MAX_TEXT - 1000), "user": "alice", "more": "y" * 2000, "host": "web01"}
    assert read(event, TABLE).values == {"user": ("alice",)}
    many = {"pad": ["x"] * (MAX_LEAVES - 1), "user": "alice", "host": "web01"}
    assert read(many, TABLE).values == {"user": ("alice",)}
    wide = {**{f"pad{n}": "x" for n in range(MAX_NAMES - 1)}, "user": "alice", "host": "web01"}
    assert read(wide, TABLE).values == {"user": ("alice",)}


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({f"{n}x.name": "a" for n in range(10_000)}, id="fields"),
        pytest.param({"a": {f"{n}x": {"name": "b"} for n in range(10_000)}}, id="objects"),
        pytest.param({"_raw": " ".join(f"x{n}=a" for n in range(10_000))}, id="pairs"),
        pytest.param({"_raw": json.dumps({f"{n}x": "a" for n in range(10_000)})}, id="raw JSON"),
        pytest.param({"_raw": "\n".join(f"x{n}: a" for n in range(5_000))}, id="lines"),
    ],
)
def test_names_that_nobody_has_seen_are_looked_up_no_more_than_the_most(event: Event) -> None:
    read({}, TABLE)
    for remembered in (meanings, reader._readings, reader._naming):
        remembered.cache_clear()
    read(event, TABLE)
    assert 0 < meanings.cache_info().misses <= MAX_NAMES


def test_the_empty_columns_of_other_events_cost_no_field() -> None:
    event = {**{f"pad{n}": "" for n in range(10_000)}, "user": "alice"}
    assert read(event, TABLE).values == {"user": ("alice",)}


def test_what_is_remembered_is_bounded() -> None:
    for module in (fields, names, platform, shapes):
        for held in vars(module).values():
            if hasattr(held, "cache_info"):
                assert held.cache_info().maxsize <= 5_000


SYSMON_7 = {
    **{"Image": "C:\\a\\x.exe", "ImageLoaded": "C:\\a\\x.dll", "EventCode": "7"},
    "Signature": "Deck Inc.",
}
ECS = {"process.executable": "C:\\a\\x.exe", "process.code_signature.subject_name": "Deck Inc."}


@pytest.mark.parametrize(
    ("event", "signer", "object_signer"),
    [
        (
            {**SYSMON_7, "Signed": "true", "SignatureStatus": "Valid"},
            *(("Deck Inc.",), ("Deck Inc.",)),
        ),
        ({**SYSMON_7, "Signed": "true", "SignatureStatus": "Expired"}, (), ()),
        ({**SYSMON_7, "Signed": "false", "SignatureStatus": "Unavailable"}, (), ()),
        # Without a word on whether it is valid, Sysmon's is none.
        (SYSMON_7, (), ()),
        # What the log calls the event is no signer.
        ({"signature": "Deck Inc.", "dest": "a"}, (), ()),
        (ECS, ("Deck Inc.",), ()),
        ({**ECS, "process.code_signature.trusted": "true"}, ("Deck Inc.",), ()),
        ({**ECS, "process.code_signature.trusted": "false"}, (), ()),
        (
            {**ECS, "dll.code_signature.subject_name": "Other Ltd."},
            *(("Deck Inc.",), ("Other Ltd.",)),
        ),
        ({"srcProcImagePath": "C:\\a\\x.exe", "publisherName": "D", "signedStatus": "unsigned"},
         (), ()),
    ],
)  # fmt: skip
def test_signers(
    event: dict[str, str], signer: tuple[str, ...], object_signer: tuple[str, ...], attack: Attack
) -> None:
    found = read(event, attack)
    assert (found.get("signer"), found.get("object_signer")) == (signer, object_signer)
