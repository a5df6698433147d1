/*
 * Faults of disk and clock, inside the process that suffers them. Loaded before the C library (LD_PRELOAD), and again under the
 * name libc.so, since .NET asks that library by name for the calls it lacks.
 *
 * What to do is read from a file mapped into memory, struct orders below; Shim.cs writes it while the process runs. Only files
 * under SHIM_DATA are touched, and only the wall clock: a monotonic clock never jumps.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct orders {
    int64_t clock_offset_nanos; /* Added to the wall clock. */
    int64_t sync_delay_micros;  /* Before each sync. */
    int64_t write_delay_micros; /* Before each write, and each sync. */
    int64_t syncs_to_fail;      /* So many syncs more fail with EIO. */
    int64_t writes_to_fail;     /* So many writes more fail with EIO. */
    int64_t calls_to_crash;     /* At this write, sync, rename or unlink from now on the process is killed; 0: none. */
    /* Answers: how often that was done. */
    int64_t delays;
    int64_t failed_syncs;
    int64_t failed_writes;
    int64_t crashes;
    int64_t clock_reads;        /* The wall clock was read with an offset. */
};

static struct orders none;
static volatile struct orders *orders = &none;
static const char *data = "/nowhere";
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void load(void) {
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("SHIM_ORDERS");
    if (getenv("SHIM_DATA")) data = getenv("SHIM_DATA");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *map = mmap(NULL, sizeof(struct orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) orders = map;
    close(fd);
}

/* Takes one of a stock that others take from too. */
static int take(volatile int64_t *stock) {
    int64_t left = __atomic_load_n(stock, __ATOMIC_RELAXED);
    while (left > 0)
        if (__atomic_compare_exchange_n(stock, &left, left - 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) return (int)(left == 1) + 1;
    return 0;
}

static int is_data(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, data, strlen(data)) == 0;
}

static void count(volatile int64_t *answer) { __atomic_add_fetch(answer, 1, __ATOMIC_RELAXED); }

static void maybe_crash(void) {
    if (take(&orders->calls_to_crash) == 2) {
        count(&orders->crashes);
        kill(getpid(), SIGKILL);
    }
}

static int fails(volatile int64_t *left, volatile int64_t *answer) {
    if (!take(left)) return 0;
    count(answer);
    errno = EIO;
    return 1;
}

static void wait_micros(int64_t delay) {
    if (delay <= 0) return;
    count(&orders->delays);
    struct timespec wait = {delay / 1000000, delay % 1000000 * 1000};
    while (nanosleep(&wait, &wait) < 0 && errno == EINTR) {}
}

static int before_sync(int fd) {
    if (!is_data(fd)) return 0;
    maybe_crash();
    wait_micros(orders->sync_delay_micros + orders->write_delay_micros);
    return fails(&orders->syncs_to_fail, &orders->failed_syncs);
}

static int before_write(int fd) {
    if (orders->calls_to_crash == 0 && orders->writes_to_fail == 0 && orders->write_delay_micros == 0) return 0;
    if (!is_data(fd)) return 0;
    maybe_crash();
    wait_micros(orders->write_delay_micros);
    return fails(&orders->writes_to_fail, &orders->failed_writes);
}

int fsync(int fd) { return before_sync(fd) ? -1 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return before_sync(fd) ? -1 : (int)syscall(SYS_fdatasync, fd); }

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return before_write(fd) ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return pwrite(fd, bytes, count, at); }

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return before_write(fd) ? -1 : (ssize_t)syscall(SYS_pwritev, fd, parts, (long)count, (long)at, (long)((uint64_t)at >> 32));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return pwritev(fd, parts, count, at); }

int rename(const char *from, const char *to) {
    if (strncmp(to, data, strlen(data)) == 0) maybe_crash();
    return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *path) {
    if (strncmp(path, data, strlen(data)) == 0) maybe_crash();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static int64_t clock_offset(void) {
    int64_t offset = orders->clock_offset_nanos;
    if (offset) count(&orders->clock_reads);
    return offset;
}

static void shift(struct timespec *time) {
    int64_t offset = clock_offset();
    int64_t nanos = time->tv_nsec + offset % 1000000000;
    time->tv_sec += offset / 1000000000;
    if (nanos < 0) { nanos += 1000000000; time->tv_sec--; }
    if (nanos >= 1000000000) { nanos -= 1000000000; time->tv_sec++; }
    time->tv_nsec = nanos;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = real_clock_gettime ? real_clock_gettime(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(time);
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}
