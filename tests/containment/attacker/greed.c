/* Taking more than one's share. Each has bounds of its own, so that the machine survives a limit
 * that is not in force. */
#include "attack.h"
#include <pthread.h>
#include <sys/prctl.h>

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
	alarm(60);
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
			alarm(60);
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
	{ "flooding", by_flooding }, { 0, 0 },
};
