/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/notifier.h"

#include <pthread.h>
#include <string.h>

/* pthreads, not GLib's: ThreadSanitizer knows their locks. */
struct Notifier {
    struct fuse_session *session;
    const char **names;
    pthread_t thread;
    gboolean running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gboolean wanted, stopping; /* under the lock */
};

Notifier *notifier_new(struct fuse_session *session, const char **names)
{
    Notifier *notifier = g_new0(Notifier, 1);

    notifier->session = session;
    notifier->names = names;
    pthread_mutex_init(&notifier->lock, NULL);
    pthread_cond_init(&notifier->changed, NULL);
    return notifier;
}

/* FALSE when it is time to stop. */
static gboolean wait_until_wanted(Notifier *notifier)
{
    gboolean stopping;

    pthread_mutex_lock(&notifier->lock);
    while (!notifier->wanted && !notifier->stopping)
        pthread_cond_wait(&notifier->changed, &notifier->lock);
    notifier->wanted = FALSE;
    stopping = notifier->stopping;
    pthread_mutex_unlock(&notifier->lock);
    return !stopping;
}

static gboolean is_stopping(Notifier *notifier)
{
    gboolean stopping;

    pthread_mutex_lock(&notifier->lock);
    stopping = notifier->stopping;
    pthread_mutex_unlock(&notifier->lock);
    return stopping;
}

/* A name that the kernel does not know is fine, and so is a connection that ended. */
static void *serve(void *data)
{
    Notifier *notifier = data;

    while (wait_until_wanted(notifier))
        for (gsize i = 0; notifier->names[i] != NULL && !is_stopping(notifier); i++)
            fuse_lowlevel_notify_inval_entry(notifier->session, FUSE_ROOT_ID, notifier->names[i],
                                             strlen(notifier->names[i]));
    return NULL;
}

void notifier_forget_names(Notifier *notifier)
{
    pthread_mutex_lock(&notifier->lock);
    notifier->wanted = TRUE;
    if (!notifier->running && !notifier->stopping)
        notifier->running = pthread_create(&notifier->thread, NULL, serve, notifier) == 0;
    pthread_cond_signal(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
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
    pthread_cond_destroy(&notifier->changed);
    pthread_mutex_destroy(&notifier->lock);
    g_free(notifier->names);
    g_free(notifier);
}
