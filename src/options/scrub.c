/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/scrub.h"

#include "ppiofs/options/option_table.h"

#include <string.h>

/* Where the item of a comma list that starts at @item ends. */
static char *item_end(char *item)
{
    for (; *item && *item != ','; item++)
        if (item[0] == '\\' && item[1])
            item++;
    return item;
}

/* Without the backslashes: they may stand before any character. */
static gboolean names_a_key(const char *item, gsize length)
{
    g_autoptr(GString) name = g_string_new_len(item, (gssize)length);

    g_string_replace(name, "\\", "", 0);
    return option_carries_key(name->str, name->len);
}

/* To the end of the argument, not of the item: a comma may be part of the key, and the call is
 * refused anyway. */
static void scrub_items(char *items)
{
    for (char *item = items;; item++) {
        gsize length = strcspn(item, "=,");

        if (item[length] == '=' && names_a_key(item, length)) {
            explicit_bzero(item + length + 1, strlen(item + length + 1));
            return;
        }
        item = item_end(item);
        if (!*item)
            return;
    }
}

void scrub_argv(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        gboolean is_long = g_str_has_prefix(argv[i], "--");
        gboolean is_joined = !is_long && g_str_has_prefix(argv[i], "-o");
        gboolean alone = is_long && option_carries_key(argv[i] + 2, strlen(argv[i] + 2));

        scrub_items(argv[i] + (is_long || is_joined ? 2 : 0));
        if (alone && i + 1 < argc)
            explicit_bzero(argv[i + 1], strlen(argv[i + 1]));
    }
}
