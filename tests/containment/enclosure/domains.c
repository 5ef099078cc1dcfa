/* Landlock domains of other sandboxes. */
#include "enclosure.h"
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>

/* The rights of the first ABI, which every kernel with Landlock has. */
#define EVERYTHING ((1ull << 13) - 1)
#define OF_A_FILE 7ull

static int ruleset(void)
{
	struct landlock_ruleset_attr wanted = { .handled_access_fs = EVERYTHING };
	int made = syscall(SYS_landlock_create_ruleset, &wanted, sizeof wanted, 0);
	must(made != -1, "a ruleset");
	return made;
}

static void grant(int to, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = EVERYTHING };
	struct stat found;
	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	must(rule.parent_fd != -1 && !fstat(rule.parent_fd, &found), path);
	if (!S_ISDIR(found.st_mode))
		rule.allowed_access = OF_A_FILE;
	must(!syscall(SYS_landlock_add_rule, to, LANDLOCK_RULE_PATH_BENEATH, &rule, 0), path);
	close(rule.parent_fd);
}

static void enter(int made)
{
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no-new-privileges");
	must(!syscall(SYS_landlock_restrict_self, made, 0), "a domain");
	close(made);
}

void domain_granting(const char *paths)
{
	char *words = strdup(paths), *rest = words;
	int made = ruleset();
	for (char *one; (one = strsep(&rest, ",")) != NULL;)
		grant(made, one);
	free(words);
	enter(made);
}

void domains(const char *count)
{
	for (int left = atoi(count); left > 0; left--) {
		int made = ruleset();
		grant(made, "/");
		enter(made);
	}
}
