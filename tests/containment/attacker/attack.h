/* The attacker: one program, many attacks. Each makes raw system calls, so that no library
 * chooses another way, and prints nothing but what it stole and one line with its errno. */
#ifndef ATTACK_H
#define ATTACK_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns 0, or the errno of the step that failed. */
typedef int attack(char **argument);
struct entry { const char *name; attack *run; };

#define CALL(...) (syscall(__VA_ARGS__) == -1 ? errno : 0)

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#endif
#ifndef SYS_removexattrat
#define SYS_removexattrat 466
#endif
#ifndef SYS_file_setattr
#define SYS_file_setattr 469
#endif

int dump(int fd);              /* copies a file to standard output */
int list(int fd);              /* writes the names in a directory to standard output */

extern const struct entry reading[], changing[], metadata[], network[], processes[], races[],
	greed[];
#endif
