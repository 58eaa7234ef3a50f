/* SPDX-License-Identifier: MIT */
/* fsx: a read-only exerciser. Opens the files of an account that changes all the time (flipping.py)
 * and reads them in every way there is; each descriptor must show one version, whole, for ever.
 *
 *   fsx MOUNTPOINT SECONDS READERS SEED INSTANCES
 *
 * Every file is made of blocks of 16 bytes, "VVVVVVVVFNNNNNN\n": the version, the letter of the
 * field, the number of the block. The length follows from the version and the field, so the first
 * eight bytes say what all the others must be. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 16
#define VERSION_DIGITS 8
#define LONGEST (320 * 1024)
#define HELD 12 /* descriptors a reader holds at once */
#define PIECES 7
#define READS_PER_OPEN 12

/* The same table is in flipping.py. */
static const struct {
    const char *path;
    uint32_t most; /* the length is below BLOCK + that */
} fields[] = {
    { "name", 64 },
    { "image", 300 },
    { "command", 60000 },
    { "status_message", 40 },
    { "unknown/deep/text", 5000 },
    { "tools/ssh/command", 200 },
    { "ssh_command", 200 },
    { "tools/big", 300000 },
    { "pricing/note", 9000 },
};
/* A convenience shows the bytes of another field. */
static const char letters[] = "abcdeffgh";
#define N_FIELDS (sizeof fields / sizeof *fields)

typedef struct {
    int fd;
    unsigned field;
    uint32_t version;
    size_t size;
    char name[64]; /* for messages */
} File;

typedef struct {
    const char *mountpoint;
    unsigned instances;
    uint64_t dice;
    int scratch; /* a file to copy into */
    File held[HELD];
    uint32_t first_version, last_version, steps_back;
    uint64_t opens, reads;
    char *buffer, *expected;
} Reader;

static void die(const File *file, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "fsx: ");
    if (file != NULL)
        fprintf(stderr, "%s, version %u, %zu bytes: ", file->name, file->version, file->size);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    _exit(1);
}

static uint32_t roll(Reader *reader, uint32_t n)
{
    reader->dice ^= reader->dice << 13;
    reader->dice ^= reader->dice >> 7;
    reader->dice ^= reader->dice << 17;
    return (uint32_t)((reader->dice >> 11) % n);
}

/* What the API says: without the newline that a file ends with. */
static size_t text_length(unsigned field, uint32_t version)
{
    return BLOCK +
           (version * 7919u + (unsigned)(letters[field] - 'a') * 104729u) % fields[field].most;
}

static size_t file_size(unsigned field, uint32_t version)
{
    size_t length = text_length(field, version);

    return length + (length % BLOCK != 0);
}

static void write_expected(char *out, unsigned field, uint32_t version)
{
    size_t length = text_length(field, version);

    for (size_t at = 0; at < length; at += BLOCK) {
        char block[64];

        snprintf(block, sizeof block, "%08u%c%06zu\n", version, letters[field], at / BLOCK);
        memcpy(out + at, block, BLOCK);
    }
    out[length] = '\n';
}

static void compare(Reader *reader, const File *file, const char *how, const char *got,
                    size_t offset, size_t length)
{
    write_expected(reader->expected, file->field, file->version);
    if (memcmp(got, reader->expected + offset, length) == 0)
        return;
    size_t at = 0;
    while (got[at] == reader->expected[offset + at])
        at++;
    die(file, "%s of %zu at %zu: byte %zu is '%.16s', not '%.16s'", how, length, offset,
        offset + at, got + at, reader->expected + offset + at);
}

/* The bytes that @n read at @offset must have brought. */
static size_t available(const File *file, size_t offset, size_t n)
{
    return offset >= file->size ? 0 : (n < file->size - offset ? n : file->size - offset);
}

static size_t random_offset(Reader *reader, const File *file)
{
    return roll(reader, 8) == 0 ? file->size + roll(reader, 3)
                                : roll(reader, (uint32_t)file->size + 1);
}

static size_t random_length(Reader *reader)
{
    static const uint32_t most[] = { 2, BLOCK, 4097, 140000, LONGEST };

    return 1 + roll(reader, most[roll(reader, 5)]);
}

static void check(Reader *reader, const File *file, const char *how, ssize_t got, size_t offset,
                  size_t length)
{
    if (got < 0)
        die(file, "%s of %zu at %zu: %s", how, length, offset, strerror(errno));
    if ((size_t)got != available(file, offset, length))
        die(file, "%s of %zu at %zu: %zd bytes", how, length, offset, got);
    compare(reader, file, how, reader->buffer, offset, (size_t)got);
}

static void try_pread(Reader *reader, const File *file)
{
    size_t offset = random_offset(reader, file), length = random_length(reader);

    check(reader, file, "pread", pread(file->fd, reader->buffer, length, (off_t)offset), offset,
          length);
}

/* Past the page cache, through a descriptor of the same version. */
static void try_direct(Reader *reader, const File *file)
{
    size_t offset = random_offset(reader, file), length = random_length(reader);
    char name[64];

    snprintf(name, sizeof name, "/proc/self/fd/%d", file->fd);
    int fd = open(name, O_RDONLY | O_DIRECT);
    if (fd < 0)
        die(file, "open(O_DIRECT): %s", strerror(errno));
    check(reader, file, "direct read", pread(fd, reader->buffer, length, (off_t)offset), offset,
          length);
    close(fd);
}

static void try_readv(Reader *reader, const File *file)
{
    size_t offset = random_offset(reader, file), length = 0;
    struct iovec pieces[PIECES];

    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = (struct iovec){ reader->buffer + length, random_length(reader) / PIECES };
        length += pieces[i].iov_len;
    }
    check(reader, file, "preadv", preadv(file->fd, pieces, PIECES, (off_t)offset), offset, length);
}

static void seek_to(const File *file, off_t offset, int whence, off_t wanted)
{
    off_t got = lseek(file->fd, offset, whence);

    if (got != wanted)
        die(file, "lseek(%lld, %d): %lld, not %lld", (long long)offset, whence, (long long)got,
            (long long)wanted);
}

static void try_seek(Reader *reader, const File *file)
{
    size_t offset = random_offset(reader, file), length = random_length(reader);
    off_t size = (off_t)file->size, back = (off_t)roll(reader, (uint32_t)file->size + 1);

    seek_to(file, -back, SEEK_END, size - back);
    if ((off_t)offset < size) {
        seek_to(file, (off_t)offset, SEEK_DATA, (off_t)offset);
        seek_to(file, (off_t)offset, SEEK_HOLE, size);
    } else if (lseek(file->fd, (off_t)offset, SEEK_DATA) != -1 || errno != ENXIO) {
        die(file, "SEEK_DATA behind the end");
    }
    seek_to(file, (off_t)offset, SEEK_SET, (off_t)offset);
    check(reader, file, "read", read(file->fd, reader->buffer, length), offset, length);
    seek_to(file, 0, SEEK_CUR, (off_t)(offset + available(file, offset, length)));
}

static void try_mmap(Reader *reader, const File *file)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first = roll(reader, (uint32_t)(file->size / page + 1)) * page;
    size_t length = file->size - first;

    if (length == 0)
        return;
    char *map = mmap(NULL, length, PROT_READ, roll(reader, 2) ? MAP_SHARED : MAP_PRIVATE, file->fd,
                     (off_t)first);
    if (map == MAP_FAILED)
        die(file, "mmap of %zu at %zu: %s", length, first, strerror(errno));
    compare(reader, file, "mmap", map, first, length);
    for (size_t i = length; i % page != 0; i++)
        if (map[i] != 0)
            die(file, "mmap: byte %zu behind the end is not 0", first + i);
    munmap(map, length);
}

/* What was copied into the scratch file, from its start. */
static void check_copy(Reader *reader, const File *file, const char *how, size_t copied,
                       size_t offset, size_t length)
{
    if (pread(reader->scratch, reader->buffer, LONGEST, 0) != (ssize_t)copied)
        die(file, "%s: the copy has another size than was said", how);
    check(reader, file, how, (ssize_t)copied, offset, length);
}

static void try_sendfile(Reader *reader, const File *file)
{
    off_t offset = (off_t)random_offset(reader, file), from = offset;
    size_t length = random_length(reader), copied = 0;
    ssize_t n;

    if (ftruncate(reader->scratch, 0) != 0 || lseek(reader->scratch, 0, SEEK_SET) != 0)
        die(NULL, "scratch: %s", strerror(errno));
    while (copied < length &&
           (n = sendfile(reader->scratch, file->fd, &offset, length - copied)) != 0) {
        if (n < 0)
            die(file, "sendfile: %s", strerror(errno));
        copied += (size_t)n;
    }
    check_copy(reader, file, "sendfile", copied, (size_t)from, length);
}

static void try_copy(Reader *reader, const File *file)
{
    off_t from = (off_t)random_offset(reader, file), to = 0, start = from;
    size_t length = random_length(reader), copied = 0;
    ssize_t n = 0;

    if (ftruncate(reader->scratch, 0) != 0)
        die(NULL, "scratch: %s", strerror(errno));
    while (copied < length &&
           (n = copy_file_range(file->fd, &from, reader->scratch, &to, length - copied, 0)) > 0)
        copied += (size_t)n;
    if (n < 0 && errno == EXDEV) /* kernels differ on copies between file systems */
        return;
    if (n < 0)
        die(file, "copy_file_range: %s", strerror(errno));
    check_copy(reader, file, "copy_file_range", copied, (size_t)start, length);
}

/* Lets the kernel forget the pages, so that the next read asks the daemon again. */
static void try_forget_pages(Reader *reader, const File *file)
{
    (void)reader;
    posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void try_stat(Reader *reader, const File *file)
{
    struct stat attr;

    (void)reader;
    if (fstat(file->fd, &attr) != 0)
        die(file, "fstat: %s", strerror(errno));
    if ((size_t)attr.st_size != file->size)
        die(file, "fstat says %lld bytes", (long long)attr.st_size);
}

static void (*const ways[])(Reader *reader, const File *file) = {
    try_pread, try_direct,   try_readv, try_seek,         try_mmap,
    try_stat,  try_sendfile, try_copy,  try_forget_pages,
};
#define N_WAYS (sizeof ways / sizeof *ways)

static uint32_t version_of(const File *file)
{
    char digits[VERSION_DIGITS + 1] = { 0 };

    if (pread(file->fd, digits, VERSION_DIGITS, 0) != VERSION_DIGITS)
        die(file, "has no version");
    for (unsigned i = 0; i < VERSION_DIGITS; i++)
        if (!isdigit((unsigned char)digits[i]))
            die(file, "begins with '%s'", digits);
    return (uint32_t)strtoul(digits, NULL, 10);
}

static void note_version(Reader *reader, uint32_t version)
{
    if (reader->first_version == 0)
        reader->first_version = version;
    reader->steps_back += version < reader->last_version;
    reader->last_version = version;
}

static void open_file(Reader *reader, File *file)
{
    char path[4096];
    struct stat attr;

    file->field = roll(reader, N_FIELDS);
    snprintf(file->name, sizeof file->name, "instances/flip%u/%s", roll(reader, reader->instances),
             fields[file->field].path);
    snprintf(path, sizeof path, "%s/%s", reader->mountpoint, file->name);
    file->fd = open(path, O_RDONLY);
    if (file->fd < 0)
        die(file, "open: %s", strerror(errno));
    if (fstat(file->fd, &attr) != 0)
        die(file, "fstat: %s", strerror(errno));
    file->version = version_of(file);
    file->size = (size_t)attr.st_size;
    if (file->size != file_size(file->field, file->version))
        die(file, "must have %zu bytes", file_size(file->field, file->version));
    note_version(reader, file->version);
    reader->opens++;
}

static void exercise(Reader *reader, const File *file)
{
    ways[roll(reader, N_WAYS)](reader, file);
    reader->reads++;
}

static void run_reader(Reader *reader, time_t end)
{
    for (unsigned turn = 0; time(NULL) < end; turn++) {
        unsigned held = turn < HELD ? turn + 1 : HELD;
        File *file = &reader->held[turn < HELD ? turn : roll(reader, HELD)];

        if (turn >= HELD)
            close(file->fd);
        open_file(reader, file);
        for (unsigned i = 0; i < READS_PER_OPEN; i++)
            exercise(reader, &reader->held[roll(reader, held)]);
    }
}

static void reader_main(const char *const *arguments, unsigned number)
{
    Reader reader = {
        .mountpoint = arguments[1],
        .instances = (unsigned)atoi(arguments[5]),
        .dice = strtoull(arguments[4], NULL, 10) * 1000003 + number + 1,
        .scratch = memfd_create("copy", MFD_CLOEXEC),
        .buffer = malloc(2 * LONGEST),
        .expected = malloc(2 * LONGEST),
    };

    if (reader.scratch < 0 || reader.buffer == NULL || reader.expected == NULL)
        die(NULL, "no memory");
    for (unsigned i = 0; i < 20; i++)
        roll(&reader, 2);
    run_reader(&reader, time(NULL) + atoi(arguments[2]));
    printf("reader %u: %lu opens, %lu reads, versions %u to %u, %u times an older one\n", number,
           (unsigned long)reader.opens, (unsigned long)reader.reads, reader.first_version,
           reader.last_version, reader.steps_back);
    if (fflush(stdout) != 0)
        die(NULL, "its result: %s", strerror(errno));
    _exit(0);
}

int main(int argc, char **argv)
{
    int status, failed = 0;

    if (argc != 6) {
        fprintf(stderr, "usage: fsx MOUNTPOINT SECONDS READERS SEED INSTANCES\n");
        return 2;
    }
    for (int i = 0; i < atoi(argv[3]); i++) {
        pid_t child = fork();
        if (child < 0)
            die(NULL, "fork: %s", strerror(errno));
        if (child == 0)
            reader_main((const char *const *)argv, (unsigned)i);
    }
    while (wait(&status) > 0)
        failed |= status;
    return failed != 0;
}
