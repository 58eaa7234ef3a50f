/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/notifier.h"

#include <pthread.h>
#include <string.h>

typedef struct {
    fuse_ino_t node;
    char *name; /* in that directory; NULL: its attributes */
} Notice;

/* pthreads, not GLib's: ThreadSanitizer knows their locks. */
struct Notifier {
    struct fuse_session *session;
    pthread_t thread;
    gboolean running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GQueue notices; /* Notice; this and the next under the lock */
    gboolean stopping;
};

Notifier *notifier_new(struct fuse_session *session)
{
    Notifier *notifier = g_new0(Notifier, 1);

    notifier->session = session;
    pthread_mutex_init(&notifier->lock, NULL);
    pthread_cond_init(&notifier->changed, NULL);
    return notifier;
}

static void notice_free(Notice *notice)
{
    g_free(notice->name);
    g_free(notice);
}

/* NULL when it is time to stop. */
static Notice *next_notice(Notifier *notifier)
{
    Notice *notice;

    pthread_mutex_lock(&notifier->lock);
    while (notifier->notices.length == 0 && !notifier->stopping)
        pthread_cond_wait(&notifier->changed, &notifier->lock);
    notice = notifier->stopping ? NULL : g_queue_pop_head(&notifier->notices);
    pthread_mutex_unlock(&notifier->lock);
    return notice;
}

static void *serve(void *data)
{
    Notifier *notifier = data;
    Notice *notice;

    while ((notice = next_notice(notifier)) != NULL) {
        /* A name that the kernel does not know is fine, and so is a connection that ended. */
        if (notice->name != NULL)
            fuse_lowlevel_notify_inval_entry(notifier->session, notice->node, notice->name,
                                             strlen(notice->name));
        else
            fuse_lowlevel_notify_inval_inode(notifier->session, notice->node, -1, 0);
        notice_free(notice);
    }
    return NULL;
}

static void give_notice(Notifier *notifier, fuse_ino_t node, const char *name)
{
    Notice *notice = g_new0(Notice, 1);

    notice->node = node;
    notice->name = g_strdup(name);
    pthread_mutex_lock(&notifier->lock);
    g_queue_push_tail(&notifier->notices, notice);
    if (!notifier->running && !notifier->stopping)
        notifier->running = pthread_create(&notifier->thread, NULL, serve, notifier) == 0;
    pthread_cond_signal(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
}

void notifier_forget_name(Notifier *notifier, fuse_ino_t directory, const char *name)
{
    give_notice(notifier, directory, name);
}

void notifier_forget_attributes(Notifier *notifier, fuse_ino_t node)
{
    give_notice(notifier, node, NULL);
}

static void tell_to_stop(Notifier *notifier)
{
    pthread_mutex_lock(&notifier->lock);
    notifier->stopping = TRUE;
    pthread_cond_signal(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
}

gboolean notifier_stop(Notifier *notifier)
{
    if (notifier == NULL)
        return TRUE;
    tell_to_stop(notifier);
    if (notifier->running && pthread_tryjoin_np(notifier->thread, NULL) == 0)
        notifier->running = FALSE;
    return !notifier->running;
}

void notifier_free(Notifier *notifier)
{
    if (notifier == NULL)
        return;
    g_queue_clear_full(&notifier->notices, (GDestroyNotify)(void (*)(void))notice_free);
    pthread_cond_destroy(&notifier->changed);
    pthread_mutex_destroy(&notifier->lock);
    g_free(notifier);
}
