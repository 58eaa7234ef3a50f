/* SPDX-License-Identifier: MIT */
/* Whatever another process has left: it is refused, or each of its trees can be walked to the end.
 * The first byte says where the input goes: behind the title of a keep, or into one tree. */
#include "ppiofs/keep/keep.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "ppiofs/tree/subtree.h"

#define TITLE_BYTES 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const Subtree *tree)
{
    for (NodeIndex i = 0; i < subtree_n_nodes(tree); i++) {
        const char *name = subtree_name(tree, i);
        gsize length, sum = strlen(name);
        NodeIndex first;
        const char *content = subtree_content(tree, i, &length);

        for (gsize at = 0; at < length; at++)
            sum += (guchar)content[at];
        if (subtree_kind(tree, i) == NODE_DIRECTORY)
            g_assert_cmpuint(subtree_directory_by_key(tree, subtree_directory_key(tree, i)), ==, i);
        g_assert_cmpuint(subtree_children(tree, i, &first), <=, subtree_n_nodes(tree));
        subtree_ino(tree, i, 2 + sum);
        subtree_child(tree, i, name);
    }
}

static void take_tree(gconstpointer bytes, gsize length)
{
    g_autoptr(Subtree) tree = subtree_restore(bytes, length);

    if (tree == NULL)
        return;
    walk(tree);
    g_autoptr(GBytes) saved = subtree_save(tree);
    g_assert_true(subtree_is_same(tree, tree));
    g_assert_cmpmem(g_bytes_get_data(saved, NULL), g_bytes_get_size(saved), bytes, length);
}

static gboolean look(const KeepRecord *record, gpointer data)
{
    (void)data;
    if (record->kind == KEEP_TREE)
        take_tree(record->bytes, record->length);
    return TRUE;
}

static void take_keep(const uint8_t *data, size_t size)
{
    KeepFile *keep = keep_new(NULL);
    int fd = dup(keep_fd(keep));

    g_assert_cmpint(pwrite(fd, data, size, TITLE_BYTES), ==, (gssize)size);
    keep_free(keep);
    keep = keep_open(fd, NULL);
    if (keep == NULL)
        return;
    keep_each(keep, look, NULL);
    keep_put(keep, &(KeepRecord){ .kind = KEEP_SLOT, .bytes = "name", .length = 4 });
    keep_free(keep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'k')
        take_keep(data + 1, size - 1);
    else
        take_tree(data + 1, size - 1);
    return 0;
}
