"""The one table of field names: what attribute of an alert a field holds, by product.

A name is compared by its end: case, `{}`, separators and whatever stands before it do not matter,
so `CommandLine` is found by `event_data.CommandLine`, `winlog.event_data.CommandLine` and
`command_line`. Within an attribute the earlier row wins; of one row, all values are taken. What
stands before a name can turn its meaning (`_PARENT`, `_TARGET`, ...). Macros, workflow actions, the
fields asked of splunkd and docs/fields.md are made from this table.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lofp_enrich.search.alert import wrappers


class Row(NamedTuple):
    """Names of one worth."""

    attribute: str
    names: str
    """Separated by blanks; in lower case, words separated by `_` or `.`. A name of one word is a
    whole part of a field's name. With `=` a name is one part and not two (`host_ip` is an address,
    `host.ip` are all that a machine has); with `^` only wrappers may stand before it, besides."""
    seen: str
    """The schema or the products in whose alerts they were seen."""
    shape: str = ""
    """A shape of `shapes` that a value must have, where the attribute's own is too wide."""


class Meaning(NamedTuple):
    """What a field may hold; the shape of its values decides among several."""

    attribute: str
    rank: int
    """The place of its row in the table: smaller is better."""
    shape: str


TABLE = (
    # What ran. A path comes before a name: it says more.
    Row("process", "process.executable process.file.path", "ECS, OCSF"),
    Row("process", "event_data.image new_process_name", "Sysmon, Windows 4688"),
    Row("process", "image", "Sysmon", "no_container"),
    Row("process", "process_path", "CIM, Defender for Cloud, Sophos"),
    Row(
        "process",
        "process_image_path actor_process_image_path src_process_image_path image_file_path",
        "Cortex XDR, SentinelOne",
    ),
    Row("process", "image_file.file_path image_file_name", "Microsoft Graph, CrowdStrike"),
    Row("process", "exepath proc.exe exe_path exe process_exe executable_path", "Falco, osquery"),
    Row("process", "source_image details.proc proc", "Sysmon 8 and 10, Hayabusa"),
    Row("process", "threat_info.file_path", "SentinelOne"),
    Row("process", "process_name process_file_name process_image_name", "CIM, many"),
    Row("process", "process.name proc.name processname process_exec", "ECS, Falco, ESET"),
    Row("process", "image_file.name image_file.file_name", "Defender"),
    Row("process", "comm syscall.exe", "auditd"),
    # What it was told.
    Row("command_line", "process.command_line process_command_line", "ECS, Defender, Windows"),
    Row("command_line", "command_line commandline", "Sysmon, CrowdStrike, Tanium"),
    Row("command_line", "process.cmd_line process_cmd_line cmd_line cmdline", "OCSF, Falco"),
    Row("command_line", "actor_process_command_line process_image_command_line", "Cortex XDR"),
    Row("command_line", "malicious_process_arguments", "SentinelOne"),
    Row("command_line", "command_line.arguments command_line.args", "Cisco Secure Endpoint"),
    Row("command_line", "process", "CIM"),
    Row("command_line", "command cmd executed_command shell_command", "many"),
    Row("command_line", "process.args", "ECS"),
    # What started it.
    Row("parent", "process.parent.executable parent_process.file.path", "ECS, OCSF"),
    Row("parent", "parent_image parent_image_path", "Sysmon"),
    Row("parent", "parent_process_path parent_path process_parent_path", "CIM, Sophos"),
    Row(
        "parent",
        "parent_process_image_file.file_path parent_image_file_path parent_file_path"
        " causality_actor_process_image_path parent_process_image_path parent.file.full_path",
        "Microsoft Graph, Cortex XDR, Tanium",
    ),
    Row("parent", "pexepath pexe parent_exe", "Falco"),
    Row("parent", "initiating_process_folder_path", "Defender"),
    Row(
        "parent",
        "parent_process_name process.parent.name parent_name process_parent_name"
        " creator_process_name parent_image_file_name parent_base_file_name"
        " initiating_process_file_name causality_actor_process_image_name pname"
        " parent_process_exec parent_process_image_file.file_name",
        "CIM, ECS, CrowdStrike, Windows, Defender, Falco",
    ),
    Row("parent", "originator_process", "SentinelOne"),
    Row("parent_command_line", "process.parent.command_line parent_command_line", "ECS, Sysmon"),
    Row(
        "parent_command_line",
        "parent_process.cmd_line parent_cmdline parent_cmd_line pcmdline"
        " initiating_process_command_line causality_actor_process_command_line",
        "OCSF, Falco, Defender, Cortex XDR",
    ),
    Row("parent_command_line", "parent_process", "CIM"),
    Row(
        "original_file_name",
        "original_file_name pe.original_file_name",
        "Sysmon, ECS, CIM",
    ),
    Row(
        "signer",
        "code_signature.subject_name publisher_name file_publisher signer_info.signer"
        " signature.certificate.subject signer signer_identity",
        "ECS, SentinelOne, Microsoft Graph, OCSF, Sophos",
    ),
    Row("object_signer", "dll.code_signature.subject_name", "ECS: who signed what was loaded"),
    Row(
        "hash",
        "sha256 process_sha256 sha256_string sha256_hash_data hash_sha256 file_sha256 image_sha256"
        " hash.sha256 identity.sha256",
        "many",
    ),
    Row(
        "hash", "hashes process_hash file_hash hash analyticscksum file_hashes.value", "Sysmon, CIM"
    ),
    Row("hash", "sha1 sha1_string process_sha1 file_sha1 hash.sha1 sha1_hash_data", "many"),
    Row("hash", "md5 md5_string md5_hash_data process_md5 file_md5 hash.md5", "many"),
    # Who acts, before whom it is done to.
    Row("user", "user_identity.user_name", "CloudTrail"),
    Row("user", "event_data.user actor.user.name actor_user_name", "Sysmon, OCSF"),
    Row("user", "subject_user_name subject.account_name caller_user_name", "Windows"),
    Row("user", "initiating_process_account_name", "Defender, beside whom it is done to"),
    Row("user", "user.name user_name", "ECS, CrowdStrike, many"),
    Row("user", "process_user process_username", "SentinelOne, Carbon Black"),
    Row("user", "user", "CIM, Sysmon, many"),
    Row("user", "detection_user", "Windows Defender"),
    Row("user", "username usrname user_account", "many"),
    Row("user", "account_name", "Defender, Microsoft Graph"),
    Row("user", "initiating_process_account_upn", "Defender"),
    Row("user", "user_principal_name account_upn upn", "Entra ID, Defender"),
    Row("user", "src_user suser source_username srcuser initiated_by.user", "CIM, CEF, Wazuh"),
    Row("user", "actor.alternate_id actor.email actor.name actor", "Okta, GitHub, Slack"),
    Row("user", "access_key_details.user_name aws_iam_access_key.principal_name", "GuardDuty"),
    Row("user", "session_issuer.user_name", "CloudTrail"),
    Row("user", "principal_email principal", "Google Cloud"),
    Row("user", "user_identity.arn user_identity.principal_id user_arn", "CloudTrail"),
    Row(
        "user",
        "target_user_name duser dest_user target_user dstuser recipient",
        "Windows, CEF, CIM",
    ),
    Row("user", "account subject_account accountdisplayname user_display_name login", "many"),
    Row("user", "user_id user.email userid user_sid sam_account_name", "Microsoft 365, FDR"),
    # Where.
    Row("host", "host.name", "ECS"),
    Row("host", "computer", "Sysmon, Windows"),
    Row("host", "device_name computer_name", "Defender, Windows, Carbon Black"),
    Row("host", "hostname host_name", "CrowdStrike, Falco, Cortex XDR, many"),
    Row("host", "device_dns_name agent_computer_name endpoint_name endpoint.name", "Graph, S1"),
    Row("host", "device.hostname dst_endpoint.hostname src_endpoint.hostname", "OCSF"),
    Row("host", "dest dest_host dest_nt_host", "CIM"),
    Row("host", "dhost destination_name machine_name", "CEF, AlienVault"),
    Row("host", "compromised_entity net_bios_name asset.name", "Defender for Cloud"),
    Row("host", "agent.name agent.hostname", "Wazuh"),
    Row("host", "primary_resource.name node_name", "Wiz"),
    Row("host", "workstation workstation_name", "Windows"),
    Row("host", "dvc dvc_host src_host shost", "CIM, CEF"),
    Row("host", "host", "Splunk: the sender, unless nothing else says it"),
    Row("host", "^src", "CIM"),
    # Addresses.
    Row("src_ip", "source.ip src_endpoint.ip", "ECS, OCSF"),
    Row("src_ip", "src_ip srcip source_ip", "many"),
    Row(
        "src_ip",
        "source_ip_address caller_ip_address client_ip_address caller_ip remote_addr",
        "CloudTrail, Azure",
    ),
    Row(
        "src_ip",
        "remote_ip_details.ip_address_v4 access_device.ip actor_ip sender_ip",
        "GuardDuty, Duo, Wiz, Proofpoint",
    ),
    Row("src_ip", "src", "CIM, CEF"),
    Row(
        "src_ip", "client.ip clientip client_ip actor_ip_address", "ECS, Cloudflare, Microsoft 365"
    ),
    Row("src_ip", "client.ip_address =ip_address ipaddr", "Okta, Entra ID, Windows"),
    Row("src_ip", "source_ips context.ip_address", "Kubernetes, Slack"),
    Row("src_ip", "source_address source_network_address client_address", "Windows"),
    Row(
        "src_ip",
        "source_info.ip src_host.ip source_host.ip breach_devices.ip device.ip",
        "Sophos, Darktrace",
    ),
    Row("src_ip", "local_ip =host_ip external_ip device_external_ip aip ipv4", "EDRs"),
    Row("dest_ip", "destination.ip dst_endpoint.ip", "ECS, OCSF"),
    Row("dest_ip", "dest_ip dstip destination_ip dst_ip server_ip serverip", "many"),
    Row("dest_ip", "remote_ip remote_address_ip4", "Defender, CrowdStrike"),
    Row("dest_ip", "destination_address dest_address", "Windows 5156"),
    Row("dest_ip", "dst dest server.ip", "CEF, CIM"),
    Row("dest_port", "destination.port dst_endpoint.port dest_port dstport dpt", "many"),
    Row("dest_port", "destination_port remote_port server.port", "Sysmon, Defender"),
    # What was touched.
    Row("file", "target_filename", "Sysmon 11"),
    Row("file", "action_file_path tgt_file_path target_file_path", "Cortex XDR, SentinelOne"),
    Row("file", "file.path file_path file_full_path file.full_path", "ECS, CIM, many"),
    Row("file", "file_details.file_path threat_info.file_path", "Microsoft Graph, SentinelOne"),
    Row("file", "associated_file ioc_event_path", "CrowdStrike, Sophos"),
    Row("file", "threat_resource_path", "Windows Defender"),
    Row("file", "object_name", "Windows 4663"),
    Row("file", "fd.name file.name file_name filename fname blocked_name", "Falco, many"),
    Row("file", "task_name", "Windows 4698"),
    Row("file", "image_loaded", "Sysmon 7"),
    Row("file", "path ^object ^target", "many, by its shape"),
    Row("file", "object_path", "CIM: of a file or of any other object", "rooted"),
    Row("registry", "target_object details.tgt_obj tgt_obj", "Sysmon 12 to 14, Hayabusa"),
    Row("registry", "registry.path registry_path registry_key registry.key reg_key", "ECS, CIM"),
    Row("registry_data", "registry.data.strings registry_value_data registry_data", "ECS, CIM"),
    Row("registry_data", "^details event_data.details", "Sysmon 13"),
    Row("service", "service_name service_file_name image_path dest_service", "Windows 7045, CIM"),
    Row("service", "api.service.name event_source", "OCSF, CloudTrail"),
    Row("url", "url.full url.original url", "ECS, many"),
    Row("url", "remote_url request_url url_string dest_url request_uri request", "Defender, CEF"),
    Row("url", "http.url client_request_host http.hostname", "Suricata, Cloudflare"),
    Row("domain", "dns.question.name query_name domain_name query dest_domain", "ECS, Sysmon, CIM"),
    Row("domain", "destination_hostname dest_hostname destination.domain", "Sysmon 3, ECS"),
    Row(
        "user_agent",
        "user_agent.original user_agent http_user_agent raw_user_agent caller_supplied_user_agent",
        "ECS, many",
    ),
    Row("app", "app_display_name app_name application_name service_principal_name", "Entra ID"),
    Row("app", "application app", "CIM, many"),
    # What was asked of a service.
    Row("operation", "=event_name api.operation operation_name method_name", "CloudTrail, Azure"),
    Row("operation", "operation_name.value", "Azure"),
    Row("operation", "aws_api_call_action.api kubernetes_api_call_action.verb", "GuardDuty"),
    Row("operation", "action_type event_simple_name", "Defender, CrowdStrike"),
    Row("operation", "triggering_events.name", "Wiz"),
    Row("operation", "^operation", "Microsoft 365, ESET"),
    Row("operation", "winlog.task task_category", "Windows"),
    Row("operation", "triggers.events.type", "Upwind"),
    Row("operation", "^category alert.category", "Windows, Suricata", "phrase"),
    Row("operation", "^event_type", "Okta, Duo, Cortex XDR", "event_type"),
    Row("operation", "event.action evt.type", "ECS, Falco"),
    Row("operation", "verb", "Kubernetes"),
    Row("operation", "^action ^act", "many"),
    Row("operation", "^event", "Tanium", "event_type"),
    Row("operation", "risk_event_type risk_type", "Entra ID"),
    Row("operation", "change_type =result_description", "CIM, Kaspersky"),
    Row("event_code", "event_code =event_id winlog.event_id event.code", "Windows, Sysmon, ECS"),
    Row("object", "target_image target_process_path", "Sysmon 8 and 10: who was reached into"),
    Row("object", "image_loaded pipe_name", "Sysmon 7, 17 and 18"),
    Row("object", "object_name", "Windows 4656 and 4663"),
    Row("object", "object_ref.resource object_category target_resources.display_name", "many"),
    Row("object", "object object_path event_source change_type", "CIM, CloudTrail"),
    Row("image", "container.image.name containers.image container_image image_repository", "ECS"),
    Row("image", "container_info.image container.image container.image.repository", "many"),
    Row("image", "image image_name", "Kubernetes, Docker: by its shape", "container"),
    Row("namespace", "object_ref.namespace ns.name orchestrator.namespace namespace", "Kubernetes"),
    Row(
        "actor_id", "app_id client_id service_principal_id application_id actor.app_uid", "Entra ID"
    ),
    Row("actor_id", "user_identity.principal_id user_identity.arn actor.id", "CloudTrail, Okta"),
    Row("invoked_by", "user_identity.invoked_by invoked_by", "CloudTrail"),
    Row("invoked_by", "source_ip_address", "CloudTrail: a service that calls", "aws_service"),
    # What the product says of it.
    Row("rule", "alert.rule.name signal.rule.name rule.name rule_name rulename", "Elastic, many"),
    Row("rule", "search_name savedsearch_name", "ES"),
    Row("rule", "rule_title orig_rule_title", "Hayabusa, ES"),
    Row("rule", "alert.signature", "Suricata"),
    Row("rule", "rule.title finding_info.title", "Wazuh, OCSF"),
    Row("rule", "^type ^types finding_info.types alert_type", "GuardDuty, Sophos", "typed"),
    Row("rule", "alert_name detect_name ioa_rule_name detection_name", "many"),
    Row("rule", "threat_name threatname virus malware_name attack_name", "many"),
    Row("rule", "rule_message short_description display_message", "Cloudflare, Cisco, Okta"),
    Row("rule", "^detection", "Cisco Secure Endpoint"),
    Row("rule", "alert_display_name incident_type", "Defender for Cloud, CrowdStrike"),
    Row("rule", "model.now.name model.then.name", "Darktrace"),
    Row("rule", "^title ^signature ^attack ^rule", "CIM, Fortinet, Falco, many"),
    Row("rule", "policy_name", "Upwind"),
    Row("rule", "^name", "Sigma, Cortex XDR"),
    Row("rule", "rule.description", "Wazuh"),
    Row("rule", "rule_method event_name.localized_value", "AlienVault, Azure"),
    Row("rule", "risk_event_type", "Entra ID"),
    Row("rule", "detection_id rule_id", "Sophos, Trellix", "named"),
    Row("rule", "^source", "ES: the search that found it", "phrase"),
    Row("rule", "^reason", "Carbon Black", "phrase"),
    Row("signature", "^signature", "CIM: what the log calls it"),
    Row("rule_id", "rule.rule_id =rule_id rule.uuid rule.id signature_id detection_id", "many"),
    Row("title", "rule_title orig_rule_title", "ES"),
    Row("title", "^title finding_info.title rule.title", "many"),
    Row("title", "alert_display_name alert_name display_message", "Defender for Cloud, Okta"),
    Row("title", "short_description rule_message", "Cisco, Cloudflare"),
    Row("title", "alert.signature", "Suricata"),
    Row("title", "^name", "Sophos, Cortex XDR"),
    Row("title", "^subject event_message", "Proofpoint, CyberArk"),
    Row("title", "^category", "Sysmon", "phrase"),
    Row("description", "full_log", "Wazuh"),
    Row("description", "rule.description alert.rule.description rule_description", "Elastic, ES"),
    Row("description", "savedsearch_description detect_description", "ES, CrowdStrike"),
    Row("description", "finding_info.desc detection_description incident_description", "OCSF"),
    Row("description", "^description ^desc cloud_ioc.description", "many"),
    Row("description", "model.now.description model.then.description", "Darktrace"),
    Row("description", "risk_message alert.reason ^summary ^output ^msg", "ES, Elastic, Falco"),
    Row("description", "^message ^body description", "Wazuh, Windows"),
    Row("severity", "severity_name severity urgency level alert_severity severity_label", "many"),
    Row(
        "tactics",
        "tactic tactics tactic_name tactics_name tactic.name mitre_tactic mitre_tactics"
        " attack_tactic rule_attack_tactic tactics.name mitre_tactic_id_and_name"
        " mitre_attack_tactics",
        "many",
    ),
    Row("tactics", "tactic_id tactic.id tactics.uid intent", "many"),
)

_PARENT = frozenset(("parent", "initiating", "creator", "causality", "originator"))
"""Words that make a process the parent of the alert's; the user of a parent is nobody's."""
_PARENT_OF = {"process": "parent", "command_line": "parent_command_line"}
_FOREIGN = frozenset(
    "grandparent gparent grand child childproc indicator iocs reference references"
    " historical previous related observables".split()
)
"""Words that make it another's: an ancestor, a child, what a rule looks for."""
_FOREIGN_TO = {
    **dict.fromkeys(
        ("user", "host", "file", "src_ip", "dest_ip"), frozenset(("manager", "vendor"))
    ),
    # What was opened or injected into (Sysmon's TargetImage) has done nothing.
    **dict.fromkeys(
        ("process", "command_line", "parent", "parent_command_line"), frozenset(("target", "tgt"))
    ),
    "user": frozenset("target parent childproc device manager vendor agent cloud metadata".split()),
    "rule": frozenset(
        "process user host file agent image actor package resource resources policy os container"
        " asset primary tags registry module organization account service device source target"
        " product vendor log event_data tactic tactics technique techniques geo mitre group sender"
        " dns network property os_family".split()
    ),
    "title": frozenset("process user host file window email".split()),
    "description": frozenset(
        "process user host pe file mitre tactic technique techniques package tactics resource"
        " control compliance signature_details policy remediation event_data".split()
    ),
    "operation": frozenset(("rule", "recommended", "remediation", "mitre")),
    "hash": frozenset(("parent",)),
    "domain": frozenset(("user", "account", "logon", "subject", "target", "nt")),
    "host": frozenset(("observer", "sensor", "manager")),
    "signer": frozenset(("parent", "dll")),
    "url": frozenset(("rule", "alert", "falcon", "link", "reference", "console")),
    "src_ip": frozenset(("dest", "destination", "dst", "target", "remote")),
    "dest_ip": frozenset(("src", "source", "local")),
    "file": frozenset(("parent", "rule", "log", "document", "metadata")),
    "platform": frozenset(("sensor",)),
}
"""Words before a name that make it no value of the attribute."""

_INSIDE = frozenset(
    "username hostname cmdline commandline sha256 sha1 md5 filename useragent processname".split()
)
"""Names of one word that say enough to be found inside of a part, as in `meta_username`."""

_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_LONGEST = 6
"""Words of a name that are compared; the longest names of the table have six."""


@lru_cache(maxsize=5_000)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a field's name, lower case: `data.IpAddress` is data, ip, address."""
    return tuple([word.lower() for word in _WORD.findall(name)])


class _Known(NamedTuple):
    meaning: Meaning
    bare: bool
    one: bool
    whole: bool


def _by_key() -> dict[str, tuple[_Known, ...]]:
    found: dict[str, tuple[_Known, ...]] = {}
    for rank, row in enumerate(TABLE):
        for name in row.names.split():
            words = words_of(name)
            key = "".join(words)
            bare = name.startswith("^")
            one = bare or name.startswith("=")
            whole = one or (len(words) == 1 and key not in _INSIDE)
            known = _Known(Meaning(row.attribute, rank, row.shape), bare, one, whole)
            found[key] = (*found.get(key, ()), known)
    return found


_MEANINGS = _by_key()
_PARTS = re.compile(r"\.|__")


@lru_cache(maxsize=5_000)
def meanings(name: str) -> tuple[Meaning, ...]:
    """What a field of this name may hold, by the longest end of it that the table knows."""
    parts = [words_of(part) for part in _PARTS.split(name[-200:])]
    words = [word for part in parts for word in part]
    starts, at, last = set(), 0, 0
    for part in parts:
        starts.add(at)
        last, at = at, at + len(part)
    for start in range(max(0, len(words) - _LONGEST), len(words)):
        known = _MEANINGS.get("".join(words[start:]))
        if not known:
            continue
        before = frozenset(words[:start])
        if before & _FOREIGN:
            return ()
        found = (
            _turned(each.meaning, before)
            for each in known
            if (start in starts or not each.whole)
            and (start == last or not each.one)
            and (before <= wrappers.WORDS or not each.bare)
        )
        meant = tuple(each for each in found if each)
        if meant:
            return meant
    return ()


def foreign(name: str) -> bool:
    """Whether a field is about something else: an ancestor, what a rule looks for."""
    return not _FOREIGN.isdisjoint(words_of(name[-200:]))


def _turned(meaning: Meaning, before: frozenset[str]) -> Meaning | None:
    attribute = meaning.attribute
    if before & _FOREIGN_TO.get(attribute, frozenset()):
        return None
    if before & _PARENT and attribute in _PARENT_OF:
        return meaning._replace(attribute=_PARENT_OF[attribute])
    return meaning


ATTRIBUTES = tuple(dict.fromkeys(row.attribute for row in TABLE))
"""All attributes, in the order of the table."""


SPLUNK = {
    "technique": (
        # Enterprise Security: findings, risk events, rule annotations
        "annotations.mitre_attack.mitre_technique_id",
        "annotations.mitre_attack",
        "All_Risk.annotations.mitre_attack.mitre_technique_id",
        "All_Risk.annotations.mitre_attack",
        "action.correlationsearch.annotations",
        "annotations",
        "annotations.mitre_atlas.mitre_technique_id",
        # CIM-like add-ons
        *("mitre_technique_id", "mitre_attack_id", "mitre_technique", "mitre_techniques"),
        *("mitre_id", "technique_id", "technique", "techniques"),
        # products
        *("RuleName", "rule.mitre.id{}", "rule.mitre.id", "event.Technique", "event.Techniques"),
        *("event.MitreAttack{}.TechniqueID", "mitre_attack{}.technique_id"),
        *("behaviors{}.technique_id", "mitreTechniques{}", "AttackTechniques"),
        *("properties.AttackTechniques", "properties.AdditionalFields.AttackTechniques"),
        *("Techniques", "kibana.alert.rule.threat{}.technique{}.id"),
        "kibana.alert.rule.threat.technique.id",
        "kibana.alert.rule.threat.technique.subtechnique.id",
        *("signal.rule.threat.technique.id", "threat.technique.id"),
        *("threat.technique.subtechnique.id", "alert.metadata.mitre_technique_id{}"),
        *("mitre_technique_id_and_name{}", "finding_info.attacks{}.technique.uid"),
        *("finding_info.attacks{}.sub_technique.uid", "attacks{}.technique.uid"),
        *("tags", "tags{}", "rule.tags", "MITRE Techniques"),
    ),
    "rule": (
        *("search_name", "rule_name", "rule_title", "savedsearch_name", "source"),
        *("alert.signature", "rule.name", "kibana.alert.rule.name", "RuleTitle", "DetectName"),
        *("alert_name", "title", "signature", "rule.description", "rule_id"),
    ),
    "process": ("process_name", "process_path", "Image", "NewProcessName", "process.executable"),
    "command_line": ("process", "CommandLine", "process.command_line", "command"),
    "parent": ("parent_process_name", "parent_process_path", "ParentImage", "ParentProcessName"),
    "parent_command_line": ("parent_process", "ParentCommandLine"),
    "original_file_name": ("original_file_name", "OriginalFileName"),
    "user": ("user", "User", "src_user", "SubjectUserName"),
    "host": ("dest", "host", "Computer"),
    "src_ip": ("src", "src_ip", "sourceIPAddress"),
    "dest_ip": ("dest_ip",),
    "file": ("file_name", "file_path", "TargetFilename", "object_path"),
    "registry": ("registry_path", "TargetObject"),
    "registry_data": ("registry_value_data", "Details"),
    "service": ("service_name", "dest_service", "ServiceName", "ImagePath"),
    "url": ("url",),
    "domain": ("QueryName",),
    "user_agent": ("http_user_agent", "user_agent", "userAgent"),
    "app": ("app",),
    "operation": ("eventName", "operation", "action", "change_type"),
    "event_code": ("EventCode", "EventID"),
    "object": (
        *("object", "object_category", "eventSource", "TargetImage", "ImageLoaded", "PipeName"),
    ),
    # Who called, as the service itself says.
    "actor_id": ("userIdentity.arn", "userIdentity.principalId", "appId"),
    "invoked_by": ("userIdentity.invokedBy",),
    "image": ("container.image.name",),
    "description": (
        *("rule_description", "savedsearch_description", "risk_message", "description", "message"),
    ),
    "platform": (
        *("vendor_product", "sourcetype", "index", "product", "vendor", "os", "Channel"),
        *("host.os.type", "logsource.product"),
    ),
}
"""Whole names as Splunk's add-ons spell them, by attribute: what splunkd is asked for besides
`_raw`, from which all else is read, and what macros and workflow actions name."""

SIGNATURE = ("Signature", "SignatureStatus", "Signed")
"""What Sysmon says of the signature of a library or driver: asked for besides, since none of them
is a value without the others."""

TECHNIQUE_FIELDS = SPLUNK["technique"]
RULE_FIELDS = SPLUNK["rule"]
CONTEXT_FIELDS = tuple(
    dict.fromkeys(n for a, names in SPLUNK.items() if a not in ("technique", "rule") for n in names)
)
