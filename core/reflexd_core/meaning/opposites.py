"""Opposites: words of which only one can be meant, in any wording. ``add`` and ``append`` stand on one side because a
synonym must never refuse; a pair of which either may turn up in any wording (``in`` and ``out``) stands nowhere.

Whether a row stands here or among the rivals was measured, on the half of the families that the guards were written
on (`packaging/models/measure_guards.py`).
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
buy buying | sell selling
enable enables enabling activate | disable disables disabling deactivate
oldest earliest | newest latest
create creating | delete deleting remove removing
sum total | average median
optional | required
set | unset
iteratively iterative | recursively recursive
expand expanding | collapse collapsing
compress compressing | decompress decompressing uncompress extract
lock locking | unlock unlocking
block blocking | unblock unblocking
attach attaching | detach detaching
indent indenting | dedent unindent outdent
escape escaping | unescape unescaping
wrap wrapping | unwrap unwrapping
upgrade upgrading | downgrade downgrading
append appending | prepend prepending
freeze freezing | thaw thawing defrost unfreeze
discard discarding | keep keeping
enqueue | dequeue
stdin | stdout
stdout | stderr
stdin | stderr
tcp | udp
ipv4 | ipv6
px | rem
width | height
margin margins | padding paddings
hover hovering | focus focused
sticky | fixed
flexbox flex | grid
checkbox checkboxes | radio
foreground | background
floor | ceil ceiling
leading | trailing
lookahead lookaheads | lookbehind lookbehinds
incoming inbound ingress | outgoing outbound egress
login | logout
next | previous
running | stopped exited
debug | release
debug | production
tracked | untracked
staged | unstaged
liveness | readiness
liveness | startup
readiness | startup
deployment deployments | statefulset statefulsets
configmap configmaps | secret secrets
volume volumes | image images
volume volumes | network networks
memory ram | cpu
cpu cpus | gpu gpus
process processes | thread threads
mutex mutexes | semaphore semaphores
heap | stack
queue queues | stack stacks
preorder | inorder
preorder | postorder
inorder | postorder
binary | hexadecimal hex
class classes | function functions
constructor constructors | destructor destructors
overload overloading | override overriding
tuple tuples | list lists
tuple tuples | dictionary dictionaries
filter filtering | map mapping
rename renaming | delete deleting
branch branches | tag tags
commit commits | tag tags
table tables | index indexes
header headers | cookie cookies
header headers | footer footers
cookie cookies | session sessions
authentication | authorization
encryption | hashing
maximum | average
precision | recall
overfitting overfit | underfitting underfit
supervised | unsupervised
gross | net
stock stocks | bond bonds
summer | winter
gain gaining | lose losing
rise rising | fall falling
son sons | daughter daughters
mother mom mum | father dad
man men | woman women
male | female
adult adults grown-up | child children kid kids baby babies toddler infant
symptom symptoms | treatment treat treating
acute | chronic
bacterial bacteria | viral virus
systolic | diastolic
hypertension | hypotension
hyperglycemia | hypoglycemia
hyperthyroidism | hypothyroidism
fastest | slowest
transpose transposing | reshape reshaping
screenshot screenshots | recording recordings
xaxis | yaxis
"""

Axes = dict[str, tuple[tuple[int, int], ...]]
"""A word to its axes, each with the side (0 or 1) it stands on."""


def sides(rows: str) -> Axes:
    """A row is an axis: the words of its one end, a bar, and those of the other."""
    found: Axes = {}
    for axis, row in enumerate(rows.strip().splitlines()):
        for side, words in enumerate(row.split("|")):
            for word in words.split():
                found[word] = (*found.get(word, ()), (axis, side))
    return found


OPPOSITES = sides(_OPPOSITES)
