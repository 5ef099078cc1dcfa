/* Ways to what lies outside: argument 0 is a file, 1 its directory, 2 its name there,
 * 3 a place in the workspace that is free. */
#include "attack.h"
#include <linux/io_uring.h>
#include <sys/inotify.h>
#include <sys/fanotify.h>
#include <linux/openat2.h>

static int by_open(char **a) { return dump(syscall(SYS_open, a[0], O_RDONLY)); }
static int by_openat(char **a) { return dump(syscall(SYS_openat, AT_FDCWD, a[0], O_RDONLY)); }
static int by_openat2(char **a)
{
	struct open_how how = { .flags = O_RDONLY };
	return dump(syscall(SYS_openat2, AT_FDCWD, a[0], &how, sizeof how));
}
static int by_directory_handle(char **a)
{
	int directory = open(a[1], O_PATH | O_DIRECTORY);
	return directory == -1 ? errno : dump(openat(directory, a[2], O_RDONLY));
}
static int by_path_handle(char **a)
{
	char link[64];
	int fd = open(a[0], O_PATH);
	if (fd == -1)
		return errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	return dump(open(link, O_RDONLY));
}
static int by_thread_link(char **a)
{
	char link[64];
	int fd = open(a[0], O_PATH);
	if (fd == -1)
		return errno;
	snprintf(link, sizeof link, "/proc/thread-self/fd/%d", fd);
	return dump(open(link, O_RDONLY));
}
static int by_dev_fd(char **a)
{
	char link[64];
	int fd = open(a[0], O_PATH);
	if (fd == -1)
		return errno;
	snprintf(link, sizeof link, "/dev/fd/%d", fd);
	return dump(open(link, O_RDONLY));
}
static int by_own_link(char **a)
{
	return symlink(a[0], a[3]) ? errno : dump(open(a[3], O_RDONLY));
}
static int by_own_directory_link(char **a)
{
	char path[PATH_MAX];
	if (symlink(a[1], a[3]))
		return errno;
	snprintf(path, sizeof path, "%s/%s", a[3], a[2]);
	return dump(open(path, O_RDONLY));
}
static int by_dots(char **a)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "../outside/%s", a[2]);
	return dump(open(path, O_RDONLY));
}
static int by_self_root(char **a)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "/proc/self/root%s", a[0]);
	return dump(open(path, O_RDONLY));
}
static int by_self_cwd(char **a)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "/proc/self/cwd/../outside/%s", a[2]);
	return dump(open(path, O_RDONLY));
}
static int by_parent_root(char **a)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "/proc/%d/root%s", getppid(), a[0]);
	return dump(open(path, O_RDONLY));
}
static int by_working_directory(char **a)
{
	return chdir(a[1]) ? errno : dump(open(a[2], O_RDONLY));
}
static int by_mapping(char **a)
{
	int fd = open(a[0], O_RDONLY);
	char *bytes = fd == -1 ? MAP_FAILED : mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return errno;
	printf("%s", bytes);
	return 0;
}
static int by_listing(char **a) { return list(open(a[1], O_RDONLY | O_DIRECTORY)); }
static int by_listing_a_handle(char **a)
{
	char link[64];
	int fd = open(a[1], O_PATH | O_DIRECTORY);
	if (fd == -1)
		return errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	return list(open(link, O_RDONLY | O_DIRECTORY));
}
static int by_listing_from_handle(char **a)
{
	int fd = open(a[1], O_PATH | O_DIRECTORY);
	return fd == -1 ? errno : list(openat(fd, ".", O_RDONLY | O_DIRECTORY));
}
static int by_file_handle(char **a)
{
	char space[sizeof(struct file_handle) + 128];
	struct file_handle *handle = (void *)space;
	int mount, root;
	handle->handle_bytes = 128;
	if (syscall(SYS_name_to_handle_at, AT_FDCWD, a[0], handle, &mount, 0))
		return errno;
	root = open(".", O_RDONLY);
	return dump(syscall(SYS_open_by_handle_at, root, handle, O_RDONLY));
}
static int by_io_uring(char **a)
{
	struct io_uring_params p = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &p);
	if (ring == -1)
		return errno;
	char *sq = mmap(0, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	char *cq = mmap(0, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	struct io_uring_sqe *entry = mmap(0, 4 * sizeof *entry, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || entry == MAP_FAILED)
		return errno;
	memset(entry, 0, sizeof *entry);
	entry->opcode = IORING_OP_OPENAT;
	entry->fd = AT_FDCWD;
	entry->addr = (uintptr_t)a[0];
	((unsigned *)(sq + p.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) == -1)
		return errno;
	int fd = ((struct io_uring_cqe *)(cq + p.cq_off.cqes))->res;
	return fd < 0 ? -fd : dump(fd);
}
static int by_hard_link(char **a)
{
	return CALL(SYS_link, a[0], a[3]) ?: dump(open(a[3], O_RDONLY));
}
static int by_handle_hard_link(char **a)
{
	char link[64];
	int fd = open(a[0], O_PATH);
	if (fd == -1)
		return errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	return CALL(SYS_linkat, AT_FDCWD, link, AT_FDCWD, a[3], AT_SYMLINK_FOLLOW)
		?: dump(open(a[3], O_RDONLY));
}
static int by_renaming_in(char **a)
{
	return CALL(SYS_rename, a[0], a[3]) ?: dump(open(a[3], O_RDONLY));
}
static int by_exchanging(char **a)
{
	close(open(a[3], O_CREAT | O_WRONLY, 0600));
	return CALL(SYS_renameat2, AT_FDCWD, a[0], AT_FDCWD, a[3], 2) ?: dump(open(a[3], O_RDONLY));
}
static int by_bind_mount(char **a)
{
	if (syscall(SYS_unshare, 0x00020000 /* CLONE_NEWNS */))
		return errno;
	syscall(SYS_mount, "none", "/", 0, 0x44000 /* MS_REC | MS_PRIVATE */, 0);
	mkdir(a[3], 0700);
	if (syscall(SYS_mount, a[1], a[3], 0, 0x1000 /* MS_BIND */, 0))
		return errno;
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", a[3], a[2]);
	return dump(open(path, O_RDONLY));
}
static int by_open_tree(char **a)
{
	int tree = syscall(428, AT_FDCWD, a[1], 0);
	return tree == -1 ? errno : dump(openat(tree, a[2], O_RDONLY));
}
static int by_new_root(char **a)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "/%s", a[2]);
	return CALL(SYS_chroot, a[1]) ?: dump(open(path, O_RDONLY));
}
static int by_execution(char **a)
{
	char *argument[] = { a[0], 0 }, *none[] = { 0 };
	syscall(SYS_execve, a[0], argument, none);
	return errno;
}
static int by_handle_execution(char **a)
{
	char *argument[] = { a[0], 0 }, *none[] = { 0 };
	int fd = open(a[0], O_PATH);
	if (fd == -1)
		return errno;
	syscall(SYS_execveat, fd, "", argument, none, AT_EMPTY_PATH);
	return errno;
}
static int by_loader(char **a)
{
	int status, pid = fork();
	if (pid == 0) {
		execl("/lib64/ld-linux-x86-64.so.2", "ld.so", a[0], (char *)0);
		_exit(126);
	}
	waitpid(pid, &status, 0);
	/* The loader has no errno to tell: 127 is its answer to a file that it cannot open. */
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EACCES;
}
static int by_watching(char **a)
{
	char event[4096];
	int fd = inotify_init1(IN_NONBLOCK);
	if (fd == -1 || syscall(SYS_inotify_add_watch, fd, a[1], IN_ALL_EVENTS) == -1)
		return errno;
	printf("watching");
	return read(fd, event, sizeof event) == -1 && errno != EAGAIN ? errno : 0;
}
static int by_fanotify(char **a)
{
	int fd = syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);
	if (fd == -1)
		return errno;
	if (syscall(SYS_fanotify_mark, fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, a[1]))
		return errno;
	printf("watching");
	return 0;
}
/* The parent's own files in proc: argument 0 is one of environ, mem, maps, ... */
static int of_parent(char **a)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "/proc/%s/%s", a[1], a[0]);
	int fd = open(path, O_RDONLY);
	if (fd == -1)
		return errno;
	printf("opened");
	return 0;
}
static int list_of(char **a) { return list(open(a[0], O_RDONLY | O_DIRECTORY)); }
/* Lists every directory and reads every file among the descriptors that were inherited. */
static int inherited(char **a)
{
	struct stat found;
	for (int fd = 0; fd < 1024; fd++) {
		if (fstat(fd, &found))
			continue;
		if (fd > 2)
			printf("descriptor %d\n", fd);
		if (S_ISDIR(found.st_mode))
			list(fd);
		if (S_ISREG(found.st_mode))
			printf("regular %d\n", fd);
	}
	return a[0] != 0;
}

const struct entry reading[] = {
	{ "open", by_open }, { "openat", by_openat }, { "openat2", by_openat2 },
	{ "directory-handle", by_directory_handle }, { "path-handle", by_path_handle },
	{ "thread-link", by_thread_link }, { "dev-fd", by_dev_fd }, { "own-link", by_own_link },
	{ "own-directory-link", by_own_directory_link }, { "dots", by_dots },
	{ "self-root", by_self_root }, { "self-cwd", by_self_cwd }, { "parent-root", by_parent_root },
	{ "working-directory", by_working_directory }, { "mapping", by_mapping },
	{ "listing", by_listing }, { "listing-a-handle", by_listing_a_handle },
	{ "listing-from-handle", by_listing_from_handle }, { "file-handle", by_file_handle },
	{ "io-uring", by_io_uring }, { "hard-link", by_hard_link },
	{ "handle-hard-link", by_handle_hard_link }, { "renaming-in", by_renaming_in },
	{ "exchanging", by_exchanging }, { "bind-mount", by_bind_mount }, { "open-tree", by_open_tree },
	{ "new-root", by_new_root }, { "execution", by_execution },
	{ "handle-execution", by_handle_execution }, { "loader", by_loader },
	{ "watching", by_watching }, { "fanotify", by_fanotify }, { "of-process", of_parent },
	{ "list", list_of }, { "inherited", inherited }, { 0, 0 },
};
