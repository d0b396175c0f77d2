# ruff: noqa: D101, D103, ANN001 - see below: this is no Python that runs
"""The search and the passes over what it found, in the kernel language (:mod:`compiling`); never run as Python.

States are numbered in the order of their discovery, so levels are stretches of numbers. ``words`` holds their words one after
the other. ``table`` finds them: buckets of eight slots; a full bucket goes on in the next. A slot is 24 bits of the hash above
the number of the state plus one. During a search over states of less than 64 bits (KEYS) it is the state itself, under a bit that
says so: that is quicker, but does not number the states. Every comparison ends at the words themselves: the store is exact.

Work goes by batches: expand some states, hash all rows and fetch their buckets, fetch the states that the tags point to, and only
then look closely, when memory had the time to answer.
"""

PAUSED = 0  # why search() came back: the quota of states is used up,
FINISHED = 1  # everything up to ``stop`` is expanded,
FULL = 2  # there is no room for what a batch might find,
FOUND = 3  # something that was asked for was seen in the states from ``seen_from`` on

TICK = 1  # notes of rows, as in expansion
FAILED = 4
LONGEST = 4096  # reactions in one atomic step: more are taken for a livelock, which the interpreter then confirms

TAGS = 0xFFFFFF
PRESENT = 0x8000000000000000
INDEX = 0xFFFFFFFFFF
NOWHERE = 0xFFFFFFFF  # the target of a row that failed, or whose state was not discovered
ROW = WIDTH + 1  # noqa: F821 - words of a row: WIDTH of the state, one note


class Space:
    expand: Words
    react: Words
    truths: Words
    words: Words  # the states
    table: Words
    shift: Number  # 64 less the binary logarithm of the number of buckets
    slots: Number
    states: Number
    room: Number  # states that ``words`` has room for; half the slots of the table, or less
    next: Number  # the first state that is not expanded
    stop: Number
    transitions: Number
    rows_of_one: Number  # the most rows that a state has
    rows: Words  # the rows of a batch
    hashes: Words
    batch: Words  # the states of a batch
    begins: Words  # its rows, state by state
    targets: Words  # where they lead
    spare: Words  # a row for settle()
    units: Number
    wanted: Number  # predicates that are looked for; those that ask for events in wanted_on_arrival
    wanted_on_arrival: Number
    seen: Number  # those that were seen in the last batch; bit 63: a failure, bit 62: a state without rows
    seen_from: Number
    watched: Number  # whether failures, and states without rows, are looked for (bits 63 and 62)
    first: Words  # the graph: the edges of state i are first[i]..first[i+1]-1
    edges: Words  # target, and marks above bit 32
    offered: Halves  # the fairness groups of which a state has a step, as bits of notes
    order: Halves  # of components()
    low: Halves
    trail: Halves
    calls: Halves
    at: Words
    component: Halves
    from_state: Halves  # the entries of the front of overdue(), and of wave()
    age: Halves
    before: Halves
    best: Halves
    entries: Number
    entry: Number
    entries_room: Number


# ---- finding states


def hash_of(row: Words) -> Number:
    h = 0
    for i in range(WIDTH):
        h = (h ^ row[i]) * 0x9E3779B97F4A7C15
        h = h ^ (h >> 32)
    return h * 0xD6E8FEB86659FD93


def tag_of(h: Number) -> Number:
    """24 bits of a hash; never 0, which is the tag of an empty slot."""
    return (h & TAGS) | 1


def same(a: Words, b: Words) -> Number:
    differs = 0
    for i in range(WIDTH):
        differs = differs | (a[i] ^ b[i])
    return differs == 0


def find(s: Space, row: Words, h: Number) -> Number:
    """The number of a state, or -1 less the free slot where it would stand."""
    tag = tag_of(h)
    at = (h >> s.shift) * 8
    table = s.table
    words = s.words
    while 1:
        bucket = table + at
        hits = tagged(bucket, tag)
        while hits != 0:
            index = (bucket[lowest(hits)] & INDEX) - 1
            if same(words + index * WIDTH, row):
                return index
            hits = hits & (hits - 1)
        free = vacant(bucket)
        if free != 0:
            return -1 - at - lowest(free)
        at = at + 8
        if at == s.slots:
            at = 0
    return 0


def locate(s: Space, row: Words) -> Number:
    """The number of a state; negative, if it was not discovered."""
    return find(s, row, hash_of(row))


def rebuild(s: Space) -> Number:
    """Enter every state into an empty table."""
    i = 0
    words = s.words
    table = s.table
    hashes = s.hashes
    while i < s.states:
        count = s.states - i
        if count > BATCH:
            count = BATCH
        j = 0
        while j < count:
            h = hash_of(words + (i + j) * WIDTH)
            hashes[j] = h
            prefetch(table + (h >> s.shift) * 8)
            j += 1
        j = 0
        while j < count:
            h = hashes[j]
            at = (h >> s.shift) * 8
            free = vacant(table + at)
            while free == 0:
                at = at + 8
                if at == s.slots:
                    at = 0
                free = vacant(table + at)
            table[at + lowest(free)] = (tag_of(h) << 40) | (i + j + 1)
            j += 1
        i += count
    return 0


# ---- the set of states of less than 64 bits, while they are searched


def key_hash(key: Number) -> Number:
    h = key * 0x9E3779B97F4A7C15
    return (h ^ (h >> 32)) * 0xD6E8FEB86659FD93


def insert_key(s: Space, key: Number, h: Number) -> Number:
    """Put a state into the set; whether it was new."""
    at = (h >> s.shift) * 8
    table = s.table
    entry = key | PRESENT
    while 1:
        bucket = table + at
        if holding(bucket, entry) != 0:
            return 0
        free = vacant(bucket)
        if free != 0:
            bucket[lowest(free)] = entry
            return 1
        at = at + 8
        if at == s.slots:
            at = 0
    return 0


def rebuild_keys(s: Space) -> Number:
    """Put every state into an empty set."""
    i = 0
    words = s.words
    table = s.table
    hashes = s.hashes
    while i < s.states:
        count = s.states - i
        if count > BATCH:
            count = BATCH
        j = 0
        while j < count:
            h = key_hash(words[i + j])
            hashes[j] = h
            prefetch(table + (h >> s.shift) * 8)
            j += 1
        j = 0
        while j < count:
            insert_key(s, words[i + j], hashes[j])
            j += 1
        i += count
    return 0


def fetch_keys(s: Space, count: Number) -> Number:
    """As fetch()."""
    rows = s.rows
    hashes = s.hashes
    table = s.table
    shift = s.shift
    i = 0
    while i < count:
        h = key_hash(rows[i * ROW])
        hashes[i] = h
        prefetch(table + (h >> shift) * 8)
        i += 1
    return 0


# ---- successors


def successors(s: Space, state: Words, out: Words) -> Number:
    """Write the rows of a state; where they end."""
    end: Words = s.expand(state, out)
    if ATOMIC:
        row: Words = out
        while row < end:
            if (row[WIDTH] & FAILED) == 0:
                settle(s, row, s.spare)
            row = row + ROW
    return end


def settle(s: Space, row: Words, spare: Words) -> Number:
    """Run the reactions of a row's state, unit by unit, round by round, until none is enabled. More than LONGEST are an error."""
    unit = 0
    busy = 0
    ran = 0
    while unit < s.units:
        end: Words = s.react(row, unit, spare)
        if end == spare:
            unit += 1
            if unit == s.units and busy != 0:
                unit = 0
                busy = 0
        else:
            busy = 1
            ran += 1
            for i in range(WIDTH):
                row[i] = spare[i]
            row[WIDTH] = row[WIDTH] | spare[WIDTH]
            if ran > LONGEST:
                row[WIDTH] = row[WIDTH] | FAILED
            if (row[WIDTH] & FAILED) != 0:
                return 0
    return 0


# ---- search


def fetch(s: Space, count: Number) -> Number:
    """Hash the rows of a batch, and have memory bring what find() will want."""
    rows = s.rows
    hashes = s.hashes
    table = s.table
    words = s.words
    shift = s.shift
    i = 0
    while i < count:
        h = hash_of(rows + i * ROW)
        hashes[i] = h
        prefetch(table + (h >> shift) * 8)
        i += 1
    i = 0
    while i < count:
        h = hashes[i]
        bucket: Words = table + (h >> shift) * 8
        hits = tagged(bucket, tag_of(h))
        if hits != 0:
            index = (bucket[lowest(hits)] & INDEX) - 1
            prefetch(words + index * WIDTH)
        i += 1
    return 0


def search(s: Space, quota: Number) -> Number:
    """Expand states in order, up to ``stop``; see the constants above for why it comes back."""
    left = quota
    while s.next < s.stop:
        if left <= 0:
            return PAUSED
        count = s.stop - s.next
        if count > BATCH:
            count = BATCH
        if s.states + count * s.rows_of_one > s.room:
            if s.states + s.rows_of_one > s.room:
                return FULL
            count = (s.room - s.states) // s.rows_of_one
            if count > s.stop - s.next:
                count = s.stop - s.next
        rows = s.rows
        out: Words = rows
        row: Words = rows
        states: Words = s.words + s.next * WIDTH
        seen = 0
        i = 0
        while i < count:
            after: Words = successors(s, states, out)
            if after == out:
                seen = seen | (1 << 62)
            out = after
            if s.wanted != 0:
                seen = seen | (s.truths(states, 0) & s.wanted)
            states = states + WIDTH
            i += 1
        number = (out - rows) // (8 * ROW)
        if KEYS:
            fetch_keys(s, number)
        else:
            fetch(s, number)
        s.transitions = s.transitions + number
        hashes = s.hashes
        known = s.states
        i = 0
        while i < number:
            note = row[WIDTH]
            if (note & FAILED) != 0:
                seen = seen | (1 << 63)
            else:
                if s.wanted_on_arrival != 0:
                    seen = seen | (s.truths(row, note) & s.wanted_on_arrival)
                h = hashes[i]
                fresh: Words = s.words + known * WIDTH
                if KEYS:
                    if insert_key(s, row[0], h) != 0:
                        fresh[0] = row[0]
                        known += 1
                else:
                    at = find(s, row, h)
                    if at < 0:
                        for j in range(WIDTH):
                            fresh[j] = row[j]
                        slot = -1 - at
                        known += 1
                        table = s.table
                        table[slot] = (tag_of(h) << 40) | known
                        s.states = known
            row = row + ROW
            i += 1
        s.states = known
        s.next = s.next + count
        left -= count
        seen = seen & (s.wanted | s.wanted_on_arrival | s.watched)
        if seen != 0:
            s.seen = seen
            s.seen_from = s.next - count
            return FOUND
    return FINISHED


# ---- passes over the states that were found


def resolve(s: Space, count: Number) -> Number:
    """Expand the states of ``batch``: their rows, where those begin, and the numbers of the states they lead to."""
    rows = s.rows
    out: Words = rows
    batch = s.batch
    begins = s.begins
    i = 0
    while i < count:
        begins[i] = (out - rows) // (8 * ROW)
        out: Words = successors(s, s.words + batch[i] * WIDTH, out)
        i += 1
    number = (out - rows) // (8 * ROW)
    begins[count] = number
    fetch(s, number)
    hashes = s.hashes
    targets = s.targets
    i = 0
    while i < number:
        row: Words = rows + i * ROW
        targets[i] = NOWHERE
        if (row[WIDTH] & FAILED) == 0:
            at = find(s, row, hashes[i])
            if at >= 0:
                targets[i] = at
        i += 1
    return number


def trim(s: Space, alive: Bytes, start: Number, end: Number, which: Number, value: Number) -> Number:
    """Among ``start``..``end``-1, the last first: keep a state if a row with ``note & which == value`` leads to one that is kept.

    How many went. Repeated until none goes, those are left from which such rows can be followed for ever.
    """
    removed = 0
    at = end
    batch = s.batch
    begins = s.begins
    targets = s.targets
    rows = s.rows
    while at > start:
        count = 0
        while at > start and count < BATCH:
            at -= 1
            if alive[at] != 0:
                batch[count] = at
                count += 1
        resolve(s, count)
        i = 0
        while i < count:
            stays = 0
            r = begins[i]
            while r < begins[i + 1]:
                row: Words = rows + r * ROW
                if (row[WIDTH] & which) == value and targets[r] != NOWHERE:
                    if alive[targets[r]] != 0:
                        stays = 1
                        break
                r += 1
            if not stays:
                alive[batch[i]] = 0
                removed += 1
            i += 1
    return removed


def confine(s: Space, member: Bytes, start: Number, end: Number) -> Number:
    """Among ``start``..``end``-1, the last first: keep a state if none of its rows is a tick, or leads to one that is no member. How many went."""
    removed = 0
    at = end
    batch = s.batch
    begins = s.begins
    targets = s.targets
    rows = s.rows
    while at > start:
        count = 0
        while at > start and count < BATCH:
            at -= 1
            if member[at] != 0:
                batch[count] = at
                count += 1
        resolve(s, count)
        i = 0
        while i < count:
            leaves = 0
            r = begins[i]
            while r < begins[i + 1]:
                row: Words = rows + r * ROW
                if (row[WIDTH] & TICK) != 0:
                    leaves = 1
                elif targets[r] != NOWHERE:
                    if member[targets[r]] == 0:
                        leaves = 1
                r += 1
            if leaves:
                member[batch[i]] = 0
                removed += 1
            i += 1
    return removed


def parent(s: Space, start: Number, end: Number, state: Number) -> Number:
    """The first among the states ``start``..``end``-1 that has a row leading to a state; ``end`` if none has."""
    wanted: Words = s.words + state * WIDTH
    at = start
    while at < end:
        row: Words = s.rows
        after: Words = successors(s, s.words + at * WIDTH, row)
        while row < after:
            if (row[WIDTH] & FAILED) == 0:
                if same(row, wanted):
                    return at
            row = row + ROW
        at += 1
    return end


def link(s: Space, member: Bytes, start: Number, end: Number, shift: Number, room: Number) -> Number:
    """Write the edges of the members among ``start``..``end``-1; where it stopped, for want of room in ``edges``.

    Marks: the lower 16 bits of the note, and above them which of 15 predicates from ``shift`` on hold on arrival.
    """
    batch = s.batch
    begins = s.begins
    targets = s.targets
    rows = s.rows
    first = s.first
    edges = s.edges
    offered = s.offered
    at = start
    while at < end:
        edge = first[at]
        if edge + BATCH * s.rows_of_one > room:
            return at
        count = 0
        while at + count < end and count < BATCH:
            batch[count] = at + count
            count += 1
        resolve(s, count)
        i = 0
        while i < count:
            offers = 0
            r = begins[i]
            while r < begins[i + 1]:
                row: Words = rows + r * ROW
                note = row[WIDTH]
                offers = offers | (note & 0xFFFF)
                if targets[r] != NOWHERE and member[at] != 0:
                    marks = (note & 0xFFFF) | (((s.truths(row, note) >> shift) & 0x7FFF) << 16)
                    edges[edge] = targets[r] | (marks << 32)
                    edge += 1
                r += 1
            if GROUPS:
                offered[at] = offers
            at += 1
            first[at] = edge
            i += 1
    return at


# ---- the graph


def seed(s: Space, member: Bytes, upto: Number, which: Number, value: Number) -> Number:
    """Make members of all states that an edge with ``marks & which == value`` leads to."""
    first = s.first
    edges = s.edges
    e = 0
    while e < first[upto]:
        edge = edges[e]
        if ((edge >> 32) & which) == value:
            member[edge & NOWHERE] = 1
        e += 1
    return 0


def spread(s: Space, member: Bytes, upto: Number, which: Number, value: Number) -> Number:
    """Make members of all that edges with ``marks & which == value`` reach from members; how many joined."""
    first = s.first
    edges = s.edges
    trail = s.trail
    depth = 0
    joined = 0
    i = 0
    while i < upto:
        if member[i] != 0:
            trail[depth] = i
            depth += 1
        i += 1
    while depth > 0:
        depth -= 1
        node = trail[depth]
        e = first[node]
        while e < first[node + 1]:
            edge = edges[e]
            target = edge & NOWHERE
            if ((edge >> 32) & which) == value and member[target] == 0:
                member[target] = 1
                trail[depth] = target
                depth += 1
                joined += 1
            e += 1
    return joined


def components(s: Space, member: Bytes, upto: Number, which: Number, value: Number) -> Number:
    """Strongly connected components of the members, along edges with ``marks & which == value``; their number.

    R. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1(2), 1972. ``component[i]`` is the number of
    state i's component, from 1; 0 for what is no member. ``order`` must be 0.
    """
    first = s.first
    edges = s.edges
    order = s.order
    low = s.low
    trail = s.trail
    calls = s.calls
    at = s.at
    component = s.component
    clock = 0
    held = 0
    number = 0
    root = 0
    while root < upto:
        if member[root] != 0 and order[root] == 0:
            clock += 1
            order[root] = clock
            low[root] = clock
            at[root] = first[root]
            trail[held] = root
            held += 1
            calls[0] = root
            depth = 1
            while depth > 0:
                node = calls[depth - 1]
                e = at[node]
                if e < first[node + 1]:
                    at[node] = e + 1
                    edge = edges[e]
                    target = edge & NOWHERE
                    if ((edge >> 32) & which) == value and member[target] != 0:
                        if order[target] == 0:
                            clock += 1
                            order[target] = clock
                            low[target] = clock
                            at[target] = first[target]
                            trail[held] = target
                            held += 1
                            calls[depth] = target
                            depth += 1
                        elif component[target] == 0 and order[target] < low[node]:
                            low[node] = order[target]
                else:
                    depth -= 1
                    if depth > 0:
                        parent = calls[depth - 1]
                        if low[node] < low[parent]:
                            low[parent] = low[node]
                    if low[node] == order[node]:
                        number += 1
                        while 1:
                            held -= 1
                            inside = trail[held]
                            component[inside] = number
                            if inside == node:
                                break
        root += 1
    return number


def summarise(s: Space, member: Bytes, upto: Number, which: Number, value: Number, marks: Halves, offers: Halves) -> Number:
    """For each component: the marks of its inner edges (0: it has none, so no cycle), and the groups that all its states offer."""
    first = s.first
    edges = s.edges
    component = s.component
    offered = s.offered
    i = 0
    while i < upto:
        mine = component[i]
        if mine != 0:
            if GROUPS != 0:
                offers[mine] = offers[mine] & offered[i]
            e = first[i]
            while e < first[i + 1]:
                edge = edges[e]
                if ((edge >> 32) & which) == value and component[edge & NOWHERE] == mine:
                    marks[mine] = marks[mine] | (edge >> 32) | 0x80000000
                e += 1
        i += 1
    return 0


def expel(s: Space, member: Bytes, upto: Number, verdicts: Halves) -> Number:
    """Keep as members the states whose component has a verdict other than NOWHERE and that offer none of its groups."""
    component = s.component
    offered = s.offered
    left = 0
    i = 0
    while i < upto:
        stays = 0
        if component[i] != 0:
            verdict = verdicts[component[i]]
            if verdict != NOWHERE:
                if GROUPS:
                    stays = (offered[i] & verdict) == 0
        member[i] = stays
        left += stays
        i += 1
    return left


def member_of(s: Space, upto: Number, number: Number, which: Number) -> Number:
    """The first state of a component that offers none of the groups ``which``; -1 if there is none."""
    component = s.component
    offered = s.offered
    i = 0
    while i < upto:
        if component[i] == number:
            if which == 0:
                return i
            if (offered[i] & which) == 0:
                return i
        i += 1
    return -1


def offers_of(s: Space, upto: Number, number: Number, which: Number) -> Number:
    """Whether some state of a component offers one of the groups ``which``."""
    component = s.component
    offered = s.offered
    i = 0
    while i < upto:
        if component[i] == number:
            if (offered[i] & which) != 0:
                return 1
        i += 1
    return 0


def wave(s: Space, inside: Number, enter: Number, entering: Number, which: Number, value: Number, goal: Number) -> Number:
    """A shortest way from the ``entries`` of ``from_state``, by edges with ``marks & which == value``, within a component (0: any).

    Entries of ``age`` 0 go by any edge first, and have age 1 behind one with ``marks & enter == entering``; so have those that
    begin with age 1. The way ends at the state ``goal`` with age 1; or, if ``goal`` is NOWHERE, behind an edge that entered.
    Returns the entry at its end, -1 if there is no way; ``before`` leads back. ``best`` must be 0.
    """
    first = s.first
    edges = s.edges
    component = s.component
    from_state = s.from_state
    before = s.before
    age = s.age
    best = s.best
    entries = s.entries
    entry = 0
    while entry < entries:
        node = from_state[entry]
        layer = age[entry]
        e = first[node]
        while e < first[node + 1]:
            edge = edges[e]
            target = edge & NOWHERE
            marks = edge >> 32
            allowed = 1
            if inside != 0:
                allowed = component[target] == inside
            if allowed:
                enters = (marks & enter) == entering
                goes = (marks & which) == value
                if layer == 0:
                    if enters and (best[target] & 2) == 0:
                        best[target] = best[target] | 2
                        from_state[entries] = target
                        before[entries] = entry
                        age[entries] = 1
                        entries += 1
                        if goal == NOWHERE or target == goal:
                            return entries - 1
                    if (best[target] & 1) == 0:
                        if goal != NOWHERE or goes:
                            best[target] = best[target] | 1
                            from_state[entries] = target
                            before[entries] = entry
                            age[entries] = 0
                            entries += 1
                elif goes and (target == goal or (best[target] & 2) == 0):
                    best[target] = best[target] | 2
                    from_state[entries] = target
                    before[entries] = entry
                    age[entries] = 1
                    entries += 1
                    if target == goal:
                        return entries - 1
            e += 1
        entry += 1
    return -1


def overdue(s: Space, starts: Number, stops: Number, once: Number, bound: Number, quota: Number) -> Number:
    """Go on with an observer that counts ticks; see :mod:`verify.engines.explicit.safety` for why no shortest violation is lost.

    Ages are stored as 1 for an idle observer and n + 2 for one that has waited n ticks; 0: not met. Comes back FINISHED, PAUSED,
    FULL (of entries), or FOUND: then ``entry`` is the one before the violation.
    """
    batch = s.batch
    begins = s.begins
    targets = s.targets
    rows = s.rows
    best = s.best
    left = quota
    while s.entry < s.entries:
        if left <= 0:
            return PAUSED
        count = s.entries - s.entry
        if count > BATCH:
            count = BATCH
        if s.entries + count * s.rows_of_one > s.entries_room:
            return FULL
        from_state = s.from_state
        ages = s.age
        i = 0
        while i < count:
            batch[i] = from_state[s.entry + i]
            i += 1
        resolve(s, count)
        i = 0
        while i < count:
            age = ages[s.entry + i]
            r = begins[i]
            while r < begins[i + 1]:
                target = targets[r]
                row: Words = rows + r * ROW
                note = row[WIDTH]
                if (note & FAILED) == 0:
                    now = age
                    if age > 1:
                        now = age + (note & TICK)
                        if now - 2 > bound:
                            s.entry = s.entry + i
                            return FOUND
                    if target != NOWHERE:
                        truth = s.truths(row, note)
                        if (truth >> stops) & 1 != 0:
                            now = 1
                        elif now == 1 and once == 0:
                            if (truth >> starts) & 1 != 0:
                                now = 2
                        if now > best[target]:
                            best[target] = now
                            at = s.entries
                            from_state[at] = target
                            ages[at] = now
                            before = s.before
                            before[at] = s.entry + i
                            s.entries = at + 1
                r += 1
            i += 1
        s.entry = s.entry + count
        left -= count
    return FINISHED
