/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/slot.h"

#include "ppiofs/base/hash.h"
#include "ppiofs/fs/nodeid.h"

typedef struct {
    guint number;
    guint owner;
    guint64 lookups, kept_at;
    const char *name; /* behind it: one allocation a slot */
} Slot;

struct Slots {
    guint first;
    KeepFile *keep;       /* NULL: nothing is kept */
    Slot *counted;        /* the one whose count in there is out of date; NULL: none is */
    GPtrArray *by_number; /* Slot, or NULL for a free number; from @first on */
    GHashTable *by_place; /* Slot, by owner and name */
    GArray *free_numbers;
};

static guint hash_place(gconstpointer slot)
{
    return hash_text(((const Slot *)slot)->name) + ((const Slot *)slot)->owner;
}

static gboolean equal_places(gconstpointer a, gconstpointer b)
{
    const Slot *x = a, *y = b;

    return x->owner == y->owner && strcmp(x->name, y->name) == 0;
}

Slots *slots_new(guint first)
{
    Slots *slots = g_new0(Slots, 1);

    slots->first = first;
    slots->by_number = g_ptr_array_new_with_free_func(g_free);
    slots->by_place = g_hash_table_new(hash_place, equal_places);
    slots->free_numbers = g_array_new(FALSE, FALSE, sizeof(guint));
    return slots;
}

/* G_MAXUINT when all are taken. */
static guint take_number(Slots *slots)
{
    guint n = slots->free_numbers->len;

    if (n > 0) {
        guint number = g_array_index(slots->free_numbers, guint, n - 1);
        g_array_set_size(slots->free_numbers, n - 1);
        return number;
    }
    if (slots->first + slots->by_number->len >= NODEID_SLOTS)
        return G_MAXUINT;
    g_ptr_array_add(slots->by_number, NULL);
    return slots->first + slots->by_number->len - 1;
}

static Slot *find_place(const Slots *slots, guint owner, const char *name)
{
    const Slot place = { .owner = owner, .name = name };

    return g_hash_table_lookup(slots->by_place, &place);
}

static Slot *enter(Slots *slots, guint number, guint owner, const char *name)
{
    gsize size = strlen(name) + 1;
    Slot *slot = g_malloc(sizeof *slot + size);

    *slot = (Slot){ .number = number, .owner = owner, .name = memcpy(slot + 1, name, size) };
    slots->by_number->pdata[number - slots->first] = slot;
    g_hash_table_add(slots->by_place, slot);
    return slot;
}

void slots_flush(Slots *slots)
{
    if (slots->counted != NULL)
        keep_count(slots->keep, slots->counted->kept_at, slots->counted->lookups);
    slots->counted = NULL;
}

/* Many in a row are for the same one, so the count is kept when another's turn comes. */
static void count(Slots *slots, Slot *slot, guint64 lookups)
{
    if (slots->counted != slot)
        slots_flush(slots);
    slots->counted = slot;
    slot->lookups = lookups;
}

guint slots_hold(Slots *slots, guint owner, const char *name)
{
    Slot *slot = find_place(slots, owner, name);

    if (slot == NULL) {
        guint number = take_number(slots);

        if (number == G_MAXUINT)
            return 0;
        slot = enter(slots, number, owner, name);
        slot->lookups = 1;
        slot->kept_at = keep_put(slots->keep, &(KeepRecord){ .kind = KEEP_SLOT,
                                                             .number = number,
                                                             .count = 1,
                                                             .id = owner,
                                                             .bytes = name,
                                                             .length = strlen(name) });
    } else {
        count(slots, slot, slot->lookups + 1);
    }
    return slot->number;
}

void slots_keep(Slots *slots, KeepFile *keep)
{
    slots->keep = keep;
}

static gboolean is_taken(const Slots *slots, guint number)
{
    return number - slots->first < slots->by_number->len &&
           slots->by_number->pdata[number - slots->first] != NULL;
}

gboolean slots_adopt(Slots *slots, const KeepRecord *record)
{
    const char *name = record->bytes;

    if (record->number < slots->first || record->number >= NODEID_SLOTS ||
        record->id >= slots->first || *name == '\0' || strlen(name) != record->length ||
        is_taken(slots, record->number) || find_place(slots, (guint)record->id, name) != NULL)
        return FALSE;
    while (slots->first + slots->by_number->len <= record->number)
        g_ptr_array_add(slots->by_number, NULL);
    Slot *slot = enter(slots, record->number, (guint)record->id, name);
    slot->lookups = record->count < KEEP_COUNTLESS ? record->count : G_MAXUINT64 / 2;
    slot->kept_at = record->at;
    return TRUE;
}

void slots_adopted(Slots *slots)
{
    for (guint i = slots->by_number->len; i-- > 0;) {
        guint number = slots->first + i;

        if (slots->by_number->pdata[i] == NULL)
            g_array_append_val(slots->free_numbers, number);
    }
}

guint slots_find(const Slots *slots, guint owner, const char *name)
{
    const Slot *slot = find_place(slots, owner, name);

    return slot == NULL ? 0 : slot->number;
}

static Slot *find(const Slots *slots, guint number)
{
    return number >= slots->first && number - slots->first < slots->by_number->len
               ? slots->by_number->pdata[number - slots->first]
               : NULL;
}

const char *slots_name(const Slots *slots, guint number, guint *ret_owner)
{
    const Slot *slot = find(slots, number);

    if (slot != NULL)
        *ret_owner = slot->owner;
    return slot == NULL ? NULL : slot->name;
}

void slots_forget(Slots *slots, guint number, guint64 n)
{
    Slot *slot = find(slots, number);

    if (slot == NULL)
        return;
    count(slots, slot, slot->lookups - MIN(n, slot->lookups));
    if (slot->lookups > 0)
        return;
    slots->counted = NULL;
    keep_drop(slots->keep, slot->kept_at);
    g_hash_table_remove(slots->by_place, slot);
    slots->by_number->pdata[number - slots->first] = NULL;
    g_array_append_val(slots->free_numbers, number);
    g_free(slot);
}

guint slots_end(const Slots *slots)
{
    return slots->first + slots->by_number->len;
}

guint slots_count(const Slots *slots)
{
    return g_hash_table_size(slots->by_place);
}

void slots_free(Slots *slots)
{
    if (slots == NULL)
        return;
    g_ptr_array_unref(slots->by_number);
    g_hash_table_unref(slots->by_place);
    g_array_unref(slots->free_numbers);
    g_free(slots);
}
