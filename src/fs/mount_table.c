/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/mount_table.h"

#include "ppiofs/base/error.h"

#include <stdlib.h>
#include <string.h>

#define TABLE "/proc/self/mountinfo"

static void entry_free(gpointer data)
{
    MountEntry *entry = data;

    g_free(entry->device);
    g_free(entry->path);
    g_free(entry->type);
    g_free(entry->options);
    g_free(entry);
}

/* "36 35 98:0 /root /path options optional... - type source super_options", see proc(5). */
static MountEntry *parse_line(const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, " ", -1);
    guint n = g_strv_length(fields), dash = 6;

    while (dash < n && strcmp(fields[dash], "-") != 0)
        dash++;
    if (dash + 3 >= n)
        return NULL;

    MountEntry *entry = g_new0(MountEntry, 1);
    entry->id = atoi(fields[0]);
    entry->parent = atoi(fields[1]);
    entry->device = g_strdup(fields[2]);
    entry->path = g_strcompress(fields[4]); /* \040 and the like */
    entry->type = g_strdup(fields[dash + 1]);
    entry->options = g_strdup(fields[dash + 3]);
    return entry;
}

GPtrArray *mount_table_read(GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) cause = NULL;
    GPtrArray *table;

    if (!g_file_get_contents(TABLE, &text, NULL, &cause)) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED, "%s; is /proc mounted?",
                    cause->message);
        return NULL;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    table = g_ptr_array_new_with_free_func(entry_free);
    for (gsize i = 0; lines[i]; i++) {
        MountEntry *entry = parse_line(lines[i]);

        if (entry)
            g_ptr_array_add(table, entry);
    }
    return table;
}

const MountEntry *mount_table_find(const GPtrArray *table, int id)
{
    for (guint i = 0; i < table->len; i++) {
        const MountEntry *entry = g_ptr_array_index(table, i);

        if (entry->id == id)
            return entry;
    }
    return NULL;
}

const MountEntry *mount_table_find_at(const GPtrArray *table, const char *path)
{
    const MountEntry *found = NULL;

    for (guint i = 0; i < table->len; i++) {
        const MountEntry *entry = g_ptr_array_index(table, i);

        if (strcmp(entry->path, path) == 0)
            found = entry;
    }
    return found;
}

gboolean mount_table_has_child(const GPtrArray *table, int id)
{
    for (guint i = 0; i < table->len; i++) {
        const MountEntry *entry = g_ptr_array_index(table, i);

        if (entry->parent == id && entry->id != id)
            return TRUE;
    }
    return FALSE;
}

int mount_table_id_of(int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", fd);
    g_autofree char *text = NULL;
    const char *line;

    if (!g_file_get_contents(path, &text, NULL, NULL) || !(line = strstr(text, "mnt_id:")))
        return -1;
    return atoi(line + strlen("mnt_id:"));
}

char *mount_table_path_of(int fd)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);

    return g_file_read_link(link, NULL);
}
