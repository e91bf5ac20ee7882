"""What a statement is worth to a person at an alert: benign, generic, advice or placeholder."""

from __future__ import annotations

import re
from functools import cache

_MAX_TEXT = 2_000
"""Characters that are looked at; the longest statement known has 1,000."""
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_WORD = re.compile(r"[^\W_][\w'.+#-]*")

_PLACEHOLDER = re.compile(
    r"""
    (?:this\ (?:search|detection|analytic|rule)\ has\ |there\ are\ |at\ this\ time\ )?
    (?:(?:very|highly|most|quite)\ )?
    (?:unknown|(?:un)?likely|none|no|n/?a|not\ (?:known|applicable)|nothing|high|low|medium|minimal|
       limited|rare|to\ be\ determined|tbd|todo|-+|\?+)?
    (?:\ ?(?:false\ positives?|fps?))?
    (?:\ (?:are|have\ been|were|is|currently|known|identified|expected|found|so\ far|yet))*
    (?:\ at\ (?:this|the)\ (?:time|moment|point))?
    """,
    re.VERBOSE,
)

_NOTHING_KNOWN = re.compile(
    r"""
    (?:there\ (?:are|is|have\ been)\ )?
    (?:no(?:ne|thing)?\b(?:\ [\w-]+){0,4}\ (?:expected|known|observed|identified|reported
        |anticipated|seen|found|documented)\b
      |unk\w{2,4}[,;:]?\ (?:needs?|requires?|how|to\ be|pending|yet)\b
      |(?:aucun|aucune|inconnue?s?|unbekannte?|keine?|keine\ bekannt|desconocido|desconhecido
        |ninguno|ninguna|nenhum|nenhuma|nessuno|nessuna|sconosciuto|onbekend|geen|unk\w{2,4}
        |okänt|неизвестно|нет|未知|不明|なし|无)$)
    (?!.*\b(?:except|apart|unless|but|besides|however|though|although|other\ than|aside|if)\b)
    """,
    re.VERBOSE,
)
"""That nobody knows of one, whatever follows ("... in production"), but for what is excepted."""

_TO_DO = """
    investigated verified reviewed validated exempted excluded tuned filtered monitored checked
    allowlisted allow-listed whitelisted correlated baselined confirmed customized customised
"""
_ADVICE = re.compile(
    rf"""
    ^(?:(?:regular|periodical|continuous|careful|frequent|always|temporari|manual)\w*[,\s]+)?
      (?:please|analysts\ (?:should|can|may)|we\ (?:recommend|suggest)
       |it\ is\ (?:highly\ )?(?:recommended|advised|suggested|important|best))\b
    | ^(?:to\ (?:manage|handle|mitigate|reduce|avoid|prevent|minimi[sz]e|address|limit|lower
         |help)\ .*,
       |after\ (?:identifying|confirming|reviewing|verifying|validating)\ .*,)
    | ^(?:(?:regularly|periodically|continuously|carefully|always|temporarily|where\ possible,?)\ )?
      (?:collaborate|try|understand|coordinate|implement|establish|create|maintain|escalate|evaluate|leverage|examine
        |cross-check|assess|inspect|suppress|whitelist|require|focus|engage|limit|ask|look
        |use\ (?!of\b|cases?\b)|work\ with|close\ only|keep
        |build\ (?:an?\ |any\ |the\ )?(?:exception|exclusion|allow)s?\w*
        |review|update|check|verify|validate
        |(?:monitor|document)\ (?:and|the|these|those|this|any|all|known|such|each|for
           |approved|an?))\b
    | ^(?:users|analysts|teams|organi[sz]ations)
      \ (?:can|should|must)\ (?:then\ |also\ )?
      (?:update|add|create|verify|review|exclude|document|whitelist|allowlist|consider|configure
        |dismiss)\b
    | ^(?:regularly|periodically|continuously)\ (?!\w+(?:ed|ing)\b)\w
    | \banti-pattern\b
    | \bdo\ not\ (?:close|dismiss|exclude|suppress)\b
    | ^(?:(?:manual|further|additional|some|more)\ )?
      (?:tun(?:e|ing)|filter(?:ing|s)?|verif(?:y|ication)|validat(?:e|ion)|investigat(?:e|ion)
        |review|check|confirm|ensure|update|adjust|modify|exclude|whitelist|allow-?list|baseline|correlate
        |consider|add|apply|see|refer|restrict|customi[sz]e|enrich|determine|analy[sz]e|compare
        |treat
        |be\ sure|make\ sure|be\ aware|do\ not|avoid|before)\b
    | ^(?:you|this|it)?\ ?(?:may|might|can|could|will|should)\ (?:need|require)\b
    | ^if\b.*
      \b(?:exempt\w*|exceptions?|exclu\w+|filter\w*|tun\w+|expected|verify|investigate|consider
        |use|review|add|suppress|modified|do\ not)\b
    | \b(?:should|must|needs?\ to|ha(?:s|ve)\ to)\ (?:\w+\ )?be\ (?:further\ )?
      (?:{"|".join(_TO_DO.split())}|added|adjusted|updated|considered|treated|modified|applied)\b
    | \b(?:can|may|might)\ be\ (?:{"|".join(_TO_DO.split())}|necessary|required|needed)\b
    | \b(?:tuning|filtering)\ (?:is|are|may|might|will|can|should)\b
    | \bmight\ require\ some\ (?:initial\ )?tuning\b
    """,
    re.VERBOSE,
)
_TRIMMINGS = re.compile(
    r"""
    [\s,;:(-]*\b(?:(?:and|but|however|so|please|may)[\s,]*)*
    (?:(?:to|will|can|may|could|and)?\ ?need\ to\ be\ |(?:to|should|can|may|must)\ be\ )?
    (?:tun(?:e|ed|ing)|filter(?:s|ed|ing)?|adjust(?:ed)?)\b
    (?:[^.]*\b(?:needed|necessary|required|appropriate|accordingly|macros?|unusable))?\W*$
    """,
    re.VERBOSE,
)
"""`..., filter as needed`: what is left of the sentence decides."""

_TUNING = re.compile(
    r"""
    [\s,;:(-]*\b(?:(?:and|but|so|however|this\ analytic)[\s,]+)*
    (?:(?:will|may|might|can|could|should)\ (?:need|require)\ (?:some\ |to\ be\ )?
       (?:tun|filter)(?:ed|ing)
      |(?:please\ )?filter\ as\ needed
      |thus\ |(?:please\ )?make\ use\ of\ our\ filters)
    .*$
    """,
    re.VERBOSE,
)
"""`... and will require tuning based on ...`: what comes before decides."""
_SET_ASIDE = re.compile(
    r"(?!(?:if|whether|any|an?|the|these|this|those|such|it|you|exceptions?|known|alerts?|ensure)\b)"
    r"((?:(?!\b(?:unfamiliar|unexpected|should|can|must)\b).)+?)"
    r" (?:should|can|must) be (?:reviewed|documented|excluded)\b"
)
"""`Jobs that rotate logs should be reviewed and excluded`: advice whose subject is a cause."""

_GENERIC = frozenset(
    """
    a an the this that these those it its such some any all other others another certain
    various many few several different specific particular similar same every each both either
    also although however though unless except depending of in on at to for from by with
    without within as or and nor but if when while where which who whose what how than then
    there their they them we you your our not no be is are was were been being has have had do
    does did can could may might will would should shall must very highly most mostly more
    less least rarely rare often sometimes usually generally typically occasionally commonly
    likely unlikely possible possibly potential potentially probably known unknown expected
    unexpected normal normally common uncommon unusual regular valid false positive positives
    fp fps noise alert alerts alerting detection detections rule rules search analytic trigger
    triggers triggered triggering cause causes caused causing result results produce produced
    generate generates generated match matches matched present appear happen happens occur
    occurs limited minimal legitimate legitimately benign authorized authorised approved
    allowed permitted genuine trusted official intended intentional acceptable sanctioned
    planned custom internal external own third-party third 3rd party administrator
    administrators administrative administration admin admins sysadmin sysadmins sysadmin's
    system systems network networks user users operator operators operation operations
    operational operating power team staff personnel employee employees person people
    engineer engineers someone individual individuals business corporate company enterprise
    organization organizations organisation environment environments environmental activity
    activities action actions behavior behaviors behaviour behaviours usage usages use uses
    used using utilize utilizes utilized utility utilities perform performs performed
    performing execute executes executed executing execution run runs running launch launched
    make makes made making purpose purposes reason reasons task tasks job jobs work process
    processes script scripts scripting application applications app apps program programs
    software tool tools tooling product products command commands commandline cmdlet feature
    features functionality function functions change changes changed changing modification
    modifications modify modified update updates create creates created creating creation new
    legit need needs needed require requires required access accesses automation automated
    automatic automatically manual manually troubleshooting troubleshoot maintenance
    management manage managed debugging debug testing test tests daily day-to-day routine
    regularly because due based upon exhibit exhibits contain contains containing include
    includes including like e.g i.e etc so just only lead leads via time times case cases high
    low large small amount number volume account accounts service services data file files
    host hosts hostname machine machines server servers computer computers device devices
    endpoint endpoints resource resources event events information configuration setting
    settings cleanup clean one two once first well part related associated verify investigate
    context try tries attempt attempts issue issues find found see seen show shows give given
    get gets take taken put help know knows sure situation situations scenario scenarios
    circumstances instance instances example examples whether about during after before into
    out over under between up down off still yet again ever never always good bad filter
    enable enables enabled disable disables disabled appear appears flag flags flagged mistaken
    mistakenly identified considered default set value values write writes written check checks
    name names path paths binary binaries executable executables location locations list lists
    missed included interact interacts interacted fire fires noisy frequent frequently legitimately
    suspicious privilege privileges escalation malicious select selected reason vendor vendors
    mechanism mechanisms method methods technique techniques unique unusual satisfy satisfies it's
    exclusion exclusions exception exceptions standard non-standard keyword keywords rather trusted
    kind kinds thing things
    filtered filters filtering tune tuned tuning macro macros exclude excluded
    """.split()
)
"""Words that name no cause: what a sentence has beside them decides whether it is benign."""

_GENERIC_CAUSE = re.compile(
    r"\b(?:legit|admin|sysadmin|authori[sz]|approv|valid|allow|automat|script|appli|software|tool|"
    r"operator|user|program|process|maintenance|troubleshoot|debug|test|task|us(?:e|age|ing)\b|"
    r"change|engineer|service|system)"
)
"""Words that make a sentence without a specific one at least a cause."""


@cache
def kind_of(statement: str) -> str:
    """`benign`, `generic`, `advice` or `placeholder`: the best kind that one of its sentences has.

    So "Unlikely. Except due to misconfigured proxies" is benign, and "Unknown. Filter as needed."
    is advice.
    """
    kinds = {
        _sentence_kind(sentence)
        for sentence in _SENTENCE.split(statement[:_MAX_TEXT])
        if sentence.strip()
    }
    return next((k for k in ("benign", "generic", "advice") if k in kinds), "placeholder")


def _sentence_kind(sentence: str) -> str:
    text = " ".join(sentence.lower().split()).strip(" .!?;:,'\"`*()[]")
    if _PLACEHOLDER.fullmatch(text) or _NOTHING_KNOWN.match(text):
        return "placeholder"
    cause = _TUNING.sub("", _TRIMMINGS.sub("", text))
    subject = _SET_ASIDE.match(cause)
    if subject and not _ADVICE.search(subject[1]) and _specific(subject[1]):
        return "benign"
    if not cause or _ADVICE.search(cause):
        return "advice"
    if _specific(cause):
        return "benign"
    if _GENERIC_CAUSE.search(cause):
        return "generic"
    return "placeholder" if cause == text else "advice"


def _specific(text: str) -> list[str]:
    found = (word.strip(".'-") for word in _WORD.findall(text))
    return [word for word in found if word and word not in _GENERIC and not word.isdigit()]
