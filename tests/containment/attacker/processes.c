/* Other processes, privileges and survivors: argument 0 is the pid of a process outside. */
#include "attack.h"
#include <pthread.h>
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
static int by_writing_memory(char **a)
{
	char byte = 'x';
	unsigned long address = strtoul(a[1], 0, 16);
	struct iovec here = { &byte, 1 }, there = { (void *)address, 1 };
	return syscall(SYS_process_vm_writev, victim(a), &here, 1, &there, 1, 0) == 1 ? 0 : errno;
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
static int by_group_priority(char **a) { return CALL(SYS_setpriority, PRIO_PGRP, victim(a), 19); }
static int by_high_priority(char **a)
{
	/* The kernel takes the lower half of the registers. */
	return CALL(SYS_setpriority, 0x700000000 | PRIO_PROCESS, 0x900000000 | victim(a), 19);
}
static int by_scheduler(char **a)
{
	struct sched_param parameter = { 0 };
	return CALL(SYS_sched_setscheduler, victim(a), SCHED_IDLE, &parameter);
}
struct attributes { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t times[3]; };
static int by_scheduler_attributes(char **a)
{
	struct attributes attributes = { .size = sizeof attributes, .policy = SCHED_BATCH, .nice = 19 };
	return CALL(SYS_sched_setattr, victim(a), &attributes, 0);
}
static int by_affinity(char **a)
{
	unsigned long mask = 1;
	return CALL(SYS_sched_setaffinity, victim(a), sizeof mask, &mask);
}
static int by_io_priority(char **a) { return CALL(SYS_ioprio_set, 1, victim(a), 3 << 13); }
static int by_io_group(char **a) { return CALL(SYS_ioprio_set, 2, victim(a), 3 << 13); }

/* What is the command's own may be changed: a child, and another thread. */
static void *waiting_thread(void *tid)
{
	__atomic_store_n((int *)tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	pause();
	return 0;
}
static int change_own(int target)
{
	unsigned long mask = 1, seen = 0;
	struct sched_param parameter = { 0 };
	/* Only upwards, from wherever the tests themselves were started. */
	struct attributes attributes = { .size = sizeof attributes, .policy = SCHED_BATCH, .nice = 19 };
	int error = CALL(SYS_sched_setaffinity, target, sizeof mask, &mask);
	if (!error && (syscall(SYS_sched_getaffinity, target, sizeof seen, &seen) < 0 || seen != 1))
		error = EBADE;
	if (!error)
		error = CALL(SYS_setpriority, PRIO_PROCESS, target, 18);
	/* The raw call gives 20 less the value. */
	if (!error && syscall(SYS_getpriority, PRIO_PROCESS, target) != 2)
		error = EBADE;
	if (!error)
		error = CALL(SYS_ioprio_set, 1, target, 3 << 13);
	if (!error && syscall(SYS_ioprio_get, 1, target) != 3 << 13)
		error = EBADE;
	if (!error)
		error = CALL(SYS_sched_setscheduler, target, SCHED_BATCH, &parameter);
	if (!error && syscall(SYS_sched_getscheduler, target) != SCHED_BATCH)
		error = EBADE;
	if (!error)
		error = CALL(SYS_sched_setparam, target, &parameter);
	if (!error)
		error = CALL(SYS_sched_setattr, target, &attributes, 0);
	if (!error && syscall(SYS_getpriority, PRIO_PROCESS, target) != 1)
		error = EBADE;
	return error;
}
static int by_own_scheduling(char **a)
{
	pthread_t thread;
	int tid = 0, error, child = fork();
	(void)a;
	if (child == 0)
		for (;;)
			pause();
	pthread_create(&thread, 0, waiting_thread, &tid);
	while (!__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		usleep(100);
	error = change_own(child);
	if (!error)
		error = change_own(tid);
	if (!error)
		error = change_own(0);
	kill(child, SIGKILL);
	return error;
}

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
/* Argument 0 is the call, whose upper half the kernel does not look at. */
static int by_terminal_call(char **a)
{
	int zero = 0;
	return CALL(SYS_ioctl, 0, strtoul(a[0], 0, 16), &zero);
}
/* A file that is made with the setuid bit is empty. Every way to fill it takes the bit away. */
static int born(const char *path)
{
	struct { uint64_t flags, mode, resolve; } how = { O_CREAT | O_EXCL | O_RDWR, 04755, 0 };
	unlink(path);
	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}
static int is_dangerous(int fd)
{
	struct stat found;
	return fstat(fd, &found) || (found.st_size > 0 && found.st_mode & 06000);
}
static int by_filling_setuid(char **a)
{
	enum { WRITE, TRUNCATE, TRUNCATE_PATH, ALLOCATE, ZERO, COPY, SEND, SPLICE, WAYS };
	char page[4096] = "content";
	struct stat found;
	int source = open("mine", O_RDWR), ends[2], filled = 0;
	if (source == -1 || pipe(ends))
		return errno;
	for (int way = 0; way < WAYS; way++) {
		loff_t from = 0, to = 0;
		int fd = born(a[0]), done = 0;
		if (fd == -1)
			return errno;
		lseek(source, 0, SEEK_SET);
		switch (way) {
		case WRITE: done = write(fd, page, sizeof page) > 0; break;
		case TRUNCATE: done = !ftruncate(fd, sizeof page); break;
		case TRUNCATE_PATH: done = !truncate(a[0], sizeof page); break;
		case ALLOCATE: done = !fallocate(fd, 0, 0, sizeof page); break;
		case ZERO: done = !fallocate(fd, 0x10 /* FALLOC_FL_ZERO_RANGE */, 0, sizeof page); break;
		case COPY: done = syscall(SYS_copy_file_range, source, &from, fd, &to, 4, 0) > 0; break;
		case SEND: done = syscall(SYS_sendfile, fd, source, 0, 4) > 0; break;
		case SPLICE: done = write(ends[1], page, 8) == 8 && splice(ends[0], 0, fd, 0, 8, 0) > 0; break;
		}
		filled += done;
		/* What is longer than nothing can be written to through memory. */
		if (!fstat(fd, &found) && found.st_size) {
			char *memory = mmap(0, sizeof page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			if (memory != MAP_FAILED) {
				memory[0] = '#';
				msync(memory, sizeof page, MS_SYNC);
				munmap(memory, sizeof page);
			}
		}
		if (is_dangerous(fd))
			printf("%d ", way);
		close(fd);
	}
	return filled ? 0 : ENODATA;
}
static int by_setuid_bit(char **a) { return CALL(SYS_chmod, a[0], 04755); }
static int by_setgid_bit(char **a) { return CALL(SYS_chmod, a[0], 02755); }
static int by_becoming(char **a)
{
	int user = atoi(a[0]);
	return CALL(SYS_setresuid, user, user, user);
}

/* Survivors: each leaves a process that appends to a file until it is ended, or until a file
 * with `.stop` behind its name says so: that is how a control ends. */
static void hide(void)
{
	/* Whoever waits for the end of the output would wait for this process, too. */
	for (int fd = 0; fd < 64; fd++)
		close(fd);
}
static void end_if_told(const char *path)
{
	char stop[PATH_MAX];
	snprintf(stop, sizeof stop, "%s.stop", path);
	/* When the file is gone, so is the test. */
	if (access(stop, F_OK) == 0 || access(path, F_OK))
		_exit(0);
}
static void grow(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (fd != -1 && write(fd, "x", 1) == 1)
		close(fd);
}
static void haunt_openly(const char *path)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	grow(path);
	for (;;) {
		end_if_told(path);
		grow(path);
		usleep(2000);
	}
}
static void haunt(const char *path)
{
	hide();
	haunt_openly(path);
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
		haunt(a[0]);
	}
	return until_it_haunts(a[0]);
}
/* It keeps the command's output open. */
static int by_holding_output(char **a)
{
	if (fork() == 0) {
		setsid();
		haunt_openly(a[0]);
	}
	return until_it_haunts(a[0]);
}
/* A thread's child is not among the children of the process's first thread. */
static void *forking_thread(void *path)
{
	if (fork() == 0) {
		setsid();
		haunt(path);
	}
	haunt(path);
	return 0;
}
static int by_thread(char **a)
{
	pthread_t thread;
	if (fork() == 0) {
		if (pthread_create(&thread, 0, forking_thread, a[0]))
			_exit(1);
		pthread_join(thread, 0);
	}
	return until_it_haunts(a[0]);
}
/* The parent of a vfork waits in the kernel, where only a deadly signal reaches it. */
static int by_vfork(char **a)
{
	if (fork() == 0) {
		setsid();
		if (syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0)
			haunt(a[0]);
		_exit(0);
	}
	return until_it_haunts(a[0]);
}
/* It is stopped when the command ends. */
static int by_stopping(char **a)
{
	int pid = fork(), status;
	if (pid == 0) {
		setsid();
		hide();
		grow(a[0]);
		raise(SIGSTOP);
		haunt(a[0]);
	}
	return waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) ? 0 : ECHILD;
}
/* Two that stop and wake each other all the time. */
static int by_stopping_each_other(char **a)
{
	int first = fork();
	if (first == 0) {
		setsid();
		haunt(a[0]);
	}
	if (fork() == 0) {
		hide();
		for (;;) {
			end_if_told(a[0]);
			kill(first, SIGSTOP);
			kill(first, SIGCONT);
			usleep(500);
		}
	}
	return until_it_haunts(a[0]);
}
/* Processes that are never the same for long: each forks its successor and ends. */
static int storm(char *path, int count)
{
	grow(path);
	for (int one = 0; one < count; one++) {
		if (fork())
			continue;
		hide();
		for (;;) {
			end_if_told(path);
			grow(path);
			setsid();
			if (fork())
				_exit(0);
		}
	}
	return until_it_haunts(path);
}
static int by_running_away(char **a) { return storm(a[0], 1); }
static int by_storm(char **a) { return storm(a[0], 50); }
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
	{ "writing-memory", by_writing_memory },
	{ "priority", by_priority }, { "group-priority", by_group_priority },
	{ "high-priority", by_high_priority }, { "scheduler", by_scheduler },
	{ "scheduler-attributes", by_scheduler_attributes }, { "affinity", by_affinity },
	{ "io-priority", by_io_priority }, { "io-group", by_io_group },
	{ "own-scheduling", by_own_scheduling }, { "unshare", by_namespace }, { "clone", by_clone },
	{ "number", by_number }, { "typing", by_typing },
	{ "terminal-call", by_terminal_call }, { "setuid-bit", by_setuid_bit },
	{ "setgid-bit", by_setgid_bit }, { "filling-setuid", by_filling_setuid }, { "becoming", by_becoming },
	{ "double-fork", by_double_fork }, { "new-session", by_new_session }, { "daemon", by_daemon },
	{ "own-reaper", by_own_reaper }, { "holding-output", by_holding_output },
	{ "thread", by_thread }, { "vfork", by_vfork }, { "stopping", by_stopping },
	{ "stopping-each-other", by_stopping_each_other }, { "running-away", by_running_away },
	{ "storm", by_storm }, { "staying", by_staying }, { 0, 0 },
};
