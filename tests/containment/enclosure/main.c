/* enclosure STEP... -- COMMAND...: takes the steps in order, and executes the command. */
#include "enclosure.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int own_user, own_mounts;

void must(int holds, const char *step)
{
	if (holds)
		return;
	fprintf(stderr, "enclosure: %s: %s\n", step, strerror(errno));
	exit(99);
}

void go_on_in_child(int held)
{
	int status;
	pid_t child = fork();
	must(child != -1, "fork");
	if (child == 0) {
		if (held != -1)
			close(held);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return;
	}
	signal(SIGINT, SIG_IGN);
	while (waitpid(child, &status, 0) == -1 && errno == EINTR)
		;
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	must(file != -1 && write(file, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(file);
}

/* The same user and group, and no others. */
static void user(const char *unused)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();
	(void)unused;
	must(!unshare(CLONE_NEWUSER), "user");
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "%u %u 1", uid, uid);
	put("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "%u %u 1", gid, gid);
	put("/proc/self/gid_map", map);
	own_user = 1;
}

static void mounts(const char *unused)
{
	(void)unused;
	must(!unshare(CLONE_NEWNS), "mounts");
	must(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mounts");
	own_mounts = 1;
}

static void pids(const char *unused)
{
	(void)unused;
	must(own_mounts, "pids before mounts");
	must(!unshare(CLONE_NEWPID), "pids");
	go_on_in_child(-1);
	must(!mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
}

/* As runc masks paths. */
static void hide(const char *path)
{
	struct stat found;
	must(own_mounts, "hide before mounts");
	if (stat(path, &found))
		return;
	if (S_ISDIR(found.st_mode))
		must(!mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=0"), path);
	else
		must(!mount("/dev/null", path, NULL, MS_BIND, NULL), path);
}

static void set_attributes(const char *path, struct mount_attr wanted)
{
	must(own_mounts, "attributes before mounts");
	must(!syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &wanted, sizeof wanted), path);
}

static void read_only(const char *path)
{
	if (access(path, F_OK))
		return;
	/* Over the root it would hide the very root of the namespace, as a chroot does. */
	if (strcmp(path, "/"))
		must(!mount(path, path, NULL, MS_BIND | MS_REC, NULL), path);
	set_attributes(path, (struct mount_attr){ .attr_set = MOUNT_ATTR_RDONLY });
}

static void writable(const char *path)
{
	must(!mount(path, path, NULL, MS_BIND, NULL), path);
}

static void proc_as_runc(const char *unused)
{
	const char *masked[] = { "asound", "acpi", "interrupts", "kcore", "keys", "latency_stats",
		"timer_list", "timer_stats", "sched_debug", "scsi" };
	const char *kept[] = { "bus", "fs", "irq", "sys", "sysrq-trigger" };
	char path[64];
	(void)unused;
	for (size_t one = 0; one < sizeof masked / sizeof *masked; one++) {
		snprintf(path, sizeof path, "/proc/%s", masked[one]);
		hide(path);
	}
	for (size_t one = 0; one < sizeof kept / sizeof *kept; one++) {
		snprintf(path, sizeof path, "/proc/%s", kept[one]);
		read_only(path);
	}
}

/* Taken away, or covered where that is not allowed. */
static void no_proc(const char *unused)
{
	(void)unused;
	must(own_mounts, "no-proc before mounts");
	while (!access("/proc/self", F_OK) && !umount2("/proc", MNT_DETACH))
		;
	if (!access("/proc/self", F_OK))
		must(!mount("tmpfs", "/proc", "tmpfs", MS_RDONLY, "size=0"), "no-proc");
}

/* A directory that is no mount point, with the host's directories in it. */
static void root(const char *path)
{
	const char *names[] = { "usr", "bin", "lib", "lib64", "etc", "proc", "dev", "tmp", "srv" };
	char from[32], to[4096];
	must(own_mounts, "root before mounts");
	for (size_t one = 0; one < sizeof names / sizeof *names; one++) {
		snprintf(from, sizeof from, "/%s", names[one]);
		snprintf(to, sizeof to, "%s/%s", path, names[one]);
		if (access(from, F_OK))
			continue;
		must(!mkdir(to, 0755) || errno == EEXIST, to);
		must(!mount(from, to, NULL, MS_BIND | MS_REC, NULL), to);
	}
	must(!chroot(path) && !chdir("/"), "root");
}

static void working_in(const char *path)
{
	must(!chdir(path), path);
}

/* Keeps the capabilities of the set, and no others, for good. */
static void capabilities(unsigned kept)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };
	for (int one = 0; one < 64; one++)
		if (one >= 32 || !(kept >> one & 1))
			prctl(PR_CAPBSET_DROP, one, 0, 0, 0);
	must(!syscall(SYS_capget, &header, data), "capget");
	data[0].permitted &= kept;
	data[0].effective = data[0].permitted;
	data[1].permitted = data[1].effective = 0;
	data[0].inheritable = data[1].inheritable = 0;
	must(!syscall(SYS_capset, &header, data), "capset");
}

static void drop(const char *unused)
{
	(void)unused;
	capabilities(0);
}

/* chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service,
 * net_raw, sys_chroot, mknod, audit_write, setfcap. */
static void docker_capabilities(const char *unused)
{
	(void)unused;
	capabilities(0xa80425fb);
}

/* Only ever in a user namespace of our own. */
static void no_user_namespaces(const char *unused)
{
	(void)unused;
	must(own_user, "no-user-namespaces before user");
	put("/proc/sys/user/max_user_namespaces", "0");
}

static void without_privileges(const char *unused)
{
	(void)unused;
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no-new-privileges");
}

static const struct { const char *name; void (*take)(const char *); } steps[] = {
	{ "user", user }, { "mounts", mounts }, { "pids", pids }, { "hide", hide },
	{ "read-only", read_only }, { "writable", writable }, { "proc-as-runc", proc_as_runc },
	{ "no-proc", no_proc }, { "root", root }, { "working-in", working_in }, { "drop", drop },
	{ "docker-capabilities", docker_capabilities },
	{ "no-user-namespaces", no_user_namespaces },
	{ "no-new-privileges", without_privileges }, { "docker-filter", filter_as_docker },
	{ "refusing", filter_refusing }, { "listening", filter_listening },
	{ "granting", domain_granting }, { "domains", domains },
};

static void take(char *step)
{
	char *value = strchr(step, '=');
	if (value)
		*value++ = 0;
	for (size_t one = 0; one < sizeof steps / sizeof *steps; one++)
		if (!strcmp(step, steps[one].name)) {
			steps[one].take(value);
			return;
		}
	errno = EINVAL;
	must(0, step);
}

int main(int count, char **argument)
{
	int at = 1;
	for (; at < count && strcmp(argument[at], "--"); at++)
		take(argument[at]);
	must(at + 1 < count, "a command");
	execvp(argument[at + 1], argument + at + 1);
	must(0, argument[at + 1]);
}
