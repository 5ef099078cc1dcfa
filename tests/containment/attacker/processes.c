/* Other processes, privileges and survivors: argument 0 is the pid of a process outside. */
#include "attack.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

static int victim(char **a) { return atoi(a[0]); }

static int by_kill(char **a) { return CALL(SYS_kill, victim(a), SIGKILL); }
static int by_tkill(char **a) { return CALL(SYS_tkill, victim(a), SIGKILL); }
static int by_tgkill(char **a) { return CALL(SYS_tgkill, victim(a), victim(a), SIGKILL); }
static int by_queue(char **a)
{
	siginfo_t information = { .si_code = SI_QUEUE };
	return CALL(SYS_rt_sigqueueinfo, victim(a), SIGKILL, &information);
}
static int by_pidfd(char **a)
{
	int fd = syscall(SYS_pidfd_open, victim(a), 0);
	return fd == -1 ? errno : CALL(SYS_pidfd_send_signal, fd, SIGKILL, 0, 0);
}
static int by_owner_signal(char **a)
{
	int ends[2];
	/* The kernel sends the signal when the pipe can be read. */
	if (pipe(ends) || fcntl(ends[0], F_SETOWN, victim(a)) || fcntl(ends[0], F_SETSIG, SIGKILL)
	    || fcntl(ends[0], F_SETFL, O_ASYNC) || write(ends[1], "x", 1) != 1)
		return errno;
	return 0;
}
static int by_ptrace(char **a)
{
	if (syscall(SYS_ptrace, PTRACE_ATTACH, victim(a), 0, 0) == -1)
		return errno;
	waitpid(victim(a), 0, 0);
	return CALL(SYS_ptrace, PTRACE_KILL, victim(a), 0, 0);
}
static int by_seize(char **a)
{
	if (syscall(SYS_ptrace, PTRACE_SEIZE, victim(a), 0, 0) == -1)
		return errno;
	printf("seized");
	return 0;
}
static int by_reading_memory(char **a)
{
	char byte;
	unsigned long address = strtoul(a[1], 0, 16);
	struct iovec here = { &byte, 1 }, there = { (void *)address, 1 };
	if (syscall(SYS_process_vm_readv, victim(a), &here, 1, &there, 1, 0) != 1)
		return errno;
	printf("read");
	return 0;
}
static int by_taking_descriptor(char **a)
{
	int fd = syscall(SYS_pidfd_open, victim(a), 0);
	if (fd == -1 || syscall(SYS_pidfd_getfd, fd, 0, 0) == -1)
		return errno;
	printf("taken");
	return 0;
}
static int by_limit(char **a)
{
	struct rlimit64 { uint64_t soft, hard; } limit = { 7, 7 };
	return CALL(SYS_prlimit64, victim(a), RLIMIT_NOFILE, &limit, 0);
}
static int by_priority(char **a) { return CALL(SYS_setpriority, PRIO_PROCESS, victim(a), 19); }
static int by_scheduler(char **a)
{
	struct sched_param parameter = { 0 };
	return CALL(SYS_sched_setscheduler, victim(a), SCHED_IDLE, &parameter);
}
static int by_affinity(char **a)
{
	unsigned long mask = 1;
	return CALL(SYS_sched_setaffinity, victim(a), sizeof mask, &mask);
}
static int by_io_priority(char **a) { return CALL(SYS_ioprio_set, 1, victim(a), 3 << 13); }

static int by_namespace(char **a) { return CALL(SYS_unshare, strtol(a[0], 0, 16)); }
static int by_clone(char **a)
{
	long pid = syscall(SYS_clone, strtol(a[0], 0, 16) | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	return pid == -1 ? errno : (waitpid(pid, 0, 0), 0);
}
static int by_number(char **a)
{
	long number = strtol(a[0], 0, 0);
	return CALL(number, a[1] ? strtol(a[1], 0, 0) : 0L, 0L, 0L, 0L, 0L, 0L);
}
static int by_typing(char **a)
{
	(void)a;
	return CALL(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x");
}
static int by_setuid_bit(char **a) { return CALL(SYS_chmod, a[0], 04755); }
static int by_setgid_bit(char **a) { return CALL(SYS_chmod, a[0], 02755); }
static int by_becoming(char **a)
{
	int user = atoi(a[0]);
	return CALL(SYS_setresuid, user, user, user);
}

/* Survivors: each leaves a process that appends to a file until it is ended. */
static void hide(void)
{
	/* Whoever waits for the end of the output would wait for this process, too. */
	for (int fd = 0; fd < 64; fd++)
		close(fd);
}
static void haunt(char *path)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	hide();
	for (;;) {
		int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
		if (fd != -1 && write(fd, "x", 1) == 1)
			close(fd);
		usleep(2000);
	}
}
static int until_it_haunts(char *path)
{
	while (access(path, F_OK))
		usleep(1000);
	return 0;
}
static int by_double_fork(char **a)
{
	if (fork() == 0) {
		if (fork() == 0)
			haunt(a[0]);
		_exit(0);
	}
	return until_it_haunts(a[0]);
}
static int by_new_session(char **a)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			setsid();
			haunt(a[0]);
		}
		_exit(0);
	}
	return until_it_haunts(a[0]);
}
static int by_daemon(char **a)
{
	if (fork() == 0) {
		if (daemon(1, 0))
			_exit(1);
		haunt(a[0]);
	}
	return until_it_haunts(a[0]);
}
/* The parent's death signal must not be all that ends a child. */
static int by_own_reaper(char **a)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, 0);
		prctl(PR_SET_DUMPABLE, 0);
		if (fork() == 0) {
			setsid();
			haunt(a[0]);
		}
		pause();
	}
	return until_it_haunts(a[0]);
}
/* A process that is never the same for long: each forks its successor and ends. */
static int by_running_away(char **a)
{
	if (fork() == 0) {
		close(open(a[0], O_CREAT | O_WRONLY, 0600));
		hide();
		for (;;) {
			setsid();
			if (fork())
				_exit(0);
		}
	}
	return until_it_haunts(a[0]);
}
static int by_staying(char **a)
{
	if (fork() == 0)
		haunt(a[0]);
	haunt(a[0]);
	return 0;
}

const struct entry processes[] = {
	{ "kill", by_kill }, { "tkill", by_tkill }, { "tgkill", by_tgkill }, { "queue", by_queue },
	{ "pidfd", by_pidfd }, { "owner-signal", by_owner_signal }, { "ptrace", by_ptrace },
	{ "seize", by_seize }, { "reading-memory", by_reading_memory },
	{ "taking-descriptor", by_taking_descriptor }, { "limit", by_limit },
	{ "priority", by_priority }, { "scheduler", by_scheduler }, { "affinity", by_affinity },
	{ "io-priority", by_io_priority }, { "unshare", by_namespace }, { "clone", by_clone },
	{ "number", by_number }, { "typing", by_typing }, { "setuid-bit", by_setuid_bit },
	{ "setgid-bit", by_setgid_bit }, { "becoming", by_becoming },
	{ "double-fork", by_double_fork }, { "new-session", by_new_session }, { "daemon", by_daemon },
	{ "own-reaper", by_own_reaper }, { "running-away", by_running_away }, { "staying", by_staying }, { 0, 0 },
};
