/* Taking more than one's share. Each has bounds of its own, so that the machine survives a limit
 * that is not in force. */
#include "attack.h"
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>

static void touch(const char *path)
{
	close(open(path, O_WRONLY | O_CREAT, 0600));
}

static int is_there(const char *path, const char *end)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, "%s.%s", path, end);
	return !access(name, F_OK);
}

static void *sleeping(void *unused)
{
	(void)unused;
	pause();
	return 0;
}

/* Says how many it could make, and lets them stay until a file ending in .go is there. */
static int hold(int made, char *file)
{
	int error = errno;
	printf("made=%d\n", made);
	fflush(stdout);
	touch(file);
	for (int left = 6000; left > 0 && !is_there(file, "go"); left--)
		usleep(10000);
	return error;
}

/* Argument 0 is how many, argument 1 a file. */
static int by_forking(char **a)
{
	int made = 0, parent = getpid();
	for (errno = 0; made < atoi(a[0]); made++) {
		int child = fork();
		if (child == -1)
			break;
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == parent)
				pause();
			_exit(0);
		}
	}
	return hold(made, a[1]);
}

static int by_threading(char **a)
{
	int made = 0, error = 0;
	pthread_t thread;
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	while (made < atoi(a[0]) && !(error = pthread_create(&thread, &small, sleeping, 0)))
		made++;
	errno = error;
	return hold(made, a[1]);
}

/* Each makes another as often as it can, up to the number in argument 0; argument 1 is a file
 * that is there once the kernel has refused. */
static int by_bombing(char **a)
{
	int *alive = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (alive == MAP_FAILED)
		return errno;
	*alive = 1;
	alarm(300);
	for (;;) {
		int child = -1;
		errno = 0;
		if (__sync_add_and_fetch(alive, 1) <= atoi(a[0]))
			child = fork();
		if (child == -1) {
			__sync_sub_and_fetch(alive, 1);
			if (errno == EAGAIN)
				touch(a[1]);
			usleep(1000);
		} else if (child == 0) {
			setsid();
			alarm(300);
		}
	}
}

/* Argument 0 is in MiB. */
static int by_hogging(char **a)
{
	int made = 0, error = 0;
	for (; made < atoi(a[0]); made++) {
		char *some = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (some == MAP_FAILED) {
			error = errno;
			break;
		}
		memset(some, 1, 1 << 20);
	}
	printf("made=%d\n", made);
	return error;
}

/* A segment that is gone with its last user. */
static void *attached(void)
{
	int number = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600);
	void *some = shmat(number, 0, 0);
	int error = errno;
	shmctl(number, IPC_RMID, 0);
	errno = error;
	return some;
}

/* Memory that several processes share, in MiB in argument 0. Argument 1 says of which kind. */
static int by_sharing(char **a)
{
	int made = 0, error = 0, file = -1;
	if (!strcmp(a[1], "file") && (file = syscall(SYS_memfd_create, "hog", 0)) == -1)
		return errno;
	for (; made < atoi(a[0]); made++) {
		char *some = MAP_FAILED;
		if (!strcmp(a[1], "mapped"))
			some = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		else if (!strcmp(a[1], "system-v"))
			some = attached();
		else if (!ftruncate(file, (made + 1L) << 20))
			some = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, (long)made << 20);
		if (some == MAP_FAILED) {
			error = errno;
			break;
		}
		memset(some, 1, 1 << 20);
	}
	printf("made=%d\n", made);
	return error;
}

/* As many processes as argument 0 says; each takes the MiB in argument 1 and holds them. */
static int by_hogging_together(char **a)
{
	int count = atoi(a[0]), made = 0;
	for (int turn = 0; turn < count; turn++)
		if (fork() == 0) {
			char *some = mmap(0, atol(a[1]) << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (some == MAP_FAILED)
				_exit(1);
			memset(some, 1, atol(a[1]) << 20);
			sleep(1);
			_exit(0);
		}
	for (int status; wait(&status) != -1;)
		made += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("made=%d\n", made);
	return 0;
}

/* Argument 0 is the cgroup.procs of a control group, into which a process would move. */
static int by_changing_group(char **a)
{
	int file = open(a[0], O_WRONLY);
	if (file == -1)
		return errno;
	return write(file, "0", 1) == -1 ? errno : 0;
}

/* Argument 0 is a control group, in which a group would be made. */
static int by_making_group(char **a)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, "%s/lobsterpot-attacker", a[0]);
	if (mkdir(name, 0700) == -1)
		return errno;
	rmdir(name);
	return 0;
}

/* Argument 0 is a directory, over which the control groups would be mounted. */
static int by_mounting_groups(char **a)
{
	if (mount("cgroup2", a[0], "cgroup2", 0, 0) == -1)
		return errno;
	umount2(a[0], MNT_DETACH);
	return 0;
}

/* Argument 0 is a control group, in which a process would begin. */
static int by_beginning_in_group(char **a)
{
	unsigned long long arguments[11] = { 0x200000000ull };
	int group = open(a[0], O_PATH | O_DIRECTORY);
	if (group == -1)
		return errno;
	arguments[4] = SIGCHLD;
	arguments[10] = group;
	int child = syscall(SYS_clone3, arguments, sizeof arguments);
	if (child == 0)
		_exit(0);
	if (child == -1)
		return errno;
	waitpid(child, 0, 0);
	return 0;
}

/* Argument 0 is a file, argument 1 in MiB. */
static int by_filling(char **a)
{
	static char block[1 << 16];
	long written = 0, error = 0;
	int file = open(a[0], O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (file == -1)
		return errno;
	while (written < atol(a[1]) << 20) {
		long count = write(file, block, sizeof block);
		if (count == -1) {
			error = errno;
			break;
		}
		written += count;
	}
	printf("made=%ld\n", written >> 20);
	return error;
}

static void burn(void)
{
	volatile unsigned long turns;
	alarm(60);
	for (turns = 0;; turns++)
		;
}
static int by_burning(char **a)
{
	(void)a;
	burn();
	return 0;
}
static int by_burning_on(char **a)
{
	(void)a;
	signal(SIGXCPU, SIG_IGN);
	burn();
	return 0;
}
/* A signal as if a limit had been met. */
static int by_pretending(char **a)
{
	kill(getpid(), atoi(a[0]));
	return 0;
}

static int by_opening(char **a)
{
	int made = 0;
	for (errno = 0; made < atoi(a[0]) && open("/dev/null", O_RDONLY) != -1; made++)
		;
	printf("made=%d\n", made);
	return errno;
}

/* Argument 0 is in MiB. */
static int by_flooding(char **a)
{
	static char block[1 << 16];
	memset(block, 'x', sizeof block);
	for (long left = atol(a[0]) << 20; left > 0; left -= sizeof block)
		if (write(1, block, sizeof block) == -1)
			return errno;
	return 0;
}

const struct entry greed[] = {
	{ "forking", by_forking }, { "threading", by_threading }, { "bombing", by_bombing },
	{ "hogging", by_hogging }, { "filling", by_filling }, { "burning", by_burning },
	{ "burning-on", by_burning_on }, { "pretending", by_pretending }, { "opening", by_opening },
	{ "flooding", by_flooding }, { "sharing", by_sharing },
	{ "hogging-together", by_hogging_together }, { "changing-group", by_changing_group },
	{ "making-group", by_making_group }, { "mounting-groups", by_mounting_groups },
	{ "beginning-in-group", by_beginning_in_group }, { 0, 0 },
};
