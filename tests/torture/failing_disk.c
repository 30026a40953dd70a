/* Preloaded, it makes system calls on paths below one directory fail: a disk with errors, for Python and the JVM.
 *
 * FAILING_DISK names the directory, FAILING_DISK_CONTROL a file that holds the struct below. It is mapped shared, so
 * that faults are turned on and off while processes run, and counted over all of them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, READ = 2, WRITE = 4, RENAME = 8, UNLINK = 16, MKDIR = 32, MAP = 64, STAT = 128, LIST = 256, CREATE = 512, LOCK = 1024 };

struct control {
    unsigned calls; /* which fail: the enum above */
    int error;      /* with this errno; 0: none fails */
    long first;     /* from the first-th call of those kinds on, counted from 1 */
    long last;      /* to this one; 0: for ever */
    long seen;
    long failed;
};

#define DESCRIPTORS 65536
static unsigned char below[DESCRIPTORS]; /* descriptors of files below the directory */
static struct control *control;
static char directory[PATH_MAX];
static size_t length;

static int inside(const char *path) {
    return control && path && !strncmp(path, directory, length) && (path[length] == '/' || !path[length]);
}

static int inside_at(int at, const char *path) {
    if (!control || !path) return 0;
    if (path[0] == '/' || at == AT_FDCWD) return inside(path);
    return at >= 0 && at < DESCRIPTORS && below[at];
}

static int known(int fd) { return control && fd >= 0 && fd < DESCRIPTORS && below[fd]; }

/* 1 if the call is to fail; errno is set. */
static int fails(unsigned call) {
    if (!control || !control->error || !(control->calls & call)) return 0;
    long number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
    if (number < control->first || (control->last && number > control->last)) return 0;
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    errno = control->error;
    return 1;
}

__attribute__((constructor)) static void start(void) {
    const char *where = getenv("FAILING_DISK"), *how = getenv("FAILING_DISK_CONTROL");
    if (!where || !how) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, how, O_RDWR | O_CLOEXEC);
    if (fd < 0) abort(); /* a test without its faults would prove nothing */
    void *mapped = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (mapped == MAP_FAILED) abort();
    length = strlen(where);
    memcpy(directory, where, length + 1);
    control = mapped;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int opened(int fd, int ours) {
    if (fd >= 0 && fd < DESCRIPTORS) below[fd] = (unsigned char)ours;
    return fd;
}

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int ours = inside(path); \
        return ours && fails(flags & O_CREAT ? CREATE : OPEN) ? -1 : opened(real(path, flags, mode), ours); \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name) \
    int name(int at, const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int ours = inside_at(at, path); \
        return ours && fails(flags & O_CREAT ? CREATE : OPEN) ? -1 : opened(real(at, path, flags, mode), ours); \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

int close(int fd) {
    REAL(close);
    if (fd >= 0 && fd < DESCRIPTORS) below[fd] = 0;
    return real(fd);
}

#define ON_FD(call, type, name, parameters, ...) \
    type name parameters { \
        REAL(name); \
        return known(fd) && fails(call) ? (type)-1 : real(__VA_ARGS__); \
    }
ON_FD(READ, ssize_t, read, (int fd, void *into, size_t size), fd, into, size)
ON_FD(READ, ssize_t, readv, (int fd, const struct iovec *into, int count), fd, into, count)
ON_FD(READ, ssize_t, pread, (int fd, void *into, size_t size, off_t at), fd, into, size, at)
ON_FD(READ, ssize_t, pread64, (int fd, void *into, size_t size, off64_t at), fd, into, size, at)
ON_FD(READ, ssize_t, preadv, (int fd, const struct iovec *into, int count, off_t at), fd, into, count, at)
ON_FD(READ, ssize_t, preadv64, (int fd, const struct iovec *into, int count, off64_t at), fd, into, count, at)
ON_FD(READ, ssize_t, preadv2, (int fd, const struct iovec *into, int count, off_t at, int how), fd, into, count, at, how)
ON_FD(READ, ssize_t, preadv64v2, (int fd, const struct iovec *into, int count, off64_t at, int how), fd, into, count, at, how)
ON_FD(WRITE, ssize_t, write, (int fd, const void *from, size_t size), fd, from, size)
ON_FD(WRITE, ssize_t, writev, (int fd, const struct iovec *from, int count), fd, from, count)
ON_FD(WRITE, ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), fd, from, size, at)
ON_FD(STAT, int, fstat, (int fd, struct stat *found), fd, found)
ON_FD(STAT, int, fstat64, (int fd, struct stat64 *found), fd, found)

#define ON_PATH(call, name, parameters, ...) \
    int name parameters { \
        REAL(name); \
        return inside(path) && fails(call) ? -1 : real(__VA_ARGS__); \
    }
#define ON_PATH_AT(call, name, parameters, ...) \
    int name parameters { \
        REAL(name); \
        return inside_at(at, path) && fails(call) ? -1 : real(__VA_ARGS__); \
    }
ON_PATH(RENAME, rename, (const char *path, const char *to), path, to)
ON_PATH_AT(RENAME, renameat, (int at, const char *path, int to_at, const char *to), at, path, to_at, to)
ON_PATH(RENAME, link, (const char *path, const char *to), path, to)
ON_PATH(UNLINK, unlink, (const char *path), path)
ON_PATH(UNLINK, rmdir, (const char *path), path)
ON_PATH_AT(UNLINK, unlinkat, (int at, const char *path, int how), at, path, how)
ON_PATH(MKDIR, mkdir, (const char *path, mode_t mode), path, mode)
ON_PATH_AT(MKDIR, mkdirat, (int at, const char *path, mode_t mode), at, path, mode)
ON_PATH(STAT, stat, (const char *path, struct stat *found), path, found)
ON_PATH(STAT, stat64, (const char *path, struct stat64 *found), path, found)
ON_PATH(STAT, lstat, (const char *path, struct stat *found), path, found)
ON_PATH(STAT, lstat64, (const char *path, struct stat64 *found), path, found)
ON_PATH_AT(STAT, fstatat, (int at, const char *path, struct stat *found, int how), at, path, found, how)
ON_PATH_AT(STAT, fstatat64, (int at, const char *path, struct stat64 *found, int how), at, path, found, how)

#define MAPS(name, offset) \
    void *name(void *where, size_t size, int protection, int flags, int fd, offset at) { \
        REAL(name); \
        return known(fd) && fails(MAP) ? MAP_FAILED : real(where, size, protection, flags, fd, at); \
    }
MAPS(mmap, off_t)
MAPS(mmap64, off64_t)

DIR *opendir(const char *path) {
    REAL(opendir);
    return inside(path) && fails(LIST) ? NULL : real(path);
}

/* A file system without locks. */
#define LOCKS(name) \
    int name(int fd, int command, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, command); \
        void *argument = va_arg(rest, void *); \
        va_end(rest); \
        int locks = command == F_OFD_SETLK || command == F_SETLK || command == F_SETLKW; \
        return locks && known(fd) && fails(LOCK) ? -1 : real(fd, command, argument); \
    }
LOCKS(fcntl)
LOCKS(fcntl64)
