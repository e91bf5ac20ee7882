"""Names that ATT&CK gave its techniques once, for alerts that still have them.

Only what the ATT&CK table does not tell: an ID that was revoked keeps its name there.
"""

from __future__ import annotations

FORMER_NAMES: dict[str, tuple[str, ...]] = {
    "T1001.003": ("Protocol Impersonation",),
    "T1003": ("Credential Dumping",),
    "T1006": ("File System Logical Offsets",),
    "T1036.003": ("Rename System Utilities",),
    "T1036.005": ("Match Legitimate Name or Location",),
    "T1037": ("Logon Scripts",),
    "T1041": ("Exfiltration Over Command and Control Channel",),
    "T1046": ("Network Service Scanning",),
    "T1048.003": ("Exfiltration Over Unencrypted/Obfuscated Non-C2 Protocol",),
    "T1053.002": ("At (Windows)",),
    "T1055.013": ("Process Doppelganging",),
    "T1059": ("Command-Line Interface", "Scripting"),
    "T1070": ("Indicator Removal on Host",),
    "T1071": ("Standard Application Layer Protocol",),
    "T1072": ("Third-party Software",),
    "T1090": ("Connection Proxy",),
    "T1095": ("Standard Non-Application Layer Protocol",),
    "T1098.001": ("Additional Azure Service Principal Credentials",),
    "T1098.002": ("Exchange Email Delegate Permissions",),
    "T1098.003": ("Add Office 365 Global Administrator Role",),
    "T1105": ("Remote File Copy",),
    "T1106": ("Execution through API",),
    "T1111": ("Two-Factor Authentication Interception",),
    "T1127": ("Trusted Developer Utilities",),
    "T1129": ("Execution through Module Load",),
    "T1185": ("Man in the Browser",),
    "T1207": ("DCShadow",),
    "T1211": ("Exploitation for Defense Evasion",),
    "T1216": ("Signed Script Proxy Execution",),
    "T1217": ("Browser Bookmark Discovery",),
    "T1218": ("Signed Binary Proxy Execution",),
    "T1219": ("Remote Access Software",),
    "T1222": ("File Permissions Modification",),
    "T1484": ("Domain Policy Modification",),
    "T1484.002": ("Domain Trust Modification",),
    "T1525": ("Implant Container Image",),
    "T1530": ("Data from Cloud Storage Object",),
    "T1557": ("Man-in-the-Middle",),
    "T1574.006": ("LD_PRELOAD",),
    # Of techniques deprecated without a successor in the table: what their pages point to.
    "T1021": ("Graphical User Interface",),
    "T1021.003": ("Component Object Model and Distributed COM",),
    "T1559.001": ("Component Object Model and Distributed COM",),
    "T1574.007": ("Path Interception",),
    "T1574.008": ("Path Interception",),
    "T1574.009": ("Path Interception",),
}
"""Current technique -> the names that it, or what it took over, had before."""
