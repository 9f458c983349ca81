"""Opposites and rivals: words of which only one can be meant. ``add`` and ``append`` stand on one side because a
synonym must never refuse; a pair of which either may turn up in any wording (``in`` and ``out``) stands nowhere.

`OPPOSITES` held in any wording. `RIVALS` held only where the questions share half of their other words: people also
tell what they did before (``I removed X``) or what they see (``a list of strings``).
"""

_OPPOSITES = """
ascending | descending
increase raise grow enlarge increasing raising | decrease reduce lower shrink decreasing reducing lowering
maximum largest biggest highest longest greatest | minimum smallest lowest shortest
first | last
first | third
upper uppercase uppercased | lowercase lowercased
encode encoding encodes | decode decoding decodes
encrypt encrypting encrypts encryption | decrypt decrypting decrypts decryption
upload uploading uploads | download downloading downloads
install installing | uninstall uninstalling
connect connecting | disconnect disconnecting
serialize serializing serialization | deserialize deserializing deserialization
add adding append insert | remove removing removes delete deleting deletes
load loading | save saving
source src | destination dest
horizontal horizontally | vertical vertically
public | private
internal | external
shallow | deep
singly | doubly
inclusive | exclusive
split splitting | concatenate join joining merge merging combine
average | median
positive | negative
daily | weekly
daily | monthly
weekly | monthly
monthly | yearly annually
temporary temporarily | permanent permanently
optional | mandatory
mutable | immutable
signed | unsigned
stateless | stateful
synchronous synchronously | asynchronous asynchronously
lazy | eager
rename renaming | copy copying
subscribe | unsubscribe
mount | unmount
mute | unmute
legal | illegal
possible | impossible
odd | even
hot | cold
strong | weak
left | right
top | bottom
inner | outer
relative | absolute
push pushing | pull pulling
fetch | pull
merge merging | rebase rebasing
float | integer
staging | production
staging | development
image images | video videos
"""
_RIVALS = """
today | yesterday
today | tomorrow
yesterday | tomorrow
morning | evening night
daily | nightly
hourly | daily
prefix | suffix
buy | sell
before | during
during | after
text | image
files | directories
one | all every each
import imports importing | export exports exporting
enable enables enabling activate | disable disables disabling deactivate
start starting starts launch | stop stopping stops halt kill terminate
open opening opens | close closing closes
show showing shows display | hide hiding hides
read reading reads | write writing writes
send sending sends | receive receiving receives
client clients | server servers
input inputs | output outputs
row rows | column columns
oldest | newest
local locally | remote remotely
global globally | local locally
static | dynamic
include including | exclude excluding except
allow allowing permit | block deny forbid prevent disallow
accept | reject
forward | backward
always | never
sum total | average median
min minimum | average
set | unset
success | failure
pass | fail
true | false
single | multiple
single | double
manual manually | automatic automatically
optional | required
create creating | delete deleting remove removing
update | delete
insert | update
copy copying | move moving
commit | push
clone | fetch
clone | pull
keep | delete remove drop
host hosts | container containers
request requests | response responses
key keys | value values
name names | value values
index | value
list lists | string strings
list lists | dictionary dictionaries
string strings | array arrays
array arrays | object objects
line lines | character characters
word words | character characters
line lines | word words
class classes | function functions
class classes | instance instances
table tables | database databases
table tables | view views
branch branches | tag tags
branch branches | repository repositories
user users | group groups
parent parents | child children
with | without
iteratively iterative | recursively recursive
safe | unsafe
online | offline
create creating | restore
"""


def _sides(rows: str) -> dict[str, tuple[tuple[int, int], ...]]:
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    for axis, row in enumerate(rows.strip().splitlines()):
        for side, words in enumerate(row.split("|")):
            for word in words.split():
                found[word] = (*found.get(word, ()), (axis, side))
    return found


OPPOSITES = _sides(_OPPOSITES)
"""A word to its axes, each with the side (0 or 1) it stands on."""
RIVALS = _sides(_RIVALS)
