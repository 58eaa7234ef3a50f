/* SPDX-License-Identifier: MIT */
#include "ppiofs/service.h"

#include "ppiofs/base/alarm.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FORGET_FUSE "FDSTOREREMOVE=1\nFDNAME=" HANDOVER_FUSE
#define FORGET_STATE "FDSTOREREMOVE=1\nFDNAME=" HANDOVER_STATE
#define RETRY_US (G_USEC_PER_SEC / 10)

typedef struct {
    const char *text;
    int fd; /* borrowed, goes with it; -1: none does */
} Message;

struct Service {
    const Clock *clock;
    Alarm *alarm;
    gint64 watchdog_us; /* how often it is to be told; 0: not at all */
    gboolean is_ready;
    GQueue *unsent; /* Message; the manager had no room for the first */
};

static void message_free(gpointer data)
{
    Message *message = data;

    g_free((gpointer)message->text);
    g_free(message);
}

/* FALSE: there is no address to tell anything. */
static gboolean find_address(struct sockaddr_un *address, socklen_t *ret_size)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    gsize length = path ? strlen(path) : 0;

    if (length == 0 || length >= sizeof address->sun_path || (*path != '/' && *path != '@'))
        return FALSE;
    memcpy(address->sun_path, path, length);
    if (*path == '@') /* an abstract socket */
        address->sun_path[0] = '\0';
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return TRUE;
}

static void add_fd(struct msghdr *header, char *control, gsize size, int fd)
{
    header->msg_control = control;
    header->msg_controllen = size;
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);
    *rights = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS,
                                .cmsg_len = CMSG_LEN(sizeof fd) };
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
}

/* FALSE: there is no room at the moment. */
static gboolean tell(const Message *message)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct iovec text = { (gpointer)message->text, strlen(message->text) };
    struct msghdr header = { .msg_name = &address, .msg_iov = &text, .msg_iovlen = 1 };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };

    if (!find_address(&address, &header.msg_namelen))
        return TRUE;
    if (message->fd >= 0)
        add_fd(&header, control, sizeof control, message->fd);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    gboolean told = fd >= 0 && sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
    gboolean full = !told && (errno == EAGAIN || errno == ENOBUFS);
    if (!told && !full)
        g_warning("cannot notify the service manager: %s", g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return !full;
}

/* Half of what the manager waits for; 0 when it waits for another process, or for none. */
static gint64 watchdog_period(void)
{
    const char *text = g_getenv("WATCHDOG_USEC"), *pid = g_getenv("WATCHDOG_PID");
    guint64 us, whose;

    if (!text || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &us, NULL))
        return 0;
    if (pid && (!g_ascii_string_to_unsigned(pid, 10, 0, G_MAXINT, &whose, NULL) ||
                whose != (guint64)getpid()))
        return 0;
    return MAX((gint64)us / 2, 1);
}

static void send_all(Service *service)
{
    while (service->unsent->length > 0 && tell(g_queue_peek_head(service->unsent)))
        message_free(g_queue_pop_head(service->unsent));
    if (service->unsent->length > 0)
        alarm_set(service->alarm, clock_now(service->clock) + RETRY_US);
    else if (service->is_ready && service->watchdog_us > 0)
        alarm_set(service->alarm, clock_now(service->clock) + service->watchdog_us);
}

static void say(Service *service, const char *text, int fd)
{
    Message *message = g_new(Message, 1);

    *message = (Message){ g_strdup(text), fd };
    g_queue_push_tail(service->unsent, message);
    send_all(service);
}

static void on_time(gpointer data)
{
    Service *service = data;

    if (service->unsent->length > 0)
        send_all(service);
    else
        say(service, "WATCHDOG=1", -1);
}

Service *service_new(GMainContext *context, const Clock *clock)
{
    Service *service = g_new0(Service, 1);

    service->clock = clock;
    service->alarm = alarm_new(context, clock, on_time, service);
    service->watchdog_us = watchdog_period();
    service->unsent = g_queue_new();
    return service;
}

void service_ready(Service *service)
{
    service->is_ready = TRUE;
    say(service, "READY=1", -1);
}

/* FDPOLL=0: or each request would wake the manager, which would look whether the connection is
 * over. */
void service_store(Service *service, const Handover *handover)
{
    say(service, FORGET_FUSE, -1); /* of a process before this one */
    say(service, FORGET_STATE, -1);
    say(service, "FDSTORE=1\nFDNAME=" HANDOVER_FUSE "\nFDPOLL=0", handover->fuse);
    say(service, "FDSTORE=1\nFDNAME=" HANDOVER_STATE "\nFDPOLL=0", handover->state);
}

void service_forget(void)
{
    tell(&(Message){ FORGET_FUSE, -1 });
    tell(&(Message){ FORGET_STATE, -1 });
}

void service_free(Service *service)
{
    if (!service)
        return;
    alarm_free(service->alarm);
    g_queue_free_full(service->unsent, message_free);
    g_free(service);
}
