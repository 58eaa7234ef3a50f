/* SPDX-License-Identifier: MIT */
#include "ppiofs/service.h"

#include "ppiofs/base/alarm.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_US (G_USEC_PER_SEC / 10)

struct Service {
    const Clock *clock;
    Alarm *alarm;
    gint64 watchdog_us; /* how often it is to be told; 0: not at all */
    gboolean is_told;   /* READY=1 */
};

/* FALSE: there is no room at the moment. */
static gboolean tell(const char *message)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    gsize length = path ? strlen(path) : 0;

    if (length == 0 || length >= sizeof address.sun_path || (*path != '/' && *path != '@'))
        return TRUE;
    memcpy(address.sun_path, path, length);
    if (*path == '@') /* an abstract socket */
        address.sun_path[0] = '\0';

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    gboolean told = fd >= 0 && sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
                                      (const struct sockaddr *)&address, size) >= 0;
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

static void on_time(gpointer data)
{
    Service *service = data;
    gboolean told = tell(service->is_told ? "WATCHDOG=1" : "READY=1");

    service->is_told |= told;
    if (!told)
        alarm_set(service->alarm, clock_now(service->clock) + RETRY_US);
    else if (service->watchdog_us > 0)
        alarm_set(service->alarm, clock_now(service->clock) + service->watchdog_us);
}

Service *service_new(GMainContext *context, const Clock *clock)
{
    Service *service = g_new0(Service, 1);

    service->clock = clock;
    service->alarm = alarm_new(context, clock, on_time, service);
    service->watchdog_us = watchdog_period();
    return service;
}

void service_ready(Service *service)
{
    on_time(service);
}

void service_free(Service *service)
{
    if (!service)
        return;
    alarm_free(service->alarm);
    g_free(service);
}
