/* SPDX-License-Identifier: MIT */
#include "ppiofs/json/split.h"

#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/json/prepass.h"

struct JsonSplit {
    Prepass prepass;
    const char *item; /* the one that is read now */
    const char *at;   /* behind it; NULL: there are no items, or not begun */
};

JsonSplit *json_split_new(const char *bytes, gsize length, const char *member)
{
    JsonSplit *split = g_new0(JsonSplit, 1);

    split->prepass = prepass_begin(bytes, length, member);
    return split;
}

gboolean json_split_check(JsonSplit *split, gsize budget, gboolean *ret_done, GError **error)
{
    gboolean good = prepass_go_on(&split->prepass, budget, error);

    *ret_done = good && split->prepass.done;
    split->at = split->prepass.array_start;
    return good;
}

JsonDoc *json_split_rest(const JsonSplit *split, gsize max, GError **error)
{
    const Prepass *whole = &split->prepass;
    const char *cut = whole->array_start ? whole->array_start : whole->end;
    const char *go_on = whole->array_end ? whole->array_end : whole->end;
    gsize before = (gsize)(cut - whole->start), after = (gsize)(whole->end - go_on);
    g_autofree char *rest = before + after > max ? NULL : g_try_malloc(before + after);

    if (before + after > max) {
        error_set(error, PPIOFS_ERROR_TOO_LARGE,
                  "JSON with more than %" G_GSIZE_FORMAT " bytes beside its items", max);
        return NULL;
    }
    if (!rest) {
        error_set(error, PPIOFS_ERROR_NO_MEMORY, "not enough memory for JSON");
        return NULL;
    }
    memcpy(rest, whole->start, before);
    memcpy(rest + before, go_on, after);
    return json_parse(rest, before + after, error);
}

gsize json_split_next(JsonSplit *split)
{
    const char *end = split->prepass.array_end;

    if (!split->at)
        return 0;
    while (split->at < end && memchr(", \t\r\n", *split->at, 5))
        split->at++;
    split->item = split->at;
    if (split->at < end)
        split->at = prepass_item_end(&split->prepass, split->item);
    return (gsize)(split->at - split->item);
}

JsonDoc *json_split_parse(const JsonSplit *split, GError **error)
{
    return json_parse(split->item, (gsize)(split->at - split->item), error);
}

void json_split_free(JsonSplit *split)
{
    g_free(split);
}
