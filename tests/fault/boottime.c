/* SPDX-License-Identifier: MIT */
/* boottime: loaded into ppiofs, lets a test put the machine to sleep: CLOCK_BOOTTIME is ahead of
 * the real one by as many nanoseconds as the file $PPIOFS_BOOTTIME_FILE says (8 bytes, mapped),
 * while CLOCK_MONOTONIC stays as it is. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

typedef int GetTime(clockid_t, struct timespec *);

static GetTime *real_gettime;
static const volatile int64_t *ahead;

/* Not a constructor: those of other libraries run before it and may ask for the time. */
static void load(void)
{
    const char *path = getenv("PPIOFS_BOOTTIME_FILE");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);

    ahead = mapped == MAP_FAILED ? NULL : mapped;
    *(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    if (fd >= 0)
        close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (real_gettime == NULL)
        load();
    int result = real_gettime(clock, time);

    if (result == 0 && clock == CLOCK_BOOTTIME && ahead != NULL) {
        int64_t ns = time->tv_nsec + *ahead;

        time->tv_sec += ns / NS_PER_S;
        time->tv_nsec = ns % NS_PER_S;
    }
    return result;
}
