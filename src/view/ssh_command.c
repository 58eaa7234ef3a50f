/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/ssh_command.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_WORDS 4        /* ssh -p PORT USER@HOST */
#define LABEL_MAX_BYTES 63 /* RFC 1035 */
#define PORT_MAX_DIGITS 5

#define DIGITS "0123456789"
#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS

typedef struct {
    const char *start;
    gsize length;
} Word;

/* Returns how many words there are, or 0 if they are too many. Where two blanks meet there is an
 * empty one, which is none of those that are looked for. */
static gsize split(const char *text, Word words[MAX_WORDS])
{
    gsize n = 0;

    for (;;) {
        gsize length = strcspn(text, " \t");

        if (n == MAX_WORDS)
            return 0;
        words[n++] = (Word){ text, length };
        if (text[length] == '\0')
            return n;
        text += length + 1;
    }
}

static gboolean word_is(const Word *word, const char *text)
{
    return word->length == strlen(text) && memcmp(word->start, text, word->length) == 0;
}

/* Whether the word has only these characters; strspn() ends where the word does, at the latest. */
static gboolean word_consists_of(const Word *word, const char *characters)
{
    return word->length > 0 && strspn(word->start, characters) >= word->length;
}

/* 0 if it is none. */
static guint16 parse_port(const Word *word)
{
    guint port = 0;

    if (!word_consists_of(word, DIGITS) || word->length > PORT_MAX_DIGITS || *word->start == '0')
        return 0;
    for (gsize i = 0; i < word->length; i++)
        port = port * 10 + (guint)(word->start[i] - '0');
    return port <= G_MAXUINT16 ? (guint16)port : 0;
}

static gboolean is_user(const Word *word)
{
    return word->length <= SSH_USER_MAX_BYTES && word_consists_of(word, LETTERS_AND_DIGITS "._-") &&
           strchr(".-", *word->start) == NULL;
}

/* Resolvers take "127.1", "017.0.0.1" and "0x7f000001" for addresses: what ends in a number is a
 * name to nobody. */
static gboolean is_number(const Word *label)
{
    return word_consists_of(label, DIGITS) ||
           (label->length >= 2 && label->start[0] == '0' && (label->start[1] | 0x20) == 'x');
}

static gboolean is_label(const Word *label)
{
    return label->length <= LABEL_MAX_BYTES && word_consists_of(label, LETTERS_AND_DIGITS "_-") &&
           label->start[0] != '-' && label->start[label->length - 1] != '-';
}

static gboolean is_host_name(const char *host)
{
    Word label = { host, strcspn(host, ".") };

    while (is_label(&label)) {
        const char *end = label.start + label.length;

        if (*end == '\0')
            return !is_number(&label);
        label = (Word){ end + 1, strcspn(end + 1, ".") };
    }
    return FALSE;
}

static gboolean is_address(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* [USER@]HOST */
static gboolean parse_destination(const Word *word, SshCommand *command)
{
    const char *at = memchr(word->start, '@', word->length);
    Word user = { word->start, at == NULL ? 0 : (gsize)(at - word->start) };
    Word host = { at == NULL ? word->start : at + 1, word->length };

    if (at != NULL) {
        if (!is_user(&user))
            return FALSE;
        memcpy(command->user, user.start, user.length);
        host.length -= user.length + 1;
    }
    if (host.length > SSH_HOST_MAX_BYTES)
        return FALSE;
    memcpy(command->host, host.start, host.length);
    return is_host_name(command->host) || is_address(command->host);
}

gboolean ssh_command_parse(const char *text, SshCommand *ret_command)
{
    SshCommand command = { 0 };
    Word words[MAX_WORDS];
    gsize n = split(text, words);

    if ((n != 2 && n != 4) || !word_is(&words[0], "ssh"))
        return FALSE;
    if (n == 4) {
        command.port = word_is(&words[1], "-p") ? parse_port(&words[2]) : 0;
        if (command.port == 0)
            return FALSE;
    }
    if (!parse_destination(&words[n - 1], &command))
        return FALSE;
    *ret_command = command;
    return TRUE;
}
