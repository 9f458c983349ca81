"""Whether an answer hangs on the moment it is asked: the word *and* its sense.

``latest``, ``current``, ``today`` and ``now`` alone say nothing: *the current directory*, *the latest file in a
folder*, *now, how do I …*, *orders of today* in a query are asked alike every day. A question on how to do something
is about the way, not about the moment (``how do I get today's date in Python?``). Code is never looked into.
"""

import re

from reflexd_core.meaning.lexicon import QUOTES
from reflexd_core.meaning.names import NAMES

_HINTS = (
    *(
        "latest",
        "newest",
        "recent",
        "current",
        "today",
        "tonight",
        "tomorrow",
        "yesterday",
        "last night",
        "now",
        "live",
    ),
    *(
        "real-time",
        "up-to-date",
        "this w",
        "this m",
        "this year",
        "time is it",
        "until",
        " till ",
        "moment",
        "these days",
    ),
    *("price", "worth of", "value of", "day is it", "date is it", "month is it", "year is it", "how many"),
    *(
        " rain",
        " snow",
        "weather",
        " down",
        "stock",
        "share",
        "usd",
        "eur",
        "gbp",
        "jpy",
        "inr",
        "cny",
        "chf",
        "aud",
        "cad",
        "dollar",
        "yen",
        "rupee",
        "time in",
    ),
)
"""Without one of these no pattern matches; most questions have none."""

_WAY = re.compile(
    r"\b(?:how (?:do|can|to|does|would|should|could|did)|function|script|query|regex|code|command|program|formula"
    r"|class|method|component|endpoint|select|write|implement|print|parse|format|compute|sql|python|javascript|typescript"
    r"|java|bash|excel|pandas|git|curl|api|cron|linux|csharp|php|ruby|golang|powershell|terminal)\b"
    r"|^(?:upgrade|update|install|pull) "
)
"""What is asked for is a way to do it."""

_SUBJECT = (
    r"(?:prices?|stock(?: price)?|exchange rates?|interest rates?|mortgage rates?|inflation(?: rate)?"
    r"|unemployment(?: rate)?|market cap(?:itali[sz]ation)?|weather|forecast|temperature (?:in|outside)|news"
    r"|headlines|standings|president|prime minister|chancellor|ceo|pope|king|queen|mayor|governor|champions?"
    r"|population|world record|record holder|minimum wage|events|situation|trends|polls?|job market)"
)
_NEW = r"(?:latest|newest|most recent|current|today's|tonight's|this week's|live|real[- ]time|up[- ]to[- ]date)"
_NOW = (
    r"(?:today|tonight|tomorrow|right now|now|currently|at the moment"
    r"|this (?:week|weekend|morning|afternoon|evening))"
)
_TOLD_DAILY = r"(?:weather|forecast|news|price|stock|traffic|exchange rate|temperature|standings)"
_FEAST = (
    r"(?:christmas|xmas|halloween|thanksgiving|easter|new year|ramadan|eid|diwali|summer|winter|spring|autumn|january"
    r"|february|april|june|july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday|the (?:election|olympics|world cup|super bowl|end of|next|weekend)|\d)"
)
_MONEY = r"(?:usd|eur|gbp|jpy|inr|cny|chf|aud|cad|(?:us )?dollars?|euros?|yen|rupees?)"
_STATE = r"(?:stable|lts|major|minor|official|beta|public|released)"
_ANYONES = r"(?:an?|my|this|that|each|every|your|our|its|all|the (?:file|document|record|row|same|repo))"

_ALWAYS = re.compile(
    rf"\b(?:latest|newest|most recent|current) (?:{_STATE} ){{0,3}}(?:version|release)(?: number)? of "
    rf"(?!{_ANYONES}\b)"
    r"|\bwhat (?:time|day|date|year|month) is (?:it|today)\b(?! going)"
    r"|\bwhat is (?:today's date|the (?:current )?(?:time|date) (?:now|today|in))\b"
    r"|\bwho won\b[^.?!]{0,60}\b(?:yesterday|last night|today)\b"
    rf"|\bhow many (?:days|weeks|hours|months) (?:are )?(?:there )?(?:left )?(?:until|till|to) {_FEAST}\b"
    r"|\b(?:open|closed|happening|trending|playing|on tv|on sale) (?:today|tonight|tomorrow|right now)\b"
    r"|\bas of (?:now|today)\b"
    r"|^(?:(?:what|which) is )?(?:the )?(?:latest|newest|current) [\w.+#-]{1,40} (?:version|release)\W*$"
)
"""Whatever else is asked."""
_UNLESS_WAY = re.compile(
    rf"\b{_NEW} (?:[\w.$%-]{{1,40}} ){{0,3}}{_SUBJECT}\b"
    rf"|\b{_TOLD_DAILY}\b[^.?!]{{0,40}}\b{_NOW}\b|\b{_NOW}\b[^.?!]{{0,40}}\b{_TOLD_DAILY}\b"
    r"|\b(?:latest|newest|current) (?:[\w.+#-]{1,40} ){1,3}(?:version|release)\b(?! (?:of|history|control))"
    r"|\b[\w.+#-]{1,40} (?:latest|newest|current) (?:stable |lts )?(?:version|release)\b(?! of)"
    r"|\b(?:price|value|worth) of (?:bitcoin|btc|ethereum|eth|gold|silver|oil|brent|copper)\b"
    r"|\b(?:bitcoin|btc|ethereum|gold|oil) price\b"
    r"|\b(?:what|who|which|where)\b[^.?!]{0,60}\b(?:right now|at (?:the|this) moment|these days|nowadays)\b"
    r"|\bwho is (?:the )?current(?:ly)?\b(?! an? )"
    rf"|\b(?:will|going to) (?:it )?(?:rain|snow)(?= (?:in|on|at|later|here|next)\b| {_NOW}|\W*$)"
    r"|\bis it (?:raining|snowing)\b"
    r"|\bwhat is the weather(?: going to be)?(?: like)?\W*$"
    r"|^is [\w.]{1,40} down(?: (?:right now|now|today|for everyone|again))?\W*$"
    r"|^(?:what is (?:the )?)?(?!an? )[\w&.]{1,40}(?:'s)? (?:stock|share) price\W*$"
    r"|^how much is [\w&.]{1,40}(?:'s)? (?:stock|share)\b"
    rf"|\b{_MONEY} (?:to|in|into) {_MONEY}\b"
    r"|^(?:what are (?:the )?)?(?:stock|gas|petrol|fuel|oil|gold) prices\W*$"
)
_PLACE_TIME = re.compile(r"^(?:what is (?:the )?)?(?:current |local )+time in (?:the )?(\w{1,40})")
"""*Current time in Tokyo*, but not *in Ruby*."""

_CODE = re.compile(
    r"(?:`{3,}+|~{3,}+).*?(?:`{3,}+|~{3,}+|\Z)|`[^`\n]{1,400}`|\"[^\"\n]{1,400}\"|(?<![\w'])'[^'\n]{1,400}'(?!\w)",
    re.DOTALL,
)
_MARKS = frozenset("`~\"'")


def prose(question: str) -> str:
    """What is neither code nor quoted, in small letters, with single spaces; ``~`` stands for what was left out."""
    if not question.isascii():
        question = question.translate(QUOTES)
    if not _MARKS.isdisjoint(question):
        question = _CODE.sub(" ~ ", question)
    return " ".join(question.split()).lower().replace("what's", "what is").replace("who's", "who is")


def hangs_on_the_moment(text: str) -> bool:
    """For a question's `prose`."""
    if not any(hint in text for hint in _HINTS):
        return False
    if _ALWAYS.search(text) is not None:
        return True
    place = _PLACE_TIME.search(text)
    if place is not None and place.group(1) not in NAMES:
        return True
    return _UNLESS_WAY.search(text) is not None and _WAY.search(text) is None
