/* SPDX-License-Identifier: MIT */
/* about: the texts of .ppiofs/, the mount about itself. Nothing in it touches the network, and
 * nothing of it holds the key or a secret. */
#pragma once

#include "ppiofs/api/api.h"
#include "ppiofs/cache/cache.h"
#include "ppiofs/credentials.h"
#include "ppiofs/fs/fs.h"
#include "ppiofs/options.h"

typedef struct About About;

/* The parts that the files describe; all borrowed, and outlive the About. */
typedef struct {
    const Options *options;
    const Credentials *credentials;
    Cache *const *caches; /* of the kinds that are shown; ends with NULL */
    const Api *api;
    const Clock *clock;
} AboutSubjects;

About *about_new(const AboutSubjects *subjects);

/* The Fs is made after the files it shows. */
void about_set_fs(About *about, const Fs *fs);

/* For FsOptions.about. */
const AboutFile *about_files(About *about);

/* Remembers the sentence and the time for last_error. A CacheReport. */
void about_note_error(const GError *error, gpointer about);

/* The text of .ppiofs/stats, as SIGUSR1 logs it. (transfer full) */
char *about_metrics(About *about);

void about_free(About *about);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(About, about_free)
