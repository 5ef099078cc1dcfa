/* Changes of content and names: argument 0 is a file, 1 an empty directory, 2 a free name
 * beside them, 3 a file in the workspace. */
#include "attack.h"

static int by_writing(char **a)
{
	int fd = open(a[0], O_WRONLY);
	return fd == -1 || write(fd, "x", 1) != 1 ? errno : 0;
}
static int by_appending(char **a)
{
	int fd = open(a[0], O_WRONLY | O_APPEND);
	return fd == -1 || write(fd, "x", 1) != 1 ? errno : 0;
}
static int by_creat(char **a) { return CALL(SYS_creat, a[0], 0600); }
static int by_emptying(char **a) { return CALL(SYS_open, a[0], O_WRONLY | O_TRUNC); }
static int by_emptying_reader(char **a) { return CALL(SYS_open, a[0], O_RDONLY | O_TRUNC); }
static int by_emptying_odd(char **a) { return CALL(SYS_open, a[0], O_ACCMODE | O_TRUNC); }
static int by_truncate(char **a) { return CALL(SYS_truncate, a[0], 1L); }
static int by_fallocate(char **a)
{
	int fd = open(a[0], O_RDWR);
	return fd == -1 ? errno : CALL(SYS_fallocate, fd, 0, 0L, 1L << 16);
}
static int by_shared_mapping(char **a)
{
	int fd = open(a[0], O_RDWR);
	char *bytes = fd == -1 ? MAP_FAILED : mmap(0, 4096, PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return errno;
	bytes[0] = 'x';
	return CALL(SYS_msync, bytes, 4096, MS_SYNC);
}
static int by_copy_file_range(char **a)
{
	int from = open(a[3], O_RDONLY), to = open(a[0], O_WRONLY);
	return from == -1 || to == -1 || syscall(SYS_copy_file_range, from, 0, to, 0, 4, 0) == -1 ? errno : 0;
}
static int by_sendfile(char **a)
{
	int from = open(a[3], O_RDONLY), to = open(a[0], O_WRONLY);
	return from == -1 || to == -1 || syscall(SYS_sendfile, to, from, 0, 4) == -1 ? errno : 0;
}
static int by_splice(char **a)
{
	int ends[2], to = open(a[0], O_WRONLY);
	if (to == -1 || pipe(ends) || write(ends[1], "xxxx", 4) != 4)
		return errno;
	return syscall(SYS_splice, ends[0], 0, to, 0, 4, 0) == -1 ? errno : 0;
}
static int by_reopening(char **a)
{
	char link[64];
	int fd = open(a[0], O_PATH);
	if (fd == -1)
		return errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	fd = open(link, O_WRONLY | O_TRUNC);
	return fd == -1 ? errno : 0;
}
static int by_creating(char **a) { return CALL(SYS_open, a[2], O_CREAT | O_WRONLY, 0600); }
static int by_unnamed_file(char **a)
{
	char link[64];
	int fd = open(a[1], O_TMPFILE | O_RDWR, 0600);
	if (fd == -1)
		return errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	return CALL(SYS_linkat, AT_FDCWD, link, AT_FDCWD, a[2], AT_SYMLINK_FOLLOW);
}
static int by_mkdir(char **a) { return CALL(SYS_mkdir, a[2], 0700); }
static int by_mkdirat(char **a) { return CALL(SYS_mkdirat, AT_FDCWD, a[2], 0700); }
static int by_mkfifo(char **a) { return CALL(SYS_mknod, a[2], S_IFIFO | 0600, 0); }
static int by_mknod_file(char **a) { return CALL(SYS_mknodat, AT_FDCWD, a[2], S_IFREG | 0600, 0); }
static int by_device(char **a) { return CALL(SYS_mknod, a[2], S_IFCHR | 0600, 0x103); }
static int by_symlink(char **a) { return CALL(SYS_symlink, "target", a[2]); }
static int by_link(char **a) { return CALL(SYS_link, a[0], a[2]); }
static int by_linking_out(char **a) { return CALL(SYS_link, a[3], a[2]); }
static int by_unlink(char **a) { return CALL(SYS_unlink, a[0]); }
static int by_unlinkat(char **a) { return CALL(SYS_unlinkat, AT_FDCWD, a[0], 0); }
static int by_rmdir(char **a) { return CALL(SYS_rmdir, a[1]); }
static int by_unlinkat_dir(char **a) { return CALL(SYS_unlinkat, AT_FDCWD, a[1], AT_REMOVEDIR); }
static int by_rename(char **a) { return CALL(SYS_rename, a[0], a[2]); }
static int by_rename_directory(char **a) { return CALL(SYS_renameat, AT_FDCWD, a[1], AT_FDCWD, a[2]); }
static int by_replacing(char **a) { return CALL(SYS_rename, a[3], a[0]); }
static int by_renaming_out(char **a) { return CALL(SYS_renameat2, AT_FDCWD, a[3], AT_FDCWD, a[2], 0); }
static int by_unlink_from_handle(char **a)
{
	char *name = strrchr(a[0], '/');
	*name = 0;
	int directory = open(a[0], O_PATH | O_DIRECTORY);
	return directory == -1 ? errno : CALL(SYS_unlinkat, directory, name + 1, 0);
}
static int by_mkdir_from_handle(char **a)
{
	int directory = open(a[1], O_PATH | O_DIRECTORY);
	return directory == -1 ? errno : CALL(SYS_mkdirat, directory, "made", 0700);
}
static int by_socket_file(char **a)
{
	struct { unsigned short family; char path[108]; } address = { AF_UNIX, "" };
	int fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	if (fd == -1)
		return errno;
	/* Relative, because the path of a test's directory can be too long for a socket. */
	char *name = strrchr(a[2], '/');
	*name = 0;
	if (chdir(a[2]))
		return errno;
	strcpy(address.path, name + 1);
	return CALL(SYS_bind, fd, &address, sizeof address);
}
static int through_stdout(char **a)
{
	return CALL(SYS_ftruncate, a[0] ? 2 : 1, 0L);
}

const struct entry changing[] = {
	{ "write", by_writing }, { "append", by_appending }, { "creat", by_creat },
	{ "emptying", by_emptying }, { "emptying-reader", by_emptying_reader },
	{ "emptying-odd", by_emptying_odd }, { "truncate", by_truncate },
	{ "fallocate", by_fallocate }, { "shared-mapping", by_shared_mapping },
	{ "copy-file-range", by_copy_file_range },
	{ "sendfile", by_sendfile }, { "splice", by_splice }, { "reopening", by_reopening },
	{ "creating", by_creating }, { "unnamed-file", by_unnamed_file }, { "mkdir", by_mkdir },
	{ "mkdirat", by_mkdirat }, { "mkfifo", by_mkfifo }, { "mknod-file", by_mknod_file },
	{ "device", by_device }, { "symlink", by_symlink }, { "link", by_link },
	{ "linking-out", by_linking_out }, { "unlink", by_unlink }, { "unlinkat", by_unlinkat },
	{ "rmdir", by_rmdir }, { "unlinkat-dir", by_unlinkat_dir }, { "rename", by_rename },
	{ "rename-directory", by_rename_directory }, { "replacing", by_replacing },
	{ "renaming-out", by_renaming_out }, { "unlink-from-handle", by_unlink_from_handle },
	{ "mkdir-from-handle", by_mkdir_from_handle }, { "socket-file", by_socket_file }, { "ftruncate-stdout", through_stdout }, { 0, 0 },
};
