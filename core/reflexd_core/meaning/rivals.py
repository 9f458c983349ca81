"""Rivals: words of which only one can be meant where the questions are otherwise alike. In another wording either may
turn up: people also tell what they did before (``I removed X``) or what they see (``a list of strings``).

`RIVALS` held where the questions share a third of their words, `CLOSE` where they share half of them.
"""

from reflexd_core.meaning.opposites import sides

_RIVALS = """
yesterday | tomorrow
morning | evening night
daily | nightly
hourly | daily
text | image
import imports importing | export exports exporting
start starting starts launch | stop stopping stops halt kill terminate
open opening opens | close closing closes
read reading reads | write writing writes
send sending sends | receive receiving receives
client clients | server servers
input inputs | output outputs
row rows | column columns
local locally | remote remotely
global globally | local locally
static | dynamic
include including | exclude excluding except
allow allowing permit | block deny forbid prevent disallow
accept | reject
forward | backward
always | never
min minimum | average
success | failure
pass | fail
single | double
update | delete
insert | update
copy copying | move moving
commit | push
clone | fetch
clone | pull
keep | delete remove drop
host hosts | container containers
index | value
array arrays | object objects
class classes | instance instances
table tables | view views
branch branches | repository repositories
user users | group groups
parent parents | child children
safe | unsafe
online | offline
input | textarea
zip zipping | unzip unzipping
word words | sentence sentences
string strings | byte bytes
string strings | boolean booleans
integer integers | boolean booleans
list lists | set sets
tuple tuples | set sets
array arrays | map maps
struct structs | enum enums
struct structs | class classes
interface interfaces | class classes
row rows | cell cells
first | second
second | last
last | next
get | post
post | put
put | patch
inner | left right full
left | full
left | center
right | center
file files | commit commits
stash stashing | commit committing
branch branches | remote remotes
tag tags | release releases
namespace namespaces | pod pods
bucket buckets | file files
bucket buckets | directory
bucket buckets | object objects
queue queues | topic topics
snapshot snapshots | volume volumes
port ports | host hosts
cookie | token
background | border borders
install installing | update updating upgrade
find finding | replace replacing
replace replacing | remove removing
count counting | remove removing
delete deleting | archive archiving
delete deleting | restore restoring recover
backup | restore restoring
sort sorting | filter filtering
sort sorting | group grouping
sort sorting | reverse
group grouping | filter filtering
split splitting | replace replacing
print printing | return returning
return returning | throw raise
parse parsing | format formatting
test testing | debug debugging
insert inserting | delete deleting
minimum | average
profit | loss
profit | revenue
doctor doctors | nurse nurses
winner winners | loser losers
win winning | lose losing
rent renting | buy buying
arrival arrivals arrive arrives arriving | departure departures depart departs departing
symptom symptoms | cause causes
cause causes | treatment treat
dog dogs puppy | cat cats kitten
photo photos | video videos
photo photos | contact contacts
password passwords | username usernames
fresh | frozen
warm | cold
list lists | map maps
inside | outside
class classes | method methods
older | newer
above | below
soft | hard
file files | string strings
change | remove removing delete deleting
rename renaming | create creating
list listing | delete deleting
show showing | delete deleting
move moving | delete deleting
sum | count
highest largest | average
cheapest | fastest
oldest | youngest
"""
_CLOSE = """
today | yesterday
today | tomorrow
before | during
during | after
files | directories
one | all every each
show showing shows display | hide hiding hides
single | multiple
manual manually | automatic automatically
request requests | response responses
name names | value values
list lists | string strings
list lists | dictionary dictionaries
table tables | database databases
with | without
line lines | character characters
word words | character characters
line lines | word words
prefix | suffix
true | false
create creating | restore
first | all every
digit digits | letter letters
file files | directory directories
commit commits | branch branches
string strings | array arrays
string strings | number numbers
find finding | remove removing delete deleting
key keys | value values
string strings | object objects
most | least
best | worst
employee employees | manager managers
"""

RIVALS = sides(_RIVALS)
CLOSE = sides(_CLOSE)
