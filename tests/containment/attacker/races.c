/* Races with the supervisor: one thread makes a call over and over while another changes what
 * the call names. Argument 0 is a name in the workspace, 1 the file outside, 2 how many turns. */
#include "attack.h"
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

static char **names;
static char shared_path[PATH_MAX];
static volatile int done, shared_fd;

/* Swaps a link to the outside with a file of the workspace. */
static void *swap_links(void *nothing)
{
	char spare[PATH_MAX];
	snprintf(spare, sizeof spare, "%s.spare", names[0]);
	while (!done)
		syscall(SYS_renameat2, AT_FDCWD, names[0], AT_FDCWD, spare, 2);
	return nothing;
}
/* Writes one path over the other, in the memory that the call points to. */
static void *swap_memory(void *nothing)
{
	while (!done) {
		strcpy(shared_path, names[0]);
		strcpy(shared_path, names[1]);
	}
	return nothing;
}
/* Opens the outside and the inside, one after the other, under the same number. */
static void *swap_descriptors(void *nothing)
{
	int inside = open(names[0], O_RDONLY), outside = open(names[1], O_PATH);
	while (!done) {
		dup2(inside, shared_fd);
		dup2(outside, shared_fd);
	}
	return nothing;
}
static void change(const char *path)
{
	static const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	syscall(SYS_chmod, path, 0600);
	syscall(SYS_utimensat, AT_FDCWD, path, times, 0);
	syscall(SYS_setxattr, path, "user.race", "v", 1, 0);
	syscall(SYS_fchownat, AT_FDCWD, path, getuid(), getgid(), 0);
	syscall(SYS_truncate, path, 1L);
}
static void change_descriptor(int fd)
{
	static const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	syscall(SYS_fchmodat2, fd, "", 0600, AT_EMPTY_PATH);
	syscall(SYS_fchownat, fd, "", getuid(), getgid(), AT_EMPTY_PATH);
	syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH);
}
static int race(char **a, void *(*swapper)(void *), const char *path)
{
	pthread_t other;
	int turns = atoi(a[2]);
	names = a;
	if (pthread_create(&other, 0, swapper, 0))
		return EAGAIN;
	for (int turn = 0; turn < turns; turn++)
		path ? change(path) : change_descriptor(shared_fd);
	done = 1;
	pthread_join(other, 0);
	return 0;
}
static int of_links(char **a)
{
	char spare[PATH_MAX];
	snprintf(spare, sizeof spare, "%s.spare", a[0]);
	return symlink(a[1], spare) && errno != EEXIST ? errno : race(a, swap_links, a[0]);
}
/* The link is a directory's: argument 0 is a directory, 3 a file's name in both. */
static int of_directories(char **a)
{
	char spare[PATH_MAX], path[PATH_MAX];
	snprintf(spare, sizeof spare, "%s.spare", a[0]);
	snprintf(path, sizeof path, "%s/%s", a[0], a[3]);
	return symlink(a[1], spare) && errno != EEXIST ? errno : race(a, swap_links, path);
}
static int of_memory(char **a)
{
	strcpy(shared_path, a[0]);
	return race(a, swap_memory, shared_path);
}
static int of_descriptors(char **a)
{
	shared_fd = 100;
	dup2(open(a[0], O_RDONLY), shared_fd);
	return race(a, swap_descriptors, 0);
}
/* Processes that end, closed to inspection, in the middle of their call. */
static int of_the_dying(char **a)
{
	int turns = atoi(a[2]);
	for (int turn = 0; turn < turns; turn++) {
		int pid = fork();
		if (pid == 0) {
			prctl(PR_SET_DUMPABLE, turn & 1);
			for (;;)
				change(a[1]);
		}
		usleep(turn % 300);
		kill(pid, SIGKILL);
		waitpid(pid, 0, 0);
	}
	return 0;
}
static int undumpable(char **a)
{
	prctl(PR_SET_DUMPABLE, 0);
	return CALL(SYS_chmod, a[1], 0600);
}
/* In the workspace, and after that: what a closed process may still do to its own. */
static int undumpable_inside(char **a)
{
	prctl(PR_SET_DUMPABLE, 0);
	return CALL(SYS_chmod, a[0], 0600);
}

const struct entry races[] = {
	{ "race-links", of_links }, { "race-directories", of_directories },
	{ "race-memory", of_memory }, { "race-descriptors", of_descriptors },
	{ "race-dying", of_the_dying }, { "undumpable", undumpable },
	{ "undumpable-inside", undumpable_inside }, { 0, 0 },
};
