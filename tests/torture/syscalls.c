/* Preloaded, it makes a process fail or die in place of its k-th system call that changes files, opens or locks them.
 *
 * It arms itself when the process opens the file that SYSCALLS_CONTROL names, whose lines are: k, the action, the file
 * to list the calls in (or "-"), and the directories below which calls count. The action is "kill" (in place of the
 * call), "half" (a write is done by half first, then killed), "short" (a write is done by half), or an errno.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char control[8192];
static char *action, *roots[16];
static int root_count, log_fd = -1;
static volatile int armed;
static long target, calls;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

enum verdict { GO, HALF, SHORT, FAIL };

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

static void arm(const char *path) {
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : syscall(SYS_read, fd, control, sizeof control - 1);
    if (fd >= 0) syscall(SYS_close, fd);
    if (size < 0) { fprintf(stderr, "syscalls.c: %s cannot be read\n", path); abort(); }
    control[size] = 0;
    char *rest = control, *line = strsep(&rest, "\n");
    target = atol(line);
    action = strsep(&rest, "\n");
    char *log = strsep(&rest, "\n");
    if (log_fd >= 0) syscall(SYS_close, log_fd);
    log_fd = strcmp(log, "-") ? (int) syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    for (root_count = 0; root_count < 16 && (line = strsep(&rest, "\n")) && *line;) roots[root_count++] = line;
    calls = 0;
    armed = 1;
}

static int counts(const char *path) {
    for (int i = 0; path && i < root_count; i++) {
        size_t length = strlen(roots[i]);
        if (!strncmp(path, roots[i], length) && (!path[length] || path[length] == '/')) return 1;
    }
    return 0;
}

static enum verdict reached(const char *name, const char *path) {
    char line[PATH_MAX + 64];
    enum verdict verdict = GO;
    pthread_mutex_lock(&mutex);
    long number = ++calls;
    if (log_fd >= 0) {
        int size = snprintf(line, sizeof line, "%s %s\n", name, path);
        syscall(SYS_write, log_fd, line, size);
    }
    pthread_mutex_unlock(&mutex);
    if (number == target) {
        if (!strcmp(action, "kill")) die();
        if (!strcmp(action, "half")) verdict = HALF;
        else if (!strcmp(action, "short")) verdict = SHORT;
        else if (atoi(action)) { errno = atoi(action); verdict = FAIL; }
    }
    return verdict;
}

static enum verdict at_fd(const char *name, int fd) {
    char link[64], path[PATH_MAX];
    if (!armed) return GO;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (size < 0) return GO;
    path[size] = 0;
    return counts(path) ? reached(name, path) : GO;
}

static enum verdict at_path(const char *name, int dirfd, const char *path) {
    char link[64], base[PATH_MAX], whole[2 * PATH_MAX];
    if (!armed || !path) return GO;
    if (path[0] == '/') return counts(path) ? reached(name, path) : GO;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
    ssize_t size = dirfd == AT_FDCWD ? (getcwd(base, sizeof base) ? (ssize_t) strlen(base) : -1)
                                     : readlink(link, base, sizeof base - 1);
    errno = saved;
    if (size < 0) return GO;
    base[size] = 0;
    snprintf(whole, sizeof whole, "%s/%s", base, path);
    return counts(whole) ? reached(name, whole) : GO;
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__)) dlsym(RTLD_NEXT, name);

#define OPENER(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...) \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        const char *at = getenv("SYSCALLS_CONTROL"); \
        if (at && path && !strcmp(path, at)) arm(path); \
        return at_path("open", AT_FDCWD, path) == FAIL ? -1 : real(path, flags, mode); \
    }
#define OPENER_AT(name) \
    int name(int dir, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...) \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        return at_path("open", dir, path) == FAIL ? -1 : real(dir, path, flags, mode); \
    }
/* A call by path: its name, the name to show, its parameters, its arguments, the directory and the path to look at. */
#define BY_PATH(name, parameters, arguments, dir, path) \
    int name parameters { \
        static int (*real) parameters; \
        if (!real) real = (int (*) parameters) dlsym(RTLD_NEXT, #name); \
        return at_path(#name, dir, path) == FAIL ? -1 : real arguments; \
    }
#define BY_FD(name, parameters, arguments, fd) \
    int name parameters { \
        static int (*real) parameters; \
        if (!real) real = (int (*) parameters) dlsym(RTLD_NEXT, #name); \
        return at_fd(#name, fd) == FAIL ? -1 : real arguments; \
    }

OPENER(open)
OPENER(open64)
OPENER_AT(openat)
OPENER_AT(openat64)
BY_PATH(mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
BY_PATH(mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), dir, path)
BY_PATH(rmdir, (const char *path), (path), AT_FDCWD, path)
BY_PATH(unlink, (const char *path), (path), AT_FDCWD, path)
BY_PATH(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), dir, path)
BY_PATH(rename, (const char *path, const char *to), (path, to), AT_FDCWD, to)
BY_PATH(renameat, (int dir, const char *path, int dir2, const char *to), (dir, path, dir2, to), dir2, to)
BY_PATH(link, (const char *path, const char *to), (path, to), AT_FDCWD, to)
BY_PATH(linkat, (int dir, const char *path, int dir2, const char *to, int flags), (dir, path, dir2, to, flags), dir2, to)
BY_PATH(symlink, (const char *path, const char *to), (path, to), AT_FDCWD, to)
BY_PATH(chmod, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
BY_PATH(fchmodat, (int dir, const char *path, mode_t mode, int flags), (dir, path, mode, flags), dir, path)
BY_PATH(chown, (const char *path, uid_t user, gid_t group), (path, user, group), AT_FDCWD, path)
BY_PATH(utimes, (const char *path, const struct timeval *times), (path, times), AT_FDCWD, path)
BY_PATH(lutimes, (const char *path, const struct timeval *times), (path, times), AT_FDCWD, path)
BY_PATH(utimensat, (int dir, const char *path, const struct timespec *times, int flags), (dir, path, times, flags), dir, path)
BY_PATH(truncate, (const char *path, off_t size), (path, size), AT_FDCWD, path)
BY_PATH(truncate64, (const char *path, off64_t size), (path, size), AT_FDCWD, path)
BY_FD(ftruncate, (int fd, off_t size), (fd, size), fd)
BY_FD(ftruncate64, (int fd, off64_t size), (fd, size), fd)
BY_FD(fchmod, (int fd, mode_t mode), (fd, mode), fd)
BY_FD(fchown, (int fd, uid_t user, gid_t group), (fd, user, group), fd)
BY_FD(futimes, (int fd, const struct timeval *times), (fd, times), fd)
BY_FD(futimens, (int fd, const struct timespec *times), (fd, times), fd)

DIR *opendir(const char *path) {
    REAL(DIR *, "opendir", const char *)
    return at_path("opendir", AT_FDCWD, path) == FAIL ? NULL : real(path);
}

static int is_lock(int command) {
    return command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_SETLK || command == F_SETLKW;
}

#define CONTROLLER(name) \
    int name(int fd, int command, ...) { \
        REAL(int, #name, int, int, ...) \
        va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest); \
        if (armed && is_lock(command)) { \
            const char *shown = ((struct flock *) argument)->l_type == F_UNLCK ? "unlock" : "lock"; \
            if (at_fd(shown, fd) == FAIL) return -1; \
        } \
        return real(fd, command, argument); \
    }
CONTROLLER(fcntl)
CONTROLLER(fcntl64)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t)
    enum verdict verdict = at_fd("write", fd);
    if (verdict == FAIL) return -1;
    ssize_t written = real(fd, data, verdict == GO || size < 2 ? size : size / 2);
    if (verdict == HALF) die();
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int)
    enum verdict verdict = at_fd("writev", fd);
    if (verdict == FAIL) return -1;
    if (verdict == GO) return real(fd, parts, count);
    struct iovec half = { parts[0].iov_base, (parts[0].iov_len + 1) / 2 };
    ssize_t written = real(fd, &half, 1);
    if (verdict == HALF) die();
    return written;
}

#define WRITER_AT(name, offset) \
    ssize_t name(int fd, const void *data, size_t size, offset at) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset) \
        enum verdict verdict = at_fd("pwrite", fd); \
        if (verdict == FAIL) return -1; \
        ssize_t written = real(fd, data, verdict == GO || size < 2 ? size : size / 2, at); \
        if (verdict == HALF) die(); \
        return written; \
    }
WRITER_AT(pwrite, off_t)
WRITER_AT(pwrite64, off64_t)
