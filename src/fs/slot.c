/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/slot.h"

#include "ppiofs/base/hash.h"
#include "ppiofs/fs/nodeid.h"

typedef struct {
    guint number;
    guint owner;
    guint64 lookups;
    const char *name; /* behind it: one allocation a slot */
} Slot;

struct Slots {
    guint first;
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

guint slots_hold(Slots *slots, guint owner, const char *name)
{
    Slot *slot = find_place(slots, owner, name);

    if (slot == NULL) {
        guint number = take_number(slots);
        gsize size = strlen(name) + 1;

        if (number == G_MAXUINT)
            return 0;
        slot = g_malloc(sizeof *slot + size);
        *slot = (Slot){ number, owner, 0, memcpy(slot + 1, name, size) };
        slots->by_number->pdata[number - slots->first] = slot;
        g_hash_table_add(slots->by_place, slot);
    }
    slot->lookups++;
    return slot->number;
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
    slot->lookups -= MIN(n, slot->lookups);
    if (slot->lookups > 0)
        return;
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
