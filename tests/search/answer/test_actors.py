"""Known software in an alert as explanations of its own: its state and its words."""

from __future__ import annotations

import pytest
from hypothesis import given

from lofp_enrich.search.answer.actors import check_of, statement_of
from lofp_enrich.search.answer.evidence import (
    CONTRADICTS,
    FITS,
    OPEN,
    RESEMBLES,
    STATES,
    Evidence,
)
from lofp_enrich.search.knowledge.behaviour import BROUGHT_ALONG, CHECKS, RUNS_ANYTHING
from tests.conftest import examples
from tests.search.answer.known import (
    ALERTS,
    CATEGORIES,
    CMD,
    HOME,
    LSASS,
    PLAIN,
    RUN,
    SYSTEM,
    WHOAMI,
    actors,
    at_home,
    states,
)


class TestActors:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, []),
            (PLAIN, []),
            # Its place alone resembles.
            ({**PLAIN, "parent": at_home("vault")}, [("vault", RESEMBLES)]),
            # What it is known to do.
            ({"parent": at_home("vault"), "command_line": "reg save x"}, [("vault", FITS)]),
            ({"process": at_home("vault"), "file": "C:\\a\\ntds.dit"}, [("vault", FITS)]),
            # ... in a role in which it is known to do it.
            ({"process": at_home("vault"), "command_line": "x save y"}, [("vault", OPEN)]),
            # What the alert does not say leaves that open, and so does a name without a folder.
            ({"parent": at_home("vault")}, [("vault", OPEN)]),
            ({"parent": "vault.exe", "command_line": "reg save x"}, [("vault", OPEN)]),
            # In another folder of administrators it is itself, where users write another.
            ({"parent": HOME + "Old\\vault.exe", "command_line": "x save y"}, [("vault", FITS)]),
            ({"parent": "C:\\Users\\Public\\vault.exe", **PLAIN}, [("vault", CONTRADICTS)]),
            ({"parent": SYSTEM + "vault.exe", "command_line": " save "}, [("vault", CONTRADICTS)]),
            ({"process": "C:\\Windows\\Temp\\guard.exe"}, [("guard", CONTRADICTS)]),
            # One that poses stands before one that fits.
            (
                {
                    **{"parent": at_home("vault"), "command_line": "reg save x"},
                    "process": "C:\\Users\\Public\\guard.exe",
                },
                [("guard", CONTRADICTS), ("vault", FITS)],
            ),
            # A registry value names what it likes; that it starts another is no masquerade.
            ({"registry_data": "C:\\Users\\a\\vault.exe"}, [("vault", RESEMBLES)]),
        ],
    )
    def test_state(self, values: dict[str, str], expected: list[tuple[str, str]]) -> None:
        assert states(**values) == expected

    @pytest.mark.parametrize("key", [k for k, c in CATEGORIES.items() if c in RUNS_ANYTHING])
    @pytest.mark.parametrize("child", [CMD, WHOAMI, SYSTEM + "arp.exe"])
    def test_what_runs_anything_never_fits_as_a_parent(self, key: str, child: str) -> None:
        found = states(parent=at_home(key), process=child, command_line="x", user="ada")
        assert [each for each in found if each[1] == FITS] == []

    @pytest.mark.parametrize(
        ("values", "state"),
        [
            # Known to start this very program, which does one thing.
            ({"process": at_home("host", "rotate.exe"), "command_line": "rotate x"}, FITS),
            # Known to start a shell for this; with anything else in its hand nobody knows.
            ({"process": CMD, "command_line": "cmd /c host-version"}, FITS),
            (PLAIN, RESEMBLES),
            ({"process": CMD, "command_line": CMD}, FITS),
            ({"process": CMD, "command_line": "cmd.exe"}, FITS),
        ],
    )
    def test_but_where_it_is_known_to_start_such(self, values: dict[str, str], state: str) -> None:
        assert states(parent=at_home("host", "hostsvc.exe"), **values) == [("host", state)]

    @pytest.mark.parametrize("key", [k for k, c in CATEGORIES.items() if c in BROUGHT_ALONG])
    @pytest.mark.parametrize(
        "values",
        [
            {"file": "C:\\a"},
            {"registry": RUN},
            {"dest_ip": "192.0.2.1"},
            {"parent": SYSTEM + "services.exe"},
            LSASS,
            {"object": SYSTEM + "ntdll.dll"},
        ],
    )
    def test_what_intruders_bring_along_never_fits_by_its_own_programs(
        self, key: str, values: dict[str, str]
    ) -> None:
        assert states(process=at_home(key), **values) == [(key, RESEMBLES)]

    @pytest.mark.parametrize(
        ("key", "state"),
        [("guard", FITS), ("keeper", FITS), ("vault", OPEN), ("sync", RESEMBLES)],
    )
    def test_lsass_is_read_by_few(self, key: str, state: str) -> None:
        assert states(process=at_home(key), **LSASS) == [(key, state)]

    @pytest.mark.parametrize(
        ("key", "program", "file", "state"),
        [
            # Agents act on their own account ...
            ("guard", "", "C:\\Users\\a\\x", FITS),
            # ... but for their programs that do what they are told, and interpreters.
            ("guard", "mpcmdrun.exe", "C:\\Users\\a\\x", RESEMBLES),
            ("guard", "mpcmdrun.exe", HOME + "x", FITS),
            ("guard", "python.exe", "C:\\Users\\a\\x", RESEMBLES),
            # Others do where a user could not have done it.
            ("sync", "", "C:\\Users\\a\\x", RESEMBLES),
            ("sync", "", HOME + "x", FITS),
            # To those that write as root for whoever asks, that tells nothing either.
            ("box", "", HOME + "x", RESEMBLES),
        ],
    )
    def test_what_it_touches(self, key: str, program: str, file: str, state: str) -> None:
        assert states(process=at_home(key, program), file=file) == [(key, state)]

    @pytest.mark.parametrize(
        ("child", "command_line", "state"),
        [
            # Who got in asks this, too.
            (WHOAMI, "whoami /all", RESEMBLES),
            (SYSTEM + "systeminfo.exe", "systeminfo", FITS),
            (SYSTEM + "reg.exe", "reg query HKLM\\x", FITS),
            (SYSTEM + "reg.exe", "reg.exe  query HKLM\\x", FITS),
            (SYSTEM + "net.exe", "net accounts", FITS),
            # What stands further behind may be anybody's text.
            (SYSTEM + "reg.exe", 'reg add HKLM\\x /v " query"', RESEMBLES),
            (SYSTEM + "net.exe", 'net user eve p /add /comment:" accounts"', RESEMBLES),
            # Tools that change something may be the work of whoever holds the console.
            (SYSTEM + "vssadmin.exe", "vssadmin delete shadows /all", RESEMBLES),
            (SYSTEM + "nltest.exe", "nltest /dclist", RESEMBLES),
            (CMD, "cmd.exe /c ipconfig /all", FITS),
            (CMD, "cmd.exe /c ipconfig & x", RESEMBLES),
            (SYSTEM + "rundll32.exe", "rundll32 x", RESEMBLES),
            (SYSTEM + "WindowsPowerShell\\v1.0\\powershell.exe", "powershell x", RESEMBLES),
            (SYSTEM + "certutil.exe", "certutil -urlcache", RESEMBLES),
            ("C:\\Users\\Public\\nltest.exe", "nltest", RESEMBLES),
        ],
    )
    def test_inventory_and_tools(self, child: str, command_line: str, state: str) -> None:
        values = {"process": child, "command_line": command_line}
        assert states(parent=at_home("keeper"), **values) == [("keeper", state)]
        # Nothing of that holds for who only writes files.
        assert states(parent=at_home("sync"), **values) == [("sync", RESEMBLES)]
        # Nor for an interpreter that the product brings along: its server, broken into, does so.
        assert states(parent=at_home("keeper", "java.exe"), **values) == [("keeper", RESEMBLES)]

    @pytest.mark.parametrize(
        ("key", "command_line", "state"),
        [
            ("keeper", "systemctl enable x", FITS),
            ("keeper", "systemctl stop auditd", RESEMBLES),
            ("keeper", "systemctl --version; systemctl enable x", RESEMBLES),
            # Whoever reaches the port of a monitor may have it run this.
            ("watch", "systemctl enable x", RESEMBLES),
        ],
    )
    def test_upkeep_of_services(self, key: str, command_line: str, state: str) -> None:
        values = {"process": "/usr/bin/systemctl", "command_line": command_line}
        assert states(parent=at_home(key), **values) == [(key, state)]

    @pytest.mark.parametrize(
        ("values", "state"),
        [
            ({"domain": "api.ipify.org"}, FITS),
            ({"domain": "www.ipinfo.io"}, FITS),
            ({"domain": "api.ipify.org.evil.example"}, RESEMBLES),
            ({"object": SYSTEM + "MicrosoftAccountTokenProvider.dll"}, FITS),
            ({"object": SYSTEM + "samlib.dll"}, RESEMBLES),
        ],
    )
    def test_what_every_browser_does(self, values: dict[str, str], state: str) -> None:
        assert states(process=at_home("surf"), **values) == [("surf", state)]

    @pytest.mark.parametrize(
        ("line", "state"),
        [
            ("write.exe --type=renderer --lang=en", FITS),
            ("write.exe --headless https://x.example/?--type=renderer", RESEMBLES),
            ("write.exe --type=script", RESEMBLES),
        ],
    )
    def test_the_rest_of_a_program_built_on_chromium(self, line: str, state: str) -> None:
        own = {"process": at_home("write"), "parent": at_home("write"), "command_line": line}
        assert states(**own) == [("write", state)]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({"process": SYSTEM + "msiexec.exe", "file": at_home("vault")}, [("vault", FITS)]),
            ({"process": SYSTEM + "msiexec.exe", "file": at_home("hand")}, [("hand", RESEMBLES)]),
            # Anybody's installer, and anybody's file.
            ({"process": "C:\\Users\\a\\msiexec.exe", "file": at_home("vault")}, []),
            ({"process": CMD, "file": at_home("vault")}, []),
            ({"process": SYSTEM + "msiexec.exe", "file": "C:\\Users\\a\\vault.exe"}, []),
        ],
    )
    def test_what_is_installed(
        self, values: dict[str, str], expected: list[tuple[str, str]]
    ) -> None:
        assert states(**values) == expected

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (
                {"process": SYSTEM + "regsvr32.exe", "object": at_home("vault", "x.dll")},
                [("vault", FITS)],
            ),
            ({"process": SYSTEM + "regsvr32.exe", "object": "C:\\Users\\a\\vault.dll"}, []),
            ({"process": SYSTEM + "regsvr32.exe", "object": at_home("vault")}, []),
            ({"process": CMD, "object": at_home("hand", "x.dll")}, [("hand", RESEMBLES)]),
            ({"process": CMD, "object": at_home("kernel", "x.dll")}, []),
        ],
    )
    def test_what_is_loaded(self, values: dict[str, str], expected: list[tuple[str, str]]) -> None:
        assert states(**values) == expected

    @pytest.mark.parametrize(
        ("key", "child", "state"),
        [
            ("guard", "guard.exe", FITS),
            # A user tells these what to start, and an interpreter what to run.
            ("write", "write.exe", RESEMBLES),
            ("guard", "python.exe", RESEMBLES),
        ],
    )
    def test_a_family_of_programs(self, key: str, child: str, state: str) -> None:
        own = {"process": at_home(key, child), "parent": at_home(key, f"{key}svc.exe")}
        (found,) = actors(**own)
        assert (found.evidence.state, found.what) == (state, "one of its programs starts another")
        other = {**own, "process": at_home("hand")}
        assert (key, FITS) not in states(**other)

    @pytest.mark.parametrize(
        ("key", "values", "state"),
        [
            ("talk", {"domain": "eu.talk.example"}, FITS),
            ("talk", {"url": "https://talk.example/a"}, FITS),
            # Elsewhere it goes wherever somebody sends it.
            ("talk", {"domain": "other.example"}, RESEMBLES),
            ("write", {"domain": "other.example"}, RESEMBLES),
            ("write", {"object": SYSTEM + "ntdll.dll"}, RESEMBLES),
            # What is injected into it loads these.
            ("talk", {"object": SYSTEM + "ntdll.dll"}, RESEMBLES),
            ("guard", {"object": SYSTEM + "ntdll.dll"}, FITS),
            ("write", {"object": at_home("write", "own.dll")}, FITS),
            ("write", {"object": "C:\\Users\\a\\own.dll"}, RESEMBLES),
            ("keeper", {"parent": SYSTEM + "services.exe"}, FITS),
            ("keeper", {"parent": "services.exe"}, RESEMBLES),
            ("keeper", {"parent": "C:\\Users\\a\\services.exe"}, RESEMBLES),
        ],
    )
    def test_its_own_work(self, key: str, values: dict[str, str], state: str) -> None:
        assert states(process=at_home(key), **values) == [(key, state)]

    @pytest.mark.parametrize(
        ("user", "state"), [("root", FITS), ("alex", RESEMBLES), ("not root", RESEMBLES)]
    )
    def test_an_application_of_a_mac(self, user: str, state: str) -> None:
        parent = "/Applications/Shield.app/Contents/MacOS/shieldd"
        asked = {"process": "/usr/bin/uname", "command_line": "uname -a", "user": user}
        assert states(parent=parent, **asked) == [("shield", state)]

    @pytest.mark.parametrize(
        ("text", "state"),
        [
            (at_home("vault"), FITS),
            (f'"{at_home("vault")}" --tray', FITS),
            ("C:\\Users\\a\\vault.exe", RESEMBLES),
            # A browser that is to start with something in its hand.
            (at_home("surf"), FITS),
            (f"{at_home('surf')} --load C:\\Users\\a\\x", RESEMBLES),
            (f'"{at_home("vault")}" & C:\\Users\\a\\x.exe', RESEMBLES),
            (f"{at_home('vault')} --load=x", RESEMBLES),
            (f"{at_home('vault')} https://x.example", RESEMBLES),
            (f"{at_home('hand')} --tray", RESEMBLES),
        ],
    )
    def test_what_is_to_start(self, text: str, state: str) -> None:
        assert [each[1] for each in states(registry=RUN, registry_data=text)] == [state]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (
                {"operation": "CreateRole", "invoked_by": "stack.amazonaws.com"},
                [("stack", FITS)],
            ),
            ({"invoked_by": "stack.amazonaws.com"}, [("stack", RESEMBLES)]),
            # With the rights of whoever told it to.
            (
                {
                    **{"operation": "CreateRole", "invoked_by": "stack.amazonaws.com"},
                    "actor_id": "arn:aws:iam::123456789012:user/bob",
                },
                [("stack", RESEMBLES)],
            ),
            (
                {
                    **{"operation": "CreateRole", "invoked_by": "stack.amazonaws.com"},
                    "actor_id": "arn:aws:sts::1:assumed-role/AWSServiceRoleForStack/s",
                },
                [("stack", FITS)],
            ),
            # ... it may ask how things stand.
            (
                {
                    **{"operation": "DescribeInstances", "invoked_by": "stack.amazonaws.com"},
                    "actor_id": "arn:aws:iam::123456789012:user/bob",
                },
                [("stack", FITS)],
            ),
            # A pod's account is whoever runs in the pod.
            ({"operation": "list", "user": "system:serviceaccount:ci:a"}, [("runner", RESEMBLES)]),
            # The cluster's own parts read; what they change or which secrets, that is a question.
            ({"operation": "list", "user": "system:kube-part"}, [("part", FITS)]),
            ({"operation": "create", "user": "system:kube-part"}, [("part", RESEMBLES)]),
            (
                {"operation": "get", "user": "system:kube-part", "object": "secrets"},
                [("part", RESEMBLES)],
            ),
            ({"operation": "create", "user": "eks:part"}, [("plane", FITS)]),
        ],
    )
    def test_callers(self, values: dict[str, str], expected: list[tuple[str, str]]) -> None:
        assert states(**values) == expected

    @pytest.mark.parametrize(
        ("key", "script", "state"),
        [
            ("vault", at_home("vault", "a b.ps1"), FITS),
            ("vault", at_home("vault", "a.ps1") + '" -Quiet "', FITS),
            # Another command follows, or something was handed to it.
            ("vault", at_home("vault", "a.ps1") + "; evil", RESEMBLES),
            ("vault", at_home("vault", "a.ps1") + '" -Url "x', RESEMBLES),
            # What runs anything, what is brought along and the system have scripts that do so, too.
            ("write", at_home("write", "a.ps1"), RESEMBLES),
            ("hand", at_home("hand", "a.ps1"), RESEMBLES),
            ("kernel", at_home("kernel", "a.vbs"), RESEMBLES),
        ],
    )
    def test_a_script_of_its_own(self, key: str, script: str, state: str) -> None:
        line = f'powershell.exe -NoProfile -File "{script}"'
        found = states(
            process=SYSTEM + "WindowsPowerShell\\v1.0\\powershell.exe", command_line=line
        )
        assert found == [(key, state)]

    def test_a_script_of_its_own_as_the_parent(self) -> None:
        line = f'cmd.exe /c "{at_home("keeper", "a.bat")}"'
        asked = {"process": SYSTEM + "systeminfo.exe", "command_line": "systeminfo"}
        assert states(parent=CMD, parent_command_line=line, **asked) == [("keeper", FITS)]
        assert states(parent=CMD, parent_command_line=line, **PLAIN) == [("keeper", RESEMBLES)]

    @pytest.mark.parametrize(
        ("title", "state"),
        [
            ("DNS Query To X By Non-Browser Process", FITS),
            ("Contact Outside of Surf", FITS),
            ("DNS Query By Browser", RESEMBLES),
            ("Query Without Client", RESEMBLES),
        ],
    )
    def test_a_rule_about_who_is_no_such_software(self, title: str, state: str) -> None:
        found = states(process=at_home("surf"), domain="x.example", rule=title)
        assert found == [("surf", state)]
        # As the parent it may have started just what the rule means.
        assert ("surf", FITS) not in states(parent=at_home("surf"), process=CMD, rule=title)

    OWN = "C:\\Users\\a\\AppData\\Local\\Deck\\deck.exe"

    @pytest.mark.parametrize(
        ("values", "state"),
        [
            ({}, RESEMBLES),
            ({"signer": "Deck Inc."}, FITS),
            ({"signer": "DECK INC."}, FITS),
            ({"signer": "Evil Ltd."}, RESEMBLES),
            # Wherever it lies: what its vendor signed poses as nobody.
            ({"process": "C:\\Users\\Public\\deck.exe", "signer": "Deck Inc."}, FITS),
            ({"process": "C:\\Users\\Public\\deck.exe", "signer": "Evil Ltd."}, CONTRADICTS),
            # Who signed a library says nothing of who loads it ...
            ({"signer": "Deck Inc.", "object_signer": "Deck Inc."}, RESEMBLES),
            # ... but that it is the product's own, in its own folder, is no work of somebody else.
            (
                {"object": OWN.replace("deck.exe", "a.dll"), "object_signer": "Deck Inc."},
                FITS,
            ),
            (
                {"object": OWN.replace("deck.exe", "a.dll"), "object_signer": "Evil Ltd."},
                RESEMBLES,
            ),
            ({"object": "C:\\Users\\a\\a.dll", "object_signer": "Deck Inc."}, RESEMBLES),
            ({"object": SYSTEM + "ntdll.dll", "object_signer": "Deck Inc."}, RESEMBLES),
        ],
    )
    def test_signers(self, values: dict[str, str], state: str) -> None:
        alert = {"process": self.OWN, "command_line": "deck play", **values}
        assert states(**alert) == [("deck", state)]

    def test_the_system_alone_tells_nothing(self) -> None:
        assert states(parent=at_home("kernel"), **PLAIN) == []
        assert states(parent=at_home("kernel"), process=CMD) == []

    def test_the_best_of_its_places_counts(self) -> None:
        values = {"process": at_home("guard"), "parent": at_home("guard"), "file": "C:\\a"}
        assert states(**values) == [("guard", FITS)]


class TestWords:
    def test_of_what_fits(self) -> None:
        (found,) = actors(parent=at_home("vault"), command_line="reg save x")
        assert statement_of(found) == "Vault (backup) is the parent: copies a hive."
        assert found.evidence == Evidence(
            FITS, f"parent is {at_home('vault')}; command line is reg save x", "Vault"
        )
        assert check_of(found) == f"In Vault: {CHECKS['backup']}."

    def test_of_its_place_alone(self) -> None:
        (found,) = actors(parent=at_home("vault"), **PLAIN)
        assert statement_of(found) == "Vault (backup) is the parent."
        assert found.evidence.because == f"parent is {at_home('vault')}"

    def test_of_a_masquerade(self) -> None:
        (found,) = actors(process="C:\\Users\\Public\\guard.exe")
        said = "A program named like Guard (edr) lies where that product is not installed."
        assert statement_of(found) == said
        assert found.evidence.because == (
            "named like Guard, but process is C:\\Users\\Public\\guard.exe, which is not its folder"
        )

    def test_a_statement_never_has_what_the_alert_says(self) -> None:
        """What an alert says stands in because; the explanation is of our list."""
        hostile = f"{HOME}Vault\\<b>close it<b>.exe"
        (found,) = actors(parent=hostile, **PLAIN)
        assert "close it" not in statement_of(found) + check_of(found)
        assert "close it" in found.evidence.because


@examples(300)
@given(ALERTS)
def test_nothing_fits_that_a_user_could_have_put_there(values: dict[str, str]) -> None:
    moved = {
        name: value.replace(HOME, "C:\\Users\\Public\\").replace(SYSTEM, "C:\\Users\\Public\\")
        for name, value in values.items()
    }
    found = actors(**moved)
    assert {each.evidence.state for each in found} <= {RESEMBLES, OPEN, CONTRADICTS}
    for each in actors(**values):
        assert each.evidence.state in STATES
        assert statement_of(each)
