/* Allocator hook of the capture script: writes every allocation and free of the three CPython domains into a
   preallocated buffer. Freestanding and position-independent, no data section, no external call: its machine code is
   embedded in preforklab_capture.py, so that a capture needs no compiler. build_alloc_trace.py compiles and embeds it.

   The collector's generation 0 counter is noted at each entry: gc_alloc() increments it after the allocation,
   PyObject_GC_Del() decrements it before the free, so the difference between two events tells GC objects apart. The next entry also finds the object's
   type in place and notes it: the word behind the reference count, if the block begins with a GC head (whether it does, the reader
   of the events finds out: a free in between may have put the counter down again).

   Objects that the interpreter takes from its free lists, or puts there, never come here; how long each list is does: a
   length that has changed since the last event is noted as an event of its own before the next one. Or, while an application
   loads, they are kept empty: what lies there is noted as dead and freed, so that each object is made by an allocation.

   Who asks for a block while free lists are kept empty is noted with it: list(...) and dict(...) do not look at the free lists as [...]
   and {...} do, and some releases allocate for them at another place. So does the copy of an instance's dict, at the same place: what
   returns to it is told by the word `above` the return address on the stack, and noted as the complement.

   When a collection is over, of the blocks made since the one before those are noted whose GC head says that they are on no
   list of the collector (size: 1 if they were on none before it): tuples that it untracked, dicts that were never tracked. The block
   whose allocation started it is in the making; what becomes of it the next one tells.

   While requests are recorded, dicts, tuples and frames that are on no list of the collector when the next event comes (OP_UNTRACKED)
   are looked at before each further event until they are on one (OP_TRACKED) or gone; a tuple, until all its items are there: if
   none of them may ever be part of a cycle, a collection will take it off the lists (OP_ATOMIC), but only after the tuples in it
   that are on them (OP_HOLDS, size: the address of such a one). */
typedef unsigned long word;

enum { OP_ALLOC, OP_FREE, OP_MOVED_FROM, OP_MOVED_TO, OP_FREE_LIST, OP_SHELVED, OP_UNTRACKED, OP_TRACKED, OP_ATOMIC, OP_HOLDS, OP_RESIZED, OP_COLLECTED, OP_WAITS };

struct event { word address, size; unsigned kind; int count0; word type; }; /* kind: op | domain << 8 | caller << 16, or | number of the free list << 8 */

/* a free list to be kept empty: an array of objects, or the first of a chain through their first items (tuples); what has lain there
   since before a collection stays while this goes on */
struct shelf { volatile int *length; word *objects; word chained; int stays; };

struct domain;

struct state { struct event *events; word capacity, used, dropped, depth; volatile int *count0; word gc_head; struct event *open;
               word lists; const volatile int **lengths; int *noted;
               word shelves; struct shelf *shelf; struct domain *objects;
               volatile int *collecting; volatile int *count2; volatile word *long_lived_total; word steady;
               word *recent, recents, recents_max, due;
               word *fresh, freshes, freshes_max, dict, tuple, frame;
               word every, collections, partly, *marker; int moved;
               word resizes;                                              /* whether to note those that a realloc leaves in place, too */
               word reach, marked, *second;
               word through, above, bypass, *stacks;
               word apart, inside; };                                     /* collections come between two allocations; this is in one */
_Static_assert(sizeof(struct state) == 8 * STATE_WORDS, "Tracer.STATE_WORDS of preforklab_capture.py");
_Static_assert(__builtin_offsetof(struct state, resizes) == RESIZES, "RESIZES of child_trace.py");

struct allocator {                                                        /* = PyMemAllocatorEx */
  void *ctx;
  void *(*malloc)(void *, word);
  void *(*calloc)(void *, word, word);
  void *(*realloc)(void *, void *, word);
  void (*free)(void *, void *);
};

struct domain { struct state *state; struct allocator base; word number; };

#define HOOK __attribute__((visibility("hidden"), noinline, used))

#define CALLER caller(d, (const word *) __builtin_frame_address(0))

enum { STACKS = 64, STACK_WORDS = 32 };

enum { COUNT_BASE = 1 << 24 };

enum { REFCOUNT_MAX = 1 << 20 };                                          /* of an object that has just been made; below any address */

enum { SEEN_UNTRACKED = 1 };                                              /* in the address of a fresh block */

/* of a type: where its flags are, of which one says that its objects have a GC head, one that they are classes, and one of a
   class that it was made by a class statement: only then has it a GC head itself */
enum { TYPE_FLAGS = 168, HAVE_GC = 14, TYPE_SUBCLASS = 31, HEAP_TYPE = 9, NESTING_MAX = 8 };

static inline struct event *next_event(struct state *s) {
  if (s->used >= s->capacity) { s->dropped++; return 0; }
  return s->events + s->used++;
}

/* low bits of the address to which an allocation returns; `frame` is that of the allocator. With `stacks` the first words of the stack
   from that address on are kept, by the number of the event. */
static inline word caller(const struct domain *d, const word *frame) {
  const struct state *s = d->state;
  if (s->stacks && d->number == 2 && s->used < STACKS)
    for (word i = 0; i < STACK_WORDS; i++) ((volatile word *) s->stacks)[s->used * STACK_WORDS + i] = frame[1 + i];
  word back = frame[1];
  if (back == s->through && frame[1 + s->above] == s->bypass) back = ~back;
  return back & 0xffff;
}

/* blocks made since the last collection and not yet freed; with more than there is room for, the first of them are left out */
static inline void remember(struct state *s, void *address) {
  if (s->recents == s->recents_max) {
    s->recents = s->recents_max / 2;
    for (word i = 0; i < s->recents; i++) s->recent[i] = s->recent[i + s->recents_max - s->recents];
  }
  s->recent[s->recents++] = (word) address;
}

static inline void forget(struct state *s, void *address) {
  for (word i = s->recents; i-- > 0;)
    if ((s->recent[i] & ~1UL) == (word) address) {
      s->recent[i] = s->recent[--s->recents];
      return;
    }
}

static inline int is_untracked(const struct state *s, word address) {
  const word *head = (const word *) address;
  return s->gc_head == 32 ? (long) head[2] >> 1 == -2 : head[0] == 0;    /* up to 3.7 the lowest bit of gc_refs says something else */
}

static inline void note_fresh(struct state *s, word op, word address, word size) {
  struct event *e = next_event(s);
  if (!e) return;
  e->address = address;
  e->size = size;
  e->kind = (unsigned) (op | 2 << 8);
  e->count0 = *s->count0;
  e->type = 0;
}

enum { ATOMIC, COLLECTABLE, INCOMPLETE };

/* what a tuple holds, as a collection would find it that looks at it after what it holds */
static int content(const struct state *s, const word *tuple, int nesting) {
  int found = ATOMIC;
  for (word i = 0; i < tuple[2]; i++) {
    const word *item = (const word *) tuple[3 + i];
    if (!item) return INCOMPLETE;
    const word *type = (const word *) item[1];
    word flags = type[TYPE_FLAGS / 8];
    if (!(flags >> HAVE_GC & 1)) continue;
    if ((flags >> TYPE_SUBCLASS & 1) && !(item[TYPE_FLAGS / 8] >> HEAP_TYPE & 1)) continue;
    if ((word) type == s->tuple) {
      if (is_untracked(s, (word) item - s->gc_head)) continue;
      if (nesting < NESTING_MAX && content(s, item, nesting + 1) == ATOMIC) continue;
    }
    found = COLLECTABLE;
  }
  return found;
}

static inline void note_atomic(struct state *s, word address, const word *tuple) {
  note_fresh(s, OP_ATOMIC, address, 0);
  for (word i = 0; i < tuple[2]; i++) {
    const word *item = (const word *) tuple[3 + i];
    word block = (word) item - s->gc_head;
    if (item[1] == s->tuple && item[2] && !is_untracked(s, block)) note_fresh(s, OP_HOLDS, address, block);
  }
}

/* looks at all fresh blocks; those of which there is no more to know are taken off */
static inline void look_at_fresh(struct state *s) {
  word kept = 0;
  for (word i = 0; i < s->freshes; i++) {
    word address = s->fresh[i] & ~7UL;
    const word *object = (const word *) (address + s->gc_head);
    if (is_untracked(s, address)) {
      if (!(s->fresh[i] & SEEN_UNTRACKED)) note_fresh(s, OP_UNTRACKED, address, 0);
      s->fresh[kept++] = address | SEEN_UNTRACKED;
      continue;
    }
    if (s->fresh[i] & SEEN_UNTRACKED) note_fresh(s, OP_TRACKED, address, 0);
    if (object[1] != s->tuple) continue;
    int holds = content(s, object, 0);
    if (holds == ATOMIC) note_atomic(s, address, object);
    if (holds == INCOMPLETE) s->fresh[kept++] = address;
  }
  s->freshes = kept;
}

static inline void forget_fresh(struct state *s, word address) {
  for (word i = s->freshes; i-- > 0;)
    if ((s->fresh[i] & ~7UL) == address) {
      for (s->freshes--; i < s->freshes; i++) s->fresh[i] = s->fresh[i + 1];
      return;
    }
}

/* the next object made may start a collection: the lowest bit says which blocks are on no list before it */
static inline void look_ahead(struct state *s) {
  for (word i = 0; i < s->recents; i++) {
    word address = s->recent[i] & ~1UL;
    s->recent[i] = address | (word) is_untracked(s, address);
  }
}

static inline void note_untracked(struct state *s) {
  word started = s->recents > 0 && !s->apart;
  for (word i = 0; i + started < s->recents; i++) {
    word address = s->recent[i] & ~1UL;
    if (!is_untracked(s, address)) continue;
    struct event *e = next_event(s);
    if (!e) return;
    e->address = address;
    e->size = s->recent[i] & 1;
    e->kind = OP_UNTRACKED;
    e->count0 = *s->count0;
    e->type = 0;
  }
  if (started) s->recent[0] = s->recent[s->recents - 1];
  s->recents = started;
}

static inline word *generation(const struct state *s, word number) {
  return (word *) ((word) s->count0 - 4 - s->gc_head + number * ((word) s->count2 - (word) s->count0) / 2);
}

/* what lies in a list behind one of its links: prev has flags in its lowest bits */
static inline word *before(const word *link) { return (word *) (link[1] & ~3UL); }

static inline void tie(word *link, word *next) {
  link[0] = (word) next;
  next[1] = (word) link | (next[1] & 3);
}

/* Collections, and a counter that keeps away from its floor at 0, where a decrement is not done. Full ones, if there is no `every`: one
   by so many net allocations as the threshold says. If the counter is to be steady, what a collection frees does not count, or the
   next one would be as much later. Else it is not let sink far below its base either, for the same reason: raised by twice `due`, which
   the reader of the events takes off again. With `every` there is a collection at each object made, each every-th of them a full one and
   the others of generation 1: the counter is back at its base before each event, which notes by how much it had moved. */
static inline void collect_fully(struct state *s) {
  if (!s->collecting) return;
  int collected = *s->count0 < COUNT_BASE / 2;
  int full = !s->every || s->collections % s->every == 0;
  if (s->every) {
    s->moved += *s->count0 - (collected ? 0 : COUNT_BASE);
    *s->count0 = COUNT_BASE;
    s->partly |= (word) (collected && !full);
  } else if (s->steady && *s->collecting) {
    *s->count0 = COUNT_BASE;
  } else if (collected) {
    *s->count0 += COUNT_BASE;
  } else if (s->recents_max && *s->count0 >= COUNT_BASE + (int) s->due) {
    look_ahead(s);
  } else if (s->recents_max && *s->count0 < COUNT_BASE - 2 * (int) s->due) {
    *s->count0 += 2 * (int) s->due;
  }
  if (collected && s->recents_max) {
    note_fresh(s, OP_COLLECTED, 0, (word) full);
    s->collections++;
    note_untracked(s);
    full = !s->every || s->collections % s->every == 0;                    /* the next one */
  }
  *s->count2 = full ? COUNT_BASE : 0;
  if (!full) *(volatile int *) (((word) s->count0 + (word) s->count2) / 2) = 1;       /* count1 */
  *s->long_lived_total = 0;
}

/* gives the last allocation of an object domain its type, before anything else happens to the block */
static inline void settle(struct state *s) {
  struct event *e = s->open;
  if (!e) return;
  s->open = 0;
  /* From 3.8 on a GC head begins with 0 or an address. Any other object begins with its reference count, and what was in
     the block before may still say behind it that it is a tuple. */
  if (s->gc_head == 16 && *(const word *) e->address - 1 < REFCOUNT_MAX) return;
  if (e->size >= s->gc_head + 16) e->type = *(word *) (e->address + s->gc_head + 8);
  if (!e->type || s->freshes >= s->freshes_max) return;
  /* of a buffer the fourth word may be a type, too, but then its fifth is not its length */
  int is_tuple = e->type == s->tuple && e->size == s->gc_head + 24 + 8 * ((word *) (e->address + s->gc_head))[2];
  if (is_tuple || e->type == s->dict || e->type == s->frame) s->fresh[s->freshes++] = e->address;
}

static inline void note_waiting(struct state *s) {
  for (word i = 0; i < s->shelves; i++) {
    struct shelf *f = s->shelf + i;
    word object = f->chained ? *f->objects : 0;
    f->stays = *f->length;
    for (int k = 0; k < *f->length; k++) {
      if (!f->chained) object = f->objects[k];
      note_fresh(s, OP_WAITS, object - s->gc_head, 0);
      if (f->chained) object = *(word *) (object + 24);
    }
  }
}

static inline void look(struct state *s) {
  if (s->apart) {
    if (*s->collecting && !s->inside) note_waiting(s);
    s->inside = (word) *s->collecting;
  }
  collect_fully(s);
  settle(s);
  if (s->freshes) look_at_fresh(s);
}

/* caller: low bits of the address to which an allocation returns, 0 if they are not wanted */
static inline void note(struct domain *d, word op, void *address, word size, int count0, word caller) {
  struct state *s = d->state;
  word k = s->used;
  for (word i = 0; i < s->lists; i++) {
    int length = *s->lengths[i];
    if (length == s->noted[i] || k >= s->capacity) continue;
    s->noted[i] = length;
    struct event *e = s->events + k++;
    e->address = 0;
    e->size = (word) length;
    e->kind = (unsigned) (OP_FREE_LIST | i << 8);
    e->count0 = count0;
    e->type = 0;
  }
  s->used = k;
  struct event *e = next_event(s);
  if (!e) return;
  e->address = (word) address;
  e->size = size;
  e->kind = (unsigned) (op | d->number << 8 | (s->shelves ? caller << 16 : 0));
  e->count0 = count0 + s->moved;
  s->moved = 0;
  e->type = s->collecting && *s->collecting;
  if (d->number != 2) return;
  int made = op == OP_ALLOC || op == OP_MOVED_TO;
  if (op == OP_ALLOC || (made && s->freshes_max)) s->open = e;
  if (s->freshes && !made) forget_fresh(s, (word) address);
  if (!s->recents_max) return;
  if (made) {
    if (size >= s->gc_head + 16) remember(s, address);
  } else {
    forget(s, address);
  }
}

static inline void drain(struct state *s) {
  if (s->depth) return;
  for (word i = 0; i < s->shelves; i++) {
    struct shelf *f = s->shelf + i;
    while (*f->length > (s->inside ? f->stays : 0)) {
      word object = f->chained ? *f->objects : f->objects[*f->length - 1];
      if (f->chained) *f->objects = *(word *) (object + 24);
      --*f->length;
      if (s->collecting && !s->every) --*s->count0;
      note(s->objects, OP_SHELVED, (void *) (object - s->gc_head), i, *s->count0, 0);
      s->objects->base.free(s->objects->base.ctx, (void *) (object - s->gc_head));
    }
  }
}

/* After a collection all that lies behind the marker in generation 2 is put back into generation 1: so the next one looks at it again. Each
   `reach` collections, after a full one, the marker takes the place of a second one, and this becomes the last: what lies behind the marker is all
   that was made in the last `reach` to twice as many collections. Only where an object is allocated: who walks a list may allocate other blocks. */
static inline void put_back(struct domain *d) {
  struct state *s = d->state;
  if (!s->every || d->number != 2 || *s->collecting) return;
  word *young = generation(s, 1), *old = generation(s, 2), *marker = s->marker, *second = s->second;
  if (before(old) == marker) return;
  if (!s->partly && s->collections - s->marked >= s->reach) {
    s->marked = s->collections;
    tie(before(marker), (word *) marker[0]);
    tie(before(second), marker);
    tie(marker, (word *) second[0]);
    if (before(old) == marker) {
      tie(marker, second);
    } else {
      tie(before(old), second);
    }
    tie(second, old);
  }
  s->partly = 0;
  word *first = (word *) marker[0], *last = before(old);
  if (first == old) return;
  tie(marker, old);
  tie(before(young), first);
  tie(last, young);
}

/* depth: pymalloc passes requests over 512 bytes on to the raw domain; only the outer call is an event */
HOOK void *trace_malloc(void *ctx, word n) {
  struct domain *d = ctx;
  look(d->state);
  put_back(d);
  drain(d->state);
  int count0 = *d->state->count0;
  d->state->depth++;
  void *p = d->base.malloc(d->base.ctx, n);
  if (!--d->state->depth && p) note(d, OP_ALLOC, p, n, count0, CALLER);
  return p;
}

HOOK void *trace_calloc(void *ctx, word n, word each) {
  struct domain *d = ctx;
  look(d->state);
  put_back(d);
  drain(d->state);
  int count0 = *d->state->count0;
  d->state->depth++;
  void *p = d->base.calloc(d->base.ctx, n, each);
  if (!--d->state->depth && p) note(d, OP_ALLOC, p, n * each, count0, CALLER);
  return p;
}

HOOK void *trace_realloc(void *ctx, void *old, word n) {
  struct domain *d = ctx;
  look(d->state);
  drain(d->state);
  int count0 = *d->state->count0;
  d->state->depth++;
  void *p = d->base.realloc(d->base.ctx, old, n);
  if (!--d->state->depth && p && p != old) {
    note(d, old ? OP_MOVED_TO : OP_ALLOC, p, n, count0, old ? 0 : CALLER);
    if (old) note(d, OP_MOVED_FROM, old, 0, count0, 0);
  } else if (p && p == old && !d->state->depth && d->state->resizes) {
    note(d, OP_RESIZED, p, n, count0, 0);
  }
  return p;
}

HOOK void trace_free(void *ctx, void *p) {
  struct domain *d = ctx;
  look(d->state);
  if (p && !d->state->depth) note(d, OP_FREE, p, 0, *d->state->count0, 0);
  d->state->depth++;
  d->base.free(d->base.ctx, p);
  d->state->depth--;
  drain(d->state);
}
