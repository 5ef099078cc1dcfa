/* Changes of metadata, by every spelling: argument 0 is a file (mode 0640, with the attribute
 * user.mark), 1 its directory, 2 its name there. */
#include "attack.h"
#include <linux/fs.h>
#include <sys/time.h>
#include <utime.h>
#include <sys/xattr.h>

static const struct timespec long_ago[2] = { { 1, 0 }, { 1, 0 } };
static const struct timeval long_ago_micros[2] = { { 1, 0 }, { 1, 0 } };
static const struct utimbuf long_ago_seconds = { 1, 1 };
struct attribute { uint64_t value; uint32_t size, flags; };

static int reader(char **a) { return open(a[0], O_RDONLY); }
static int handle(char **a) { return open(a[0], O_PATH); }
static int parent(char **a) { return open(a[1], O_PATH | O_DIRECTORY); }
static char *own(char **a)
{
	static char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", handle(a));
	return link;
}
#define ON_READER(...) int fd = reader(a); return fd == -1 ? errno : CALL(__VA_ARGS__)
#define ON_HANDLE(...) int fd = handle(a); return fd == -1 ? errno : CALL(__VA_ARGS__)
#define ON_PARENT(...) int fd = parent(a); return fd == -1 ? errno : CALL(__VA_ARGS__)

static int m_chmod(char **a) { return CALL(SYS_chmod, a[0], 0600); }
static int m_chmod_link(char **a) { return CALL(SYS_chmod, own(a), 0600); }
static int m_fchmod(char **a) { ON_READER(SYS_fchmod, fd, 0600); }
static int m_fchmodat(char **a) { return CALL(SYS_fchmodat, AT_FDCWD, a[0], 0600); }
static int m_fchmodat_dir(char **a) { ON_PARENT(SYS_fchmodat, fd, a[2], 0600); }
static int m_fchmodat2(char **a) { return CALL(SYS_fchmodat2, AT_FDCWD, a[0], 0600, 0); }
static int m_fchmodat2_empty(char **a) { ON_HANDLE(SYS_fchmodat2, fd, "", 0600, AT_EMPTY_PATH); }
static int m_fchmodat2_keep(char **a) { return CALL(SYS_fchmodat2, AT_FDCWD, a[0], 0600, AT_SYMLINK_NOFOLLOW); }
static int m_chown(char **a) { return CALL(SYS_chown, a[0], getuid(), getgid()); }
static int m_lchown(char **a) { return CALL(SYS_lchown, a[0], getuid(), getgid()); }
static int m_fchown(char **a) { ON_READER(SYS_fchown, fd, getuid(), getgid()); }
static int m_fchownat(char **a) { return CALL(SYS_fchownat, AT_FDCWD, a[0], getuid(), getgid(), 0); }
static int m_fchownat_empty(char **a) { ON_HANDLE(SYS_fchownat, fd, "", getuid(), getgid(), AT_EMPTY_PATH); }
static int m_utime(char **a) { return CALL(SYS_utime, a[0], &long_ago_seconds); }
static int m_utimes(char **a) { return CALL(SYS_utimes, a[0], long_ago_micros); }
static int m_futimesat(char **a) { return CALL(SYS_futimesat, AT_FDCWD, a[0], long_ago_micros); }
static int m_futimesat_null(char **a) { ON_READER(SYS_futimesat, fd, 0, long_ago_micros); }
static int m_utimensat(char **a) { return CALL(SYS_utimensat, AT_FDCWD, a[0], long_ago, 0); }
static int m_utimensat_dir(char **a) { ON_PARENT(SYS_utimensat, fd, a[2], long_ago, 0); }
static int m_utimensat_null(char **a) { ON_READER(SYS_utimensat, fd, 0, long_ago, 0); }
static int m_utimensat_empty(char **a) { ON_HANDLE(SYS_utimensat, fd, "", long_ago, AT_EMPTY_PATH); }
static int m_utimensat_now(char **a) { return CALL(SYS_utimensat, AT_FDCWD, a[0], 0, 0); }
static int m_setxattr(char **a) { return CALL(SYS_setxattr, a[0], "user.new", "v", 1, 0); }
static int m_setxattr_link(char **a) { return CALL(SYS_setxattr, own(a), "user.new", "v", 1, 0); }
static int m_lsetxattr(char **a) { return CALL(SYS_lsetxattr, a[0], "user.new", "v", 1, 0); }
static int m_fsetxattr(char **a) { ON_READER(SYS_fsetxattr, fd, "user.new", "v", 1, 0); }
static int m_setxattrat(char **a)
{
	struct attribute value = { (uintptr_t)"v", 1, 0 };
	return CALL(SYS_setxattrat, AT_FDCWD, a[0], 0, "user.new", &value, sizeof value);
}
static int m_removexattr(char **a) { return CALL(SYS_removexattr, a[0], "user.mark"); }
static int m_lremovexattr(char **a) { return CALL(SYS_lremovexattr, a[0], "user.mark"); }
static int m_fremovexattr(char **a) { ON_READER(SYS_fremovexattr, fd, "user.mark"); }
static int m_removexattrat(char **a) { return CALL(SYS_removexattrat, AT_FDCWD, a[0], 0, "user.mark"); }
static int m_flags(char **a)
{
	int fd = reader(a), flags;
	if (fd == -1 || ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return errno;
	flags |= FS_NODUMP_FL;
	return CALL(SYS_ioctl, fd, FS_IOC_SETFLAGS, &flags);
}
/* The kernel takes the lower half of a request's number; the upper half must not hide it. */
static int m_flags_high(char **a)
{
	int fd = reader(a), flags;
	if (fd == -1 || ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return errno;
	flags |= FS_NODUMP_FL;
	return CALL(SYS_ioctl, fd, 0xdead00000000UL | FS_IOC_SETFLAGS, &flags);
}
static int m_fsxattr(char **a)
{
	struct fsxattr flags;
	int fd = reader(a);
	if (fd == -1 || ioctl(fd, FS_IOC_FSGETXATTR, &flags))
		return errno;
	flags.fsx_xflags |= FS_XFLAG_NODUMP;
	return CALL(SYS_ioctl, fd, FS_IOC_FSSETXATTR, &flags);
}
static int m_version(char **a)
{
	int fd = reader(a), version = 12345;
	return fd == -1 ? errno : CALL(SYS_ioctl, fd, _IOW('v', 2, long), &version);
}
static int m_file_setattr(char **a)
{
	struct { uint64_t flags; uint32_t extent, count, project, cow; } value = { FS_XFLAG_NODUMP, 0, 0, 0, 0 };
	return CALL(SYS_file_setattr, AT_FDCWD, a[0], &value, sizeof value, 0);
}
/* The 32-bit entry has numbers of its own: chmod is 15, and its pointers must be low. */
/* For the test itself: the attribute that the removing attacks remove. */
static int mark(char **a) { return CALL(SYS_setxattr, a[0], "user.mark", "v", 1, 0); }
static int m_i386(char **a)
{
	long result;
	char *low = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (low == MAP_FAILED)
		return errno;
	strcpy(low, a[0]);
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(15L), "b"(low), "c"(0600L) : "memory", "r8", "r9", "r10", "r11");
	return result < 0 ? -(int)result : 0;
}
static int m_x32(char **a) { return CALL(0x40000000L | SYS_chmod, a[0], 0600); }
static int m_high_number(char **a) { return CALL(0x100000000L | SYS_chmod, a[0], 0600); }

const struct entry metadata[] = {
	{ "chmod", m_chmod }, { "chmod-link", m_chmod_link }, { "fchmod", m_fchmod },
	{ "fchmodat", m_fchmodat }, { "fchmodat-dir", m_fchmodat_dir }, { "fchmodat2", m_fchmodat2 },
	{ "fchmodat2-empty", m_fchmodat2_empty }, { "fchmodat2-keep", m_fchmodat2_keep },
	{ "chown", m_chown }, { "lchown", m_lchown }, { "fchown", m_fchown }, { "fchownat", m_fchownat },
	{ "fchownat-empty", m_fchownat_empty }, { "utime", m_utime }, { "utimes", m_utimes },
	{ "futimesat", m_futimesat }, { "futimesat-null", m_futimesat_null },
	{ "utimensat", m_utimensat }, { "utimensat-dir", m_utimensat_dir },
	{ "utimensat-null", m_utimensat_null }, { "utimensat-empty", m_utimensat_empty },
	{ "utimensat-now", m_utimensat_now }, { "setxattr", m_setxattr },
	{ "setxattr-link", m_setxattr_link }, { "lsetxattr", m_lsetxattr }, { "fsetxattr", m_fsetxattr },
	{ "setxattrat", m_setxattrat }, { "removexattr", m_removexattr },
	{ "lremovexattr", m_lremovexattr }, { "fremovexattr", m_fremovexattr },
	{ "removexattrat", m_removexattrat }, { "flags", m_flags }, { "flags-high", m_flags_high },
	{ "fsxattr", m_fsxattr }, { "version", m_version }, { "file-setattr", m_file_setattr },
	{ "i386", m_i386 }, { "x32", m_x32 }, { "high-number", m_high_number },
	{ "mark", mark }, { 0, 0 },
};
