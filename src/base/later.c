/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/later.h"

/* A turn takes so long, and looks at the clock after so many. */
#define TURN_US 2000
#define STEP 32

/* The one source of its context; it holds what is to be freed. */
typedef struct {
    GSource source; /* first: the source is the Later */
    GQueue arrays;  /* GPtrArray, not empty */
} Later;

static void free_some(Later *later)
{
    GPtrArray *array = g_queue_peek_head(&later->arrays);

    g_ptr_array_set_size(array, (gint)(array->len - MIN(array->len, STEP)));
    if (array->len > 0)
        return;
    g_queue_remove(&later->arrays, array); /* others may have come before it meanwhile */
    g_ptr_array_unref(array);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    Later *later = (Later *)source;
    gint64 ends = g_get_monotonic_time() + TURN_US;

    (void)callback;
    (void)data;
    while (later->arrays.length > 0 && g_get_monotonic_time() < ends)
        free_some(later);
    if (later->arrays.length == 0)
        g_source_set_ready_time(source, -1);
    return G_SOURCE_CONTINUE;
}

/* Never called. Without one GLib does not find the source. */
static gboolean no_callback(gpointer data)
{
    (void)data;
    return G_SOURCE_CONTINUE;
}

static Later *find_or_make(GMainContext *context)
{
    static GSourceFuncs functions = { .dispatch = dispatch };
    GSource *source = g_main_context_find_source_by_funcs_user_data(context, &functions, NULL);

    if (source != NULL)
        return (Later *)source;
    g_autoptr(GSource) added = g_source_new(&functions, sizeof(Later));
    g_source_set_callback(added, no_callback, NULL, NULL);
    g_source_attach(added, context); /* which has it from now on */
    return (Later *)added;
}

void later_free_array(GPtrArray *array)
{
    Later *later = array == NULL ? NULL : find_or_make(g_main_context_get_thread_default());

    if (later == NULL)
        return;
    g_queue_push_head(&later->arrays, array);
    g_source_set_ready_time(&later->source, 0);
}
