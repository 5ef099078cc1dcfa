/* System call filters of other sandboxes. */
#include "enclosure.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#define NEW_NAMESPACES 0x7e020000u
#define MOST 128

static struct sock_filter program[MOST];
static unsigned short length;

static void add(struct sock_filter one)
{
	must(length < MOST, "a filter that short");
	program[length++] = one;
}

static void load(size_t from)
{
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, from));
}

static void answer(unsigned call, unsigned action)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static unsigned refusal(int error)
{
	return SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA);
}

static int install(unsigned flags)
{
	struct sock_fprog whole = { .filter = program };
	long result;
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	whole.len = length;
	/* A container's runtime installs it with privileges, which are gone here by now. */
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no-new-privileges");
	result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &whole);
	must(result != -1, "a filter");
	return result;
}

/* What Docker's default profile keeps from who has not CAP_SYS_ADMIN. */
static const unsigned docker[] = {
	SYS_acct, SYS_add_key, SYS_bpf, SYS_clock_adjtime, SYS_clock_settime, SYS_create_module,
	SYS_delete_module, SYS_finit_module, SYS_fsconfig, SYS_fsmount, SYS_fsopen, SYS_fspick,
	SYS_get_mempolicy, SYS_init_module, SYS_io_uring_enter, SYS_io_uring_register,
	SYS_io_uring_setup, SYS_ioperm, SYS_iopl, SYS_kcmp, SYS_kexec_file_load, SYS_kexec_load,
	SYS_keyctl, SYS_lookup_dcookie, SYS_mbind, SYS_mount, SYS_mount_setattr, SYS_move_mount,
	SYS_move_pages, SYS_open_by_handle_at, SYS_open_tree,
	SYS_perf_event_open, SYS_pivot_root, SYS_quotactl, SYS_reboot, SYS_request_key,
	SYS_set_mempolicy, SYS_setns, SYS_settimeofday, SYS_swapoff, SYS_swapon, SYS_syslog,
	SYS_umount2, SYS_unshare, SYS_userfaultfd, SYS_vhangup,
};

void filter_as_docker(const char *unused)
{
	(void)unused;
	length = 0;
	load(offsetof(struct seccomp_data, nr));
	for (size_t one = 0; one < sizeof docker / sizeof *docker; one++)
		answer(docker[one], refusal(EPERM));
	answer(SYS_clone3, refusal(ENOSYS));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
	load(offsetof(struct seccomp_data, args[0]));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NEW_NAMESPACES, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refusal(EPERM)));
	install(0);
}

static const struct { const char *name; unsigned number; } calls[] = {
	{ "unshare", SYS_unshare }, { "mount_setattr", SYS_mount_setattr },
	{ "open_tree", SYS_open_tree }, { "fsopen", SYS_fsopen }, { "move_mount", SYS_move_mount },
	{ "pivot_root", SYS_pivot_root }, { "sethostname", SYS_sethostname },
	{ "landlock_create_ruleset", SYS_landlock_create_ruleset },
	{ "landlock_add_rule", SYS_landlock_add_rule },
	{ "landlock_restrict_self", SYS_landlock_restrict_self },
	{ "seccomp", SYS_seccomp }, { "pidfd_open", SYS_pidfd_open },
	{ "close_range", SYS_close_range }, { "process_vm_readv", SYS_process_vm_readv },
	{ "openat2", SYS_openat2 }, { "statx", SYS_statx },
};
static const struct { const char *name; int number; } errors[] = {
	{ "ENOSYS", ENOSYS }, { "EPERM", EPERM }, { "EACCES", EACCES }, { "EOPNOTSUPP", EOPNOTSUPP },
};

static void refuse(char *one)
{
	char *error = strchr(one, ':');
	must(error != NULL, one);
	*error++ = 0;
	for (size_t call = 0; call < sizeof calls / sizeof *calls; call++)
		for (size_t kind = 0; kind < sizeof errors / sizeof *errors; kind++)
			if (!strcmp(one, calls[call].name) && !strcmp(error, errors[kind].name)) {
				answer(calls[call].number, refusal(errors[kind].number));
				return;
			}
	errno = EINVAL;
	must(0, one);
}

void filter_refusing(const char *list)
{
	char *words = strdup(list), *rest = words;
	length = 0;
	load(offsetof(struct seccomp_data, nr));
	for (char *one; (one = strsep(&rest, ",")) != NULL;)
		refuse(one);
	free(words);
	install(0);
}

/* Keeps a listener open as long as the command runs, and hears nothing: it is for a call that
 * nobody makes. */
void filter_listening(const char *unused)
{
	int listener;
	(void)unused;
	length = 0;
	load(offsetof(struct seccomp_data, nr));
	answer(SYS_swapoff, SECCOMP_RET_USER_NOTIF);
	listener = install(SECCOMP_FILTER_FLAG_NEW_LISTENER);
	go_on_in_child(listener);
}
