"""Closed word lists: which spellings are one word.

`ALIASES` and `BRITISH` are for the normal form, whose merges no model reviews: only what is one word in every
sentence stands there. `LOOSE` and `SLIPS` are for the guards, which need to know what was meant: a wrong guess there
costs one refusal, or leaves the pair to the verifier.
"""


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def table(rows: str) -> dict[str, str]:
    """``"javascript js | python py"`` as ``{"js": "javascript", "py": "python"}``; ``_`` stands for a space."""
    entries = (row.split() for row in rows.split("|"))
    return {alias.replace("_", " "): first.replace("_", " ") for first, *aliases in entries for alias in aliases}


_NEGATED = (
    *("are", "could", "did", "do", "does", "had", "has", "have", "is", "might", "must", "need", "ought", "should"),
    *("was", "were", "would"),
)
CONTRACTIONS = (
    {f"{verb}n't": (verb, "not") for verb in _NEGATED}
    | {
        f"{who}'{tail}": (who, verb)
        for who in ("i", "you", "we", "they")
        for tail, verb in (("ve", "have"), ("ll", "will"))
    }
    | {f"{who}'re": (who, "are") for who in ("you", "we", "they", "what", "how", "there")}
    | {
        f"{what}'s": (what, "is")
        for what in ("it", "that", "what", "where", "who", "how", "when", "why", "there", "here")
    }
    | {f"{what}'ll": (what, "will") for what in ("it", "that", "he", "she")}
    | {"i'm": ("i", "am"), "can't": ("can", "not"), "cannot": ("can", "not"), "won't": ("will", "not")}
    | {"shan't": ("shall", "not"), "ain't": ("is", "not"), "let's": ("let", "us")}
)
"""``'d`` is left alone: *had* as often as *would*. ``'s`` may be *has*; both sides are then spelled out alike."""

ALIASES = table("""
javascript js | typescript ts | python py | kubernetes k8s | postgresql postgres postgre | csharp c# c-sharp | cpp
c++ | fsharp f# | objective-c objc | node.js nodejs | vue.js vuejs vue | react.js reactjs react | next.js nextjs |
nuxt.js nuxtjs nuxt | dotnet .net | mongodb mongo | vscode vs_code visual_studio_code | mssql sql_server
ms_sql_server microsoft_sql_server ms_sql | macos mac_os os_x mac_os_x osx | aws amazon_web_services | gcp
google_cloud google_cloud_platform | scikit-learn sklearn scikit_learn | regex regexp regular_expression | regexes
regexps regular_expressions | environment_variable env_var env_variable envvar | environment_variables env_vars
env_variables envvars | email e-mail | emails e-mails | wifi wi-fi | directory folder | directories folders
| subdirectory subfolder subdir | subdirectories subfolders subdirs | dictionary dict | dictionaries dicts |
parameter param | parameters params | argument arg | arguments args | configuration config | repository repo |
repositories repos | versus vs | okay ok | github gh | information info
""")
_IZED = word_set(
    """anonym initial normal organ optim serial deserial real recogn custom minim maxim capital author synchron
    categor character central apolog critic emphas general local memor modern penal priorit random special stabil
    standard summar symbol token util virtual visual vector final formal legal harmon immun parallel polar sanit
    subsid canonical equal digit container amort item"""
)
"""Stems of verbs in *-ize*; not every verb in *-ise* has another spelling."""
BRITISH = table("""
color colour | colors colours | colored coloured | center centre | centers centres | centered centred | centering
centring | behavior behaviour | behaviors behaviours | favorite favourite | favorites favourites | favor favour |
neighbor neighbour | neighbors neighbours | labeled labelled | labeling labelling | canceled cancelled | canceling
cancelling | modeling modelling | traveling travelling | gray grey | catalog catalogue | dialog dialogue | analyze
analyse | analyzing analysing | analyzed analysed | analyzes analyses | license licence | defense defence | honor
honour | humor humour | labor labour | rumor rumour | flavor flavour | harbor harbour | liter litre | liters litres
| meter metre | meters metres | kilometer kilometre | kilometers kilometres | centimeter centimetre | centimeters
centimetres | theater theatre | fiber fibre | tire tyre | tires tyres | program programme | programs programmes |
aluminum aluminium | learned learnt | spelled spelt | while whilst | among amongst | artifact artefact | artifacts
artefacts | judgment judgement | skeptical sceptical | pajamas pyjamas
""") | {
    f"{stem}is{tail}": f"{stem}iz{tail}"
    for stem in _IZED
    for tail in ("e", "es", "ed", "er", "ers", "ing", "ation", "ations")
}
SLIPS = {f"{verb}nt": (verb, "not") for verb in ("are", "did", "do", "does", "is", "was", "would")} | {
    "cant": ("can", "not")
}
LOOSE = table("""
ascending asc | descending desc | maximum max | minimum min | string str | integer int | boolean bool | function
func fn | percent % pct | development dev | production prod | application app | applications apps | database db |
databases dbs | character char | number num nr | message msg | messages msgs | seconds secs sec | minutes mins |
hours hrs | hour hr | kilometers km kms | kilometer | kilograms kg kgs | centimeters cm | pounds lbs lb | utf8 utf-8
| without w/o wo w/out | with w/ | before b4 | you u | are r | your ur | because bc cuz | please pls plz | people
ppl | what wat waht wht | how hw hwo | except exept execpt excpt | enable turn_on switch_on turned_on | disable
turn_off switch_off turned_off | temperature temp | calculate calc | difference diff | differences diffs | average
avg | celsius c_degrees | postgresql pg psql | kubernetes kube | html html5 | css css3 | javascript ecmascript
| directory dir | directories dirs | pr pull_request | prs pull_requests | xaxis x-axis x_axis | yaxis y-axis y_axis
""")
_COUNTED = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {
    **{word: str(value) for value, word in enumerate(_COUNTED, start=2)},
    "fifteen": "15",
    "twenty": "20",
    "thirty": "30",
    "fifty": "50",
    "hundred": "100",
    "thousand": "1000",
}
"""``one`` is a pronoun as often as a number, and left out."""

QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
"""Typographic quotation marks and the hard space, as they are on keyboards."""
_SPELLED = table("""
- \u2013 \u2014 | ... \u2026 | -> \u2192 | <= \u2264 | >= \u2265 | != \u2260 | 2 \u00b2 | 3 \u00b3
| infinity \u221e | pi \u03c0 | theta \u0398 \u03b8 | omega \u03a9 | alpha \u03b1 | beta \u03b2
| lambda \u03bb | sigma \u03a3 \u03c3 | mu \u03bc \u00b5
""")
_APART = {"\u00b0": " degrees ", "\u20ac": " euro ", "\u00a3": " pound "}
"""Written right beside a number."""
SIGNS = {
    **QUOTES,
    **{ord(sign): spelled for sign, spelled in (_SPELLED | _APART).items()},
}
"""Signs that people write out as often as not."""
