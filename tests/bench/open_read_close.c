/* SPDX-License-Identifier: MIT */
/* open_read_close N FILE: opens, reads and closes FILE that many times; prints microseconds each.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    long n = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    double start = now_us();
    char buffer[4096];

    for (long i = 0; i < n; i++) {
        int fd = open(argv[2], O_RDONLY | O_CLOEXEC);

        if (fd < 0 || read(fd, buffer, sizeof buffer) < 0) {
            perror(argv[2]);
            return 1;
        }
        close(fd);
    }
    if (n <= 0)
        return 2;
    printf("%.3f\n", (now_us() - start) / (double)n);
    return 0;
}
