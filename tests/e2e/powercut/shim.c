/* Remembers what a power cut would leave of the files below $POWERCUT_ROOT.
 *
 * Loaded with LD_PRELOAD. A file's content counts as stored when fsync or fdatasync of it has
 * returned, a name when fsync of its directory has. $POWERCUT_SHADOW receives
 *
 *     data/<inode>   content at the file's last sync
 *     names/<inode>  of a directory: "<inode> <name>" a line, as of its last sync
 *     graves/<n>     removed and replaced files, kept so that no inode number is used twice
 *
 * Each is replaced by rename, so that a kill in the middle leaves the one before: the sync that was
 * under way had not returned. Files and directories; nothing else is stored.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *root(void) { return getenv("POWERCUT_ROOT"); }

static void shadow(char *out, const char *what, unsigned long number)
{
    snprintf(out, PATH_MAX, "%s/%s%lu", getenv("POWERCUT_SHADOW"), what, number);
}

/* Whether path is the root directory or below it. */
static int is_ours(const char *path)
{
    const char *top = root();
    size_t length = top ? strlen(top) : 0;

    return length && !strncmp(path, top, length) && (!path[length] || path[length] == '/');
}

static void fail(const char *what)
{
    perror(what);
    _exit(99);
}

static void put(int handle, const char *data, ssize_t length)
{
    while (length > 0) {
        ssize_t done = write(handle, data, length);
        if (done < 0)
            fail("powercut: write");
        data += done;
        length -= done;
    }
}

static int begin(char *temp)
{
    shadow(temp, "temp", (unsigned long)gettid());
    int handle = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (handle < 0)
        fail("powercut: open");
    return handle;
}

static void finish(int handle, const char *temp, const char *target)
{
    close(handle);
    if (rename(temp, target))
        fail("powercut: rename");
}

static void keep_content(int source, ino_t inode)
{
    char temp[PATH_MAX], target[PATH_MAX], own[64], block[65536];
    int handle = begin(temp);
    ssize_t length;
    off_t offset = 0;

    /* The descriptor may be for writing only. */
    snprintf(own, sizeof own, "/proc/self/fd/%d", source);
    int reader = open(own, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        fail("powercut: open for reading");
    while ((length = pread(reader, block, sizeof block, offset)) > 0) {
        put(handle, block, length);
        offset += length;
    }
    close(reader);
    shadow(target, "data/", inode);
    finish(handle, temp, target);
}

static void keep_names(const char *path, ino_t inode)
{
    char temp[PATH_MAX], target[PATH_MAX], line[PATH_MAX];
    int handle = begin(temp);
    DIR *entries = opendir(path);
    struct dirent *entry;

    if (!entries)
        fail("powercut: opendir");
    while ((entry = readdir(entries)))
        if (entry->d_type == DT_REG || (entry->d_type == DT_DIR && entry->d_name[0] != '.'))
            put(handle, line, snprintf(line, sizeof line, "%lu %s\n",
                                       (unsigned long)entry->d_ino, entry->d_name));
    closedir(entries);
    shadow(target, "names/", inode);
    finish(handle, temp, target);
}

static void keep(int handle)
{
    char own[64], path[PATH_MAX];
    struct stat status;
    int saved = errno;

    snprintf(own, sizeof own, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(own, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        if (is_ours(path) && !fstat(handle, &status)) {
            if (S_ISDIR(status.st_mode))
                keep_names(path, status.st_ino);
            else if (S_ISREG(status.st_mode))
                keep_content(handle, status.st_ino);
        }
    }
    errno = saved;
}

int fsync(int handle)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(handle);
    if (!result)
        keep(handle);
    return result;
}

int fdatasync(int handle)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(handle);
    if (!result)
        keep(handle);
    return result;
}

/* The file at path is about to lose this name, perhaps its last. */
static void bury(const char *path)
{
    char grave[PATH_MAX];
    struct stat status;

    if (is_ours(path) && !lstat(path, &status) && S_ISREG(status.st_mode)) {
        shadow(grave, "graves/", status.st_ino);
        if (link(path, grave) && errno != EEXIST)
            fail("powercut: link");
    }
}

int unlink(const char *path)
{
    int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");

    bury(path);
    return real(path);
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");

    bury(to);
    return real(from, to);
}
